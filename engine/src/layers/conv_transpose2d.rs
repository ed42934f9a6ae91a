//! The transposed convolution: what the input gradient of a convolution is to its output's gradient
//! (Dumoulin and Visin 2016, arXiv:1603.07285, section 4).

use super::{Relu, conv2d};
use crate::conv::{self, Conv, Size, Window};
use crate::gemm::Epilogue;
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, Layer};
use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};
use std::any::Any;

/// A transposed convolution of an image, height x width x channels, which a stride makes larger.
///
/// It makes `(height - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output padding` rows of
/// `height`. The weight is stored as (kernel height, kernel width, out channels / groups, in
/// channels), as that of the convolution in the other direction: PyTorch's, which is (in, out /
/// groups, height, width), permuted by (2, 3, 1, 0).
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    channels: usize,
    window: Window,
    output_padding: Size,
    groups: usize,
    bias: bool,
    init: Init,
    relu: bool,
}

impl ConvTranspose2d {
    /// A transposed convolution to `channels` channels by a kernel of that size (a number, or
    /// height and width), with stride 1, no padding, a bias that starts at 0, and He's normal
    /// initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> ConvTranspose2d {
        ConvTranspose2d {
            channels,
            window: Window::new(kernel.into()),
            output_padding: Size(0, 0),
            groups: 1,
            bias: true,
            init: Init::HeNormal,
            relu: false,
        }
    }

    /// The pixels of the output from one pixel of the input to the next.
    pub fn with_stride(mut self, stride: impl Into<Size>) -> ConvTranspose2d {
        self.window.stride = stride.into();
        self
    }

    /// What is cut off the output on each side.
    pub fn with_padding(mut self, padding: impl Into<Size>) -> ConvTranspose2d {
        self.window.padding = padding.into();
        self
    }

    /// What is added to the output at the bottom and on the right: several sizes become the same by
    /// a convolution with a stride, and this tells which of them to go back to. Less than the
    /// stride or the dilation.
    pub fn with_output_padding(mut self, output_padding: impl Into<Size>) -> ConvTranspose2d {
        self.output_padding = output_padding.into();
        self
    }

    /// The pixels from one tap of the kernel to the next.
    pub fn with_dilation(mut self, dilation: impl Into<Size>) -> ConvTranspose2d {
        self.window.dilation = dilation.into();
        self
    }

    /// Cuts the channels into groups, each of which sees its own alone.
    pub fn with_groups(self, groups: usize) -> ConvTranspose2d {
        ConvTranspose2d { groups, ..self }
    }

    /// Leaves the bias out, as before a batch norm, which would remove it.
    pub fn without_bias(self) -> ConvTranspose2d {
        ConvTranspose2d { bias: false, ..self }
    }

    /// Another initialisation of the weight.
    pub fn with_init(self, init: Init) -> ConvTranspose2d {
        ConvTranspose2d { init, ..self }
    }

    /// The convolution from the output to the input.
    fn conv(&self, input: &Shape) -> Result<Conv, Error> {
        let Window { kernel, stride, padding, dilation } = self.window;
        let (map, map_channels) = conv::image(input)?;
        self.window.check()?;
        let (added, most) = (self.output_padding, [stride, dilation]);
        if most.iter().all(|most| added.0 >= most.0) || most.iter().all(|most| added.1 >= most.1) {
            return Err(Error::new(format!(
                "needs an output padding less than the stride ({stride}) or the dilation \
                 ({dilation}), not {added}"
            )));
        }
        let along = |size: usize,
                     kernel: usize,
                     stride: usize,
                     padding: usize,
                     dilation: usize,
                     added: usize| {
            let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            let full = (size - 1).checked_mul(stride)?.checked_add(extent)?.checked_add(added)?;
            full.checked_sub(padding.checked_mul(2)?).filter(|size| *size > 0)
        };
        let image = along(map.0, kernel.0, stride.0, padding.0, dilation.0, added.0)
            .zip(along(map.1, kernel.1, stride.1, padding.1, dilation.1, added.1));
        let Some((height, width)) = image else {
            return Err(Error::new(format!(
                "a padding of {padding} leaves nothing of what a kernel of {kernel} makes of an \
                 input of {input}"
            )));
        };
        let image = Size(height, width);
        let (image_channels, groups) = (self.channels, self.groups);
        let conv = Conv { window: self.window, image, image_channels, map, map_channels, groups };
        conv.check(input)?;
        Ok(conv)
    }

    /// The convolution, once `output_shape` has found nothing wrong with it.
    fn planned(&self, input: &Shape) -> Conv {
        self.conv(input).expect("an input that was checked when the network was planned")
    }
}

impl Layer for ConvTranspose2d {
    fn name(&self) -> &'static str {
        if self.relu { "conv transpose2d + relu" } else { "conv transpose2d" }
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        self.conv(input)?.image_shape()
    }

    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        let conv = self.planned(input);
        // A stride spreads the taps over as many pixels.
        let Size(down, across) = self.window.stride;
        let reached = (conv.taps() / down.saturating_mul(across)).max(1);
        let fan_in = (conv.map_channels / self.groups).saturating_mul(reached);
        let fan_out = (conv.image_channels / self.groups).saturating_mul(conv.taps());
        conv2d::params(&conv, self.channels, self.bias, self.init, [fan_in, fan_out])
    }

    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        // As a convolution's.
        let conv = self.planned(input);
        let rows = batch.saturating_mul(conv.pixels());
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
        conv::input_gradient(cx, &conv, io.x, weight, io.y, epilogue, io.scratch);
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let conv = self.planned(io.input);
        let (weight, _) = io.params.split_at(conv.weight_len());
        let (dy, scratch) = Relu.behind(self.relu, cx, io.y, io.dy, io.scratch);
        if let Some(dx) = io.dx {
            conv::forward(cx, &conv, dy, weight, dx, Epilogue::default(), scratch);
        }
        if let Some(grads) = io.grads {
            let (dw, db) = grads.split_at_mut(conv.weight_len());
            if self.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, scratch);
            }
            conv::weight_gradient(cx, &conv, dy, io.x, dw, io.accumulate, scratch);
        }
    }

    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let relu = (next as &dyn Any).is::<Relu>() && !self.relu;
        relu.then(|| Box::new(ConvTranspose2d { relu: true, ..self.clone() }) as Box<dyn Layer>)
    }
}
