//! A convolution in either direction: forth it makes a map of an image, back (transposed) an image
//! of a map.
//!
//! ```text
//!                  to the map                  to the image
//! forward:         map = conv(image)           image = conv'(map)
//! input gradient:  dimage = conv'(dmap)        dmap = conv(dimage)
//! ```

use super::fused::FusedRelu;
use super::weight_and_bias::weight_and_bias;
use crate::conv::{Conv, Convolution, Direction, Operands, Size, WeightSums, Window};
use crate::gemm::Epilogue;
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, Op};
use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};

/// The settings that both directions have.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvSettings {
    /// Of the output.
    pub channels: usize,
    pub window: Window,
    pub groups: usize,
    pub bias: bool,
    pub init: Init,
}

/// Gives a convolution the constructors that mean the same in both directions.
macro_rules! settings {
    ($Conv:ident) => {
        impl $Conv {
            /// The pixels from one tap of the kernel to the next.
            pub fn with_dilation(mut self, dilation: impl Into<Size>) -> $Conv {
                self.settings.window.dilation = dilation.into();
                self
            }

            /// Cuts the channels into groups, each of which sees its own alone. As many as
            /// channels: depthwise.
            pub fn with_groups(mut self, groups: usize) -> $Conv {
                self.settings.groups = groups;
                self
            }

            /// Leaves the bias out, as before a batch norm, which would remove it.
            pub fn without_bias(mut self) -> $Conv {
                self.settings.bias = false;
                self
            }

            /// Another initialisation of the weight.
            pub fn with_init(mut self, init: Init) -> $Conv {
                self.settings.init = init;
                self
            }
        }
    };
}
pub(super) use settings;

impl ConvSettings {
    pub fn new(channels: usize, kernel: Size) -> ConvSettings {
        let window = Window::new(kernel);
        ConvSettings { channels, window, groups: 1, bias: true, init: Init::HeNormal }
    }

    /// The op of a convolution that has been checked, whose forward pass has that direction. `fans`: the inputs that an output sums over,
    /// the outputs that an input reaches.
    pub fn plan(
        &self,
        conv: Conv,
        direction: Direction,
        fans: [usize; 2],
    ) -> Result<Box<dyn Op>, Error> {
        let output = match direction {
            Direction::Forward => conv.map_shape()?,
            _ => conv.image_shape()?,
        };
        let (settings, relu, conv) = (*self, FusedRelu::default(), Convolution::new(conv));
        Ok(Box::new(ConvolutionOp { settings, conv, direction, fans, output, relu }))
    }
}

#[derive(Debug)]
struct ConvolutionOp {
    settings: ConvSettings,
    conv: Convolution,
    /// Of the forward pass: to the map, or to the image.
    direction: Direction,
    fans: [usize; 2],
    output: Shape,
    relu: FusedRelu,
}

impl Op for ConvolutionOp {
    fn output(&self) -> Shape {
        self.output.clone()
    }

    fn params(&self) -> Vec<ParamSpec> {
        let ConvSettings { channels, window, groups, bias, init } = self.settings;
        let Size(height, width) = window.kernel;
        let Conv { image_channels, map_channels, .. } = self.conv.conv;
        let shape = vec![height, width, image_channels / groups, map_channels];
        weight_and_bias(shape, channels, bias, init, self.fans)
    }

    fn scratch_len(&self, batch: usize) -> usize {
        // dy before the ReLU, and one after the other: partial sums of the bias gradient, what the
        // convolution needs
        let channels = self.settings.channels;
        let rows = batch.saturating_mul(self.output.len() / channels);
        let sums = if self.settings.bias { column_sums::scratch_len(rows, channels, 1) } else { 0 };
        self.relu.scratch_len(rows * channels) + sums.max(self.conv.scratch_len(batch))
    }

    fn macs(&self) -> u64 {
        self.conv.conv.macs()
    }

    fn take_relu(&mut self) -> bool {
        self.relu.take()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (weight, bias) = io.params.split_at(self.conv.conv.weight_len());
        let bias = self.settings.bias.then_some(bias);
        let epilogue = Epilogue { bias, relu: self.relu.is_there() };
        let Forward { x: from, y: to, scratch, .. } = io;
        self.conv.run(self.direction, Operands { cx, from, weight, to, epilogue, scratch });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (weight, _) = io.params.split_at(self.conv.conv.weight_len());
        let (dy, scratch) = self.relu.gradient_before_relu(cx, io.y, io.dy, io.scratch);
        let (back, image, dmap) = match self.direction {
            Direction::Forward => (Direction::InputGradient, io.x, dy),
            _ => (Direction::Forward, dy, io.x),
        };
        if let Some(to) = io.dx {
            let epilogue = Epilogue::default();
            self.conv.run(back, Operands { cx, from: dy, weight, to, epilogue, scratch });
        }
        if let Some(grads) = io.grads {
            let (grad, db) = grads.split_at_mut(weight.len());
            if self.settings.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, scratch);
            }
            let accumulate = io.accumulate;
            self.conv.weight_gradient(WeightSums { cx, image, dmap, grad, accumulate, scratch });
        }
    }
}
