use super::pool::kernels::{max, max_gradient};
use super::pool::{PoolGeometry, settings};
use crate::conv::{Size, Window};
use crate::network::layer::{Backward, Forward, Layer, Op};
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

settings!(MaxPool2d);

impl Layer for MaxPool2d {
    fn name(&self) -> &'static str {
        "max pool"
    }

    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error> {
        let images = PoolGeometry::new(self.window, input)?;
        Ok(Box::new(MaxPoolOp { images, output: images.small_shape()? }))
    }
}

#[derive(Debug)]
struct MaxPoolOp {
    images: PoolGeometry,
    output: Shape,
}

impl Op for MaxPoolOp {
    fn output(&self) -> Shape {
        self.output.clone()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let images = self.images;
        images.by_rows(cx, io.y, |first_row, y| {
            max(cx.isa(), images, first_row, io.x, y);
        });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (images, x, y, dy) = (self.images, io.x, io.y, io.dy);
        images.by_images(cx, dx, |first_image, dx| {
            max_gradient(cx.isa(), images, first_image, x, y, dy, dx);
        });
    }
}
