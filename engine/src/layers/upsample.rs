use super::pool::Images;
use super::pool::kernels::{Spread, Sums};
use crate::conv::{Size, Window, image, image_shape};
use crate::network::layer::{Backward, Forward, Layer};
use crate::{Context, Error, Shape};

/// Makes each pixel a square of as many: (height, width, channels) to (factor height, factor width,
/// channels). It takes the nearest pixel, and smooths nothing.
#[derive(Clone, Copy, Debug)]
pub struct Upsample {
    factor: usize,
}

impl Upsample {
    /// A layer that makes images `factor` times as high and as wide.
    pub fn new(factor: usize) -> Upsample {
        Upsample { factor }
    }

    /// The height and width of the output.
    fn size(&self, Size(height, width): Size) -> Size {
        Size(height.saturating_mul(self.factor), width.saturating_mul(self.factor))
    }

    /// The squares that the output is cut into.
    fn squares(&self, input: &Shape) -> Images {
        let (size, channels) = image(input).expect("an image");
        let square = Size(self.factor, self.factor);
        Images::of_size(Window { stride: square, ..Window::new(square) }, self.size(size), channels)
    }
}

impl Layer for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        if self.factor == 0 {
            return Err(Error::new("needs a factor of at least 1, not 0"));
        }
        let (size, channels) = image(input)?;
        image_shape(self.size(size), channels)
    }

    fn is_identity(&self) -> bool {
        self.factor == 1
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let images = self.squares(io.input);
        images.by_images(cx, io.y, |first_image, large| {
            cx.isa().run(Spread { images, first_image, small: io.x, large, scale: 1.0 });
        });
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let images = self.squares(io.input);
        images.by_rows(cx, dx, |first_row, small| {
            cx.isa().run(Sums { images, first_row, large: io.dy, small, scale: 1.0 });
        });
    }
}
