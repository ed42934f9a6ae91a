//! The convolution: `y[i, j, o] = b[o] + sum over t, u, c of x[i stride - padding + t dilation, ..
//! u .., c] W[t, u, c, o]`.

use super::Relu;
use crate::conv::{self, Conv, Size, Window};
use crate::gemm::Epilogue;
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, Layer};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};
use std::any::Any;

/// A convolution of an image, height x width x channels.
///
/// The weight is stored as (kernel height, kernel width, in channels / groups, out channels):
/// PyTorch's, which is (out, in / groups, height, width), permuted by (2, 3, 1, 0).
#[derive(Clone, Debug)]
pub struct Conv2d {
    channels: usize,
    window: Window,
    groups: usize,
    bias: bool,
    init: Init,
    relu: bool,
}

impl Conv2d {
    /// A convolution to `channels` channels by a kernel of that size (a number, or height and
    /// width), with stride 1, no padding, a bias that starts at 0, and He's normal initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> Conv2d {
        let window = Window::new(kernel.into());
        Conv2d { channels, window, groups: 1, bias: true, init: Init::HeNormal, relu: false }
    }

    /// The pixels from one position of the kernel to the next.
    pub fn with_stride(mut self, stride: impl Into<Size>) -> Conv2d {
        self.window.stride = stride.into();
        self
    }

    /// The zeros that the image is extended by on each side.
    pub fn with_padding(mut self, padding: impl Into<Size>) -> Conv2d {
        self.window.padding = padding.into();
        self
    }

    /// The pixels from one tap of the kernel to the next.
    pub fn with_dilation(mut self, dilation: impl Into<Size>) -> Conv2d {
        self.window.dilation = dilation.into();
        self
    }

    /// Cuts the channels into groups, each of which sees its own alone. As many as channels:
    /// depthwise.
    pub fn with_groups(self, groups: usize) -> Conv2d {
        Conv2d { groups, ..self }
    }

    /// Leaves the bias out, as before a batch norm, which would remove it.
    pub fn without_bias(self) -> Conv2d {
        Conv2d { bias: false, ..self }
    }

    /// Another initialisation of the weight.
    pub fn with_init(self, init: Init) -> Conv2d {
        Conv2d { init, ..self }
    }

    fn conv(&self, input: &Shape) -> Result<Conv, Error> {
        Conv::over(self.window, input, self.channels, self.groups)
    }

    /// The convolution, once `output_shape` has found nothing wrong with it.
    fn planned(&self, input: &Shape) -> Conv {
        self.conv(input).expect("an input that was checked when the network was planned")
    }
}

impl Layer for Conv2d {
    fn name(&self) -> &'static str {
        if self.relu { "conv2d + relu" } else { "conv2d" }
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        self.conv(input)?.map_shape()
    }

    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        let conv = self.planned(input);
        let fans = [conv.image_channels, conv.map_channels]
            .map(|c| (c / self.groups).saturating_mul(conv.taps()));
        params(&conv, self.channels, self.bias, self.init, fans)
    }

    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        // dy behind the ReLU, and one after the other: partial sums of the bias gradient, the
        // weight for dx, partial sums of its gradient
        let conv = self.planned(input);
        let rows = batch.saturating_mul(conv.positions());
        let dy = if self.relu { rows * self.channels } else { 0 };
        let sums = if self.bias { column_sums::scratch_len(rows, self.channels, 1) } else { 0 };
        dy + sums.max(conv::scratch_len(&conv, batch))
    }

    fn macs(&self, input: &Shape) -> u64 {
        self.planned(input).macs()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let conv = self.planned(io.input);
        let (weight, bias) = io.params.split_at(conv.weight_len());
        let epilogue = Epilogue { bias: self.bias.then_some(bias), relu: self.relu };
        conv::forward(cx, &conv, io.x, weight, io.y, epilogue, io.scratch);
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let conv = self.planned(io.input);
        let (weight, _) = io.params.split_at(conv.weight_len());
        let (dy, scratch) = Relu.behind(self.relu, cx, io.y, io.dy, io.scratch);
        if let Some(dx) = io.dx {
            conv::input_gradient(cx, &conv, dy, weight, dx, Epilogue::default(), scratch);
        }
        if let Some(grads) = io.grads {
            let (dw, db) = grads.split_at_mut(conv.weight_len());
            if self.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, scratch);
            }
            conv::weight_gradient(cx, &conv, io.x, dy, dw, io.accumulate, scratch);
        }
    }

    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let relu = (next as &dyn Any).is::<Relu>() && !self.relu;
        relu.then(|| Box::new(Conv2d { relu: true, ..self.clone() }) as Box<dyn Layer>)
    }
}

/// The weight of a convolution and, for an output of so many channels, the bias. `fan_in` is what one output
/// sums over.
pub(super) fn params(
    conv: &Conv,
    outputs: usize,
    bias: bool,
    init: Init,
    fans: [usize; 2],
) -> Vec<ParamSpec> {
    let Size(height, width) = conv.window.kernel;
    let [fan_in, fan_out] = fans;
    let weight = ParamSpec {
        name: "weight".into(),
        shape: vec![height, width, conv.image_channels / conv.groups, conv.map_channels],
        role: Role::Weight,
        init,
        fan_in,
        fan_out,
    };
    let constant = Init::Constant(0.0);
    let shape = vec![outputs];
    let bias = bias.then_some(ParamSpec {
        name: "bias".into(),
        shape,
        role: Role::Bias,
        init: constant,
        fan_in,
        fan_out,
    });
    [Some(weight), bias].into_iter().flatten().collect()
}
