use super::pool::kernels::{Max, MaxGradient};
use super::pool::{self, Images};
use crate::conv::{Size, Window};
use crate::network::layer::{Backward, Forward, Layer};
use crate::{Context, Error, Shape};

/// The largest value of each channel in a window that moves over an image: (height, width,
/// channels) to ((height + 2 padding - kernel) / stride + 1, as much for the width, channels).
///
/// What the image is padded by is never the largest. Among equal values the gradient goes to the
/// first, row by row, as in PyTorch; a NaN in the window gives NaN.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    window: Window,
}

impl MaxPool2d {
    /// A window of that height and width, which moves by as much, within the image.
    pub fn new(kernel: impl Into<Size>) -> MaxPool2d {
        let kernel = kernel.into();
        MaxPool2d { window: Window { stride: kernel, ..Window::new(kernel) } }
    }

    /// Another distance from one position of the window to the next.
    pub fn with_stride(self, stride: impl Into<Size>) -> MaxPool2d {
        MaxPool2d { window: Window { stride: stride.into(), ..self.window } }
    }

    /// Extends the image on each side, by half of the window at most.
    pub fn with_padding(self, padding: impl Into<Size>) -> MaxPool2d {
        MaxPool2d { window: Window { padding: padding.into(), ..self.window } }
    }
}

impl Layer for MaxPool2d {
    fn name(&self) -> &'static str {
        "max pool"
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        pool::output_shape(&self.window, input)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let images = Images::new(self.window, io.input);
        images
            .by_rows(cx, io.y, |first_row, y| cx.isa().run(Max { images, first_row, x: io.x, y }));
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let images = Images::new(self.window, io.input);
        let (x, y, dy) = (io.x, io.y, io.dy);
        images.by_images(cx, dx, |first_image, dx| {
            cx.isa().run(MaxGradient { images, first_image, x, y, dy, dx });
        });
    }
}
