//! The convolution: `y[i, j, o] = b[o] + sum over t, u, c of x[i stride - padding + t dilation, ..
//! u .., c] W[t, u, c, o]`.

use super::convolution::{ConvSettings, settings};
use crate::conv::{Conv, Direction, Size};
use crate::network::init::Init;
use crate::network::layer::{Layer, Op};
use crate::{Error, Shape};

/// A convolution of an image, height x width x channels.
///
/// The weight is stored as (kernel height, kernel width, in channels / groups, out channels):
/// PyTorch's, which is (out, in / groups, height, width), permuted by (2, 3, 1, 0).
#[derive(Clone, Debug)]
pub struct Conv2d {
    settings: ConvSettings,
}

impl Conv2d {
    /// A convolution to `channels` channels by a kernel of that size (a number, or height and
    /// width), with stride 1, no padding, a bias that starts at 0, and He's normal initialisation.
    pub fn new(channels: usize, kernel: impl Into<Size>) -> Conv2d {
        Conv2d { settings: ConvSettings::new(channels, kernel.into()) }
    }

    /// The pixels from one position of the kernel to the next.
    pub fn with_stride(mut self, stride: impl Into<Size>) -> Conv2d {
        self.settings.window.stride = stride.into();
        self
    }

    /// The zeros that the image is extended by on each side.
    pub fn with_padding(mut self, padding: impl Into<Size>) -> Conv2d {
        self.settings.window.padding = padding.into();
        self
    }
}

settings!(Conv2d);

impl Layer for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error> {
        let ConvSettings { window, channels, groups, .. } = self.settings;
        let conv = Conv::over(window, input, channels, groups)?;
        let fans = [conv.image_channels, conv.map_channels]
            .map(|c| (c / groups).saturating_mul(conv.taps()));
        self.settings.plan(conv, Direction::Forward, fans)
    }
}
