use super::pool::kernels::{Spread, Sums};
use super::pool::{self, Images};
use crate::conv::{Size, Window};
use crate::network::layer::{Backward, Forward, Layer};
use crate::{Context, Error, Shape};

/// The mean of each channel in a window that moves over an image: (height, width, channels) to
/// ((height + 2 padding - kernel) / stride + 1, as much for the width, channels).
///
/// What the image is padded by counts, as zeros: PyTorch's `count_include_pad`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    window: Window,
}

impl AvgPool2d {
    /// A window of that height and width, which moves by as much, within the image.
    pub fn new(kernel: impl Into<Size>) -> AvgPool2d {
        let kernel = kernel.into();
        AvgPool2d { window: Window { stride: kernel, ..Window::new(kernel) } }
    }

    /// Another distance from one position of the window to the next.
    pub fn with_stride(self, stride: impl Into<Size>) -> AvgPool2d {
        AvgPool2d { window: Window { stride: stride.into(), ..self.window } }
    }

    /// Extends the image on each side, by half of the window at most.
    pub fn with_padding(self, padding: impl Into<Size>) -> AvgPool2d {
        AvgPool2d { window: Window { padding: padding.into(), ..self.window } }
    }

    /// What a sum becomes the mean by.
    fn scale(&self) -> f32 {
        1.0 / (self.window.kernel.0 * self.window.kernel.1) as f32
    }
}

impl Layer for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg pool"
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        pool::output_shape(&self.window, input)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let (images, scale) = (Images::new(self.window, io.input), self.scale());
        images.by_rows(cx, io.y, |first_row, small| {
            cx.isa().run(Sums { images, first_row, large: io.x, small, scale });
        });
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (images, scale) = (Images::new(self.window, io.input), self.scale());
        images.by_images(cx, dx, |first_image, large| {
            cx.isa().run(Spread { images, first_image, small: io.dy, large, scale });
        });
    }
}
