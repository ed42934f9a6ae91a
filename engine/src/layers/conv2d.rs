//! The convolution and its transpose, whose forward pass is the input gradient of a convolution
//! (Dumoulin and Visin 2016, arXiv:1603.07285, section 4).
//!
//! ```text
//! y[i, j, o] = b[o] + sum over t, u, c of x[i stride - padding + t dilation, .. u .., c]
//!                                         W[t, u, c, o]
//!
//!                  convolution                 transposed
//! forward:         map = conv(image)           image = conv'(map)
//! input gradient:  dimage = conv'(dmap)        dmap = conv(dimage)
//! ```

use super::product::{Product, ProductOp, Work};
use super::setters::setters;
use crate::conv::{
    Conv, Convolution, Direction, Operands, Padding, Sides, Size, WeightSums, Window, image,
};
use crate::error::ensure;
use crate::gemm::Epilogue;
use crate::network::init::Init;
use crate::network::layer::{Layer, Planned};
use crate::{Error, Shape};

/// The settings that both directions have.
#[derive(Clone, Copy, Debug)]
struct ConvSettings {
    /// The channels of the output.
    channels: usize,
    window: Window,
    groups: usize,
    bias: bool,
    init: Init,
}

/// A convolution of an image, height x width x channels.
///
/// The weight is stored as (kernel height, kernel width, in channels / groups, out channels):
/// PyTorch's, which is (out, in / groups, height, width), permuted by (2, 3, 1, 0).
#[derive(Clone, Debug)]
pub struct Conv2d {
    settings: ConvSettings,
}

/// A transposed convolution of an image, height x width x channels, which a stride makes larger.
///
/// It makes `(height - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output padding` rows of
/// `height`. The weight is stored as (kernel height, kernel width, out channels / groups, in
/// channels), as that of the convolution in the other direction: PyTorch's, which is (in, out /
/// groups, height, width), permuted by (2, 3, 1, 0).
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    settings: ConvSettings,
    output_padding: Size,
}

impl Conv2d {
    /// A convolution to `channels` channels by a kernel of that size (a number, or height and
    /// width), with stride 1, no padding, a bias that starts at 0, and He's normal initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> Conv2d {
        Conv2d { settings: ConvSettings::new(channels, kernel.into()) }
    }
}

impl ConvTranspose2d {
    /// A transposed convolution to `channels` channels by a kernel of that size (a number, or
    /// height and width), with stride 1, no padding, a bias that starts at 0, and He's normal
    /// initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> ConvTranspose2d {
        let settings = ConvSettings::new(channels, kernel.into());
        ConvTranspose2d { settings, output_padding: Size(0, 0) }
    }

    /// The convolution from the output to the input.
    fn conv(&self, input: &Shape) -> Result<Conv, Error> {
        let ConvSettings { window, channels: image_channels, groups, .. } = self.settings;
        let Window { kernel, stride, dilation, .. } = window;
        let (map, map_channels) = image(input)?;
        window.check()?;
        let padding = window.sides(map);
        let added = self.output_padding;
        ensure!(
            added.0 < stride.0.max(dilation.0) && added.1 < stride.1.max(dilation.1),
            setting,
            "needs an output padding less than the stride ({stride}) or the dilation ({dilation}), \
             not {added}"
        );
        let along = |[size, kernel, stride, padding, dilation, added]: [usize; 6]| {
            let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            let full = (size - 1).checked_mul(stride)?.checked_add(extent)?.checked_add(added)?;
            full.checked_sub(padding).filter(|size| *size > 0)
        };
        let Sides { top, left, bottom, right } = padding;
        let size = along([map.0, kernel.0, stride.0, top + bottom, dilation.0, added.0])
            .zip(along([map.1, kernel.1, stride.1, left + right, dilation.1, added.1]));
        let Some((height, width)) = size else {
            return Err(Error::shape(format!(
                "a padding of {padding} cuts off the whole output of a kernel of {kernel} for an \
                 input of {input}"
            )));
        };
        let image = Size(height, width);
        let conv = Conv { window, image, image_channels, map, map_channels, groups };
        conv.check(input)?;
        Ok(conv)
    }
}

/// Gives a convolution the settings of both directions; the texts say what differs between them.
macro_rules! settings {
    ($Conv:ident, $stride:literal, $padding:literal) => {
        setters!($Conv:
            #[doc = $stride]
            with_stride(stride: impl Into<Size>) => settings.window.stride = stride.into();
            #[doc = $padding]
            with_padding(padding: impl Into<Sides>) =>
                settings.window.padding = Padding::Sides(padding.into());
            /// The pixels from one tap of the kernel to the next.
            with_dilation(dilation: impl Into<Size>) => settings.window.dilation = dilation.into();
            /// Cuts the channels into groups, each of which sees its own alone. As many as
            /// channels: depthwise.
            with_groups(groups: usize) => settings.groups = groups;
            /// Leaves the bias out, as before a batch norm, which would remove it.
            without_bias() => settings.bias = false;
            /// Another initialisation of the weight.
            with_init(init: Init) => settings.init = init;
        );
    };
}
settings!(
    Conv2d,
    "The pixels from one position of the kernel to the next.",
    "The zeros that the image is extended by on each side, or a number of its own for each \
     ([`Sides`])."
);
settings!(
    ConvTranspose2d,
    "The pixels of the output from one pixel of the input to the next.",
    "The pixels cut off the output on each side, or a number of its own for each ([`Sides`])."
);
setters!(Conv2d:
    /// Pads the image so that there are `size / stride` positions, rounded up: TensorFlow's SAME.
    /// The padding follows from the size of the image. An odd pixel is at the bottom or on the
    /// right, as in ONNX's SAME_UPPER.
    with_same_padding() => settings.window.padding = Padding::Same;
);
setters!(ConvTranspose2d:
    /// The pixels added to the output at the bottom and on the right. A strided convolution maps
    /// several sizes to one; this selects which to restore. Less than the stride or the dilation.
    with_output_padding(added: impl Into<Size>) => output_padding = added.into();
);

impl Layer for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let ConvSettings { window, channels, groups, .. } = self.settings;
        let conv = Conv::over(window, input, channels, groups)?;
        let fans = [conv.image_channels, conv.map_channels]
            .map(|c| (c / groups).saturating_mul(conv.taps()));
        self.settings.plan(conv, Direction::Forward, fans)
    }
}

impl Layer for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "conv transpose2d"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let conv = self.conv(input)?;
        // A stride spreads the taps over as many pixels.
        let Size(down, across) = conv.window.stride;
        let reached = (conv.taps() / down.saturating_mul(across)).max(1);
        let fan_in = (conv.map_channels / conv.groups).saturating_mul(reached);
        let fan_out = (conv.image_channels / conv.groups).saturating_mul(conv.taps());
        self.settings.plan(conv, Direction::InputGradient, [fan_in, fan_out])
    }
}

impl ConvSettings {
    fn new(channels: usize, kernel: Size) -> ConvSettings {
        let window = Window::new(kernel);
        ConvSettings { channels, window, groups: 1, bias: true, init: Init::HeNormal }
    }

    /// The op of a convolution that has been checked, whose forward pass has that direction.
    fn plan(&self, conv: Conv, direction: Direction, fans: [usize; 2]) -> Result<Planned, Error> {
        let (output, back) = match direction {
            Direction::Forward => (conv.map_shape()?, Direction::InputGradient),
            _ => (conv.image_shape()?, Direction::Forward),
        };
        let directions = [direction, back];
        let product = ConvProduct { convolution: Convolution::new(conv), directions, fans };
        Ok(ProductOp::planned(product, output, self.bias, self.init))
    }
}

/// A convolution in either direction.
#[derive(Clone, Debug)]
struct ConvProduct {
    convolution: Convolution,
    /// The directions of the forward pass and of the input gradient.
    directions: [Direction; 2],
    fans: [usize; 2],
}

impl Product for ConvProduct {
    const IS_LINEAR: bool = false;

    fn weight_shape(&self) -> Vec<usize> {
        let Conv { window, image_channels, map_channels, groups, .. } = self.convolution.conv;
        let Size(height, width) = window.kernel;
        vec![height, width, image_channels / groups, map_channels]
    }

    fn fans(&self) -> [usize; 2] {
        self.fans
    }

    fn macs(&self) -> u64 {
        self.convolution.conv.macs()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        self.convolution.scratch_len(batch)
    }

    fn scale_outputs(&self, weight: &mut [f32], scale: &[f32]) {
        let map_channels = self.convolution.conv.map_channels;
        let (group_inputs, group_outputs) = self.convolution.conv.group_channels();
        let is_forward = self.directions[0] == Direction::Forward;
        for (i, weights) in weight.chunks_exact_mut(map_channels).enumerate() {
            for (j, w) in weights.iter_mut().enumerate() {
                // Of a transposed convolution, outputs are channels of the image: those of a group.
                let group = j / group_outputs;
                *w *= scale[if is_forward { j } else { group * group_inputs + i % group_inputs }];
            }
        }
    }

    fn forward(&self, work: Work<'_>, from: &[f32], to: &mut [f32], epilogue: Epilogue<'_>) {
        let Work { cx, weight, scratch } = work;
        let operands = Operands { cx, from, weight, to, epilogue, scratch };
        self.convolution.run(self.directions[0], operands);
    }

    fn input_gradient(&self, work: Work<'_>, from: &[f32], to: &mut [f32]) {
        let (Work { cx, weight, scratch }, epilogue) = (work, Epilogue::default());
        let operands = Operands { cx, from, weight, to, epilogue, scratch };
        self.convolution.run(self.directions[1], operands);
    }

    fn weight_gradient(
        &self,
        Work { cx, scratch, .. }: Work<'_>,
        x: &[f32],
        dy: &[f32],
        grad: &mut [f32],
        accumulate: bool,
    ) {
        let (image, dmap) = match self.directions[0] {
            Direction::Forward => (x, dy),
            _ => (dy, x),
        };
        let sums = WeightSums { cx, image, dmap, grad, accumulate, scratch };
        self.convolution.weight_gradient(sums);
    }
}
