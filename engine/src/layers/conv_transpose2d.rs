//! The transposed convolution: what the input gradient of a convolution is to its output's gradient
//! (Dumoulin and Visin 2016, arXiv:1603.07285, section 4).

use super::convolution::{ConvSettings, settings};
use crate::conv::{Conv, Direction, Size, Window, image};
use crate::network::init::Init;
use crate::network::layer::{Layer, Op};
use crate::{Error, Shape};

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

impl ConvTranspose2d {
    /// A transposed convolution to `channels` channels by a kernel of that size (a number, or
    /// height and width), with stride 1, no padding, a bias that starts at 0, and He's normal
    /// initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> ConvTranspose2d {
        let settings = ConvSettings::new(channels, kernel.into());
        ConvTranspose2d { settings, output_padding: Size(0, 0) }
    }

    /// The pixels of the output from one pixel of the input to the next.
    pub fn with_stride(mut self, stride: impl Into<Size>) -> ConvTranspose2d {
        self.settings.window.stride = stride.into();
        self
    }

    /// What is cut off the output on each side.
    pub fn with_padding(mut self, padding: impl Into<Size>) -> ConvTranspose2d {
        self.settings.window.padding = padding.into();
        self
    }

    /// The pixels added to the output at the bottom and on the right. A strided convolution maps
    /// several sizes to one; this selects which to restore. Less than the stride or the dilation.
    pub fn with_output_padding(mut self, output_padding: impl Into<Size>) -> ConvTranspose2d {
        self.output_padding = output_padding.into();
        self
    }

    /// The convolution from the output to the input.
    fn conv(&self, input: &Shape) -> Result<Conv, Error> {
        let ConvSettings { window, channels: image_channels, groups, .. } = self.settings;
        let Window { kernel, stride, padding, dilation } = window;
        let (map, map_channels) = image(input)?;
        window.check()?;
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
        let size = along(map.0, kernel.0, stride.0, padding.0, dilation.0, added.0)
            .zip(along(map.1, kernel.1, stride.1, padding.1, dilation.1, added.1));
        let Some((height, width)) = size else {
            return Err(Error::new(format!(
                "a padding of {padding} leaves nothing of what a kernel of {kernel} makes of an \
                 input of {input}"
            )));
        };
        let image = Size(height, width);
        let conv = Conv { window, image, image_channels, map, map_channels, groups };
        conv.check(input)?;
        Ok(conv)
    }
}

settings!(ConvTranspose2d);

impl Layer for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "conv transpose2d"
    }

    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error> {
        let conv = self.conv(input)?;
        // A stride spreads the taps over as many pixels.
        let Size(down, across) = conv.window.stride;
        let reached = (conv.taps() / down.saturating_mul(across)).max(1);
        let fan_in = (conv.map_channels / conv.groups).saturating_mul(reached);
        let fan_out = (conv.image_channels / conv.groups).saturating_mul(conv.taps());
        self.settings.plan(conv, Direction::InputGradient, [fan_in, fan_out])
    }
}
