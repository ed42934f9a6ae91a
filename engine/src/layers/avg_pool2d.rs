use super::pool::kernels::{spread, sums};
use super::pool::{PoolGeometry, settings};
use crate::conv::{Size, Window};
use crate::network::layer::{Backward, Forward, Layer, Op};
use crate::{Context, Error, Shape};

/// The mean of each channel in a window that moves over an image: (height, width, channels) to
/// ((height + 2 padding - kernel) / stride + 1, as much for the width, channels).
///
/// What the image is padded by counts, as zeros: PyTorch's `count_include_pad`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    window: Window,
}

settings!(AvgPool2d);

impl Layer for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg pool"
    }

    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error> {
        let images = PoolGeometry::new(self.window, input)?;
        let scale = 1.0 / (self.window.kernel.0 * self.window.kernel.1) as f32;
        Ok(Box::new(AvgPoolOp { images, output: images.small_shape()?, scale }))
    }
}

#[derive(Debug)]
struct AvgPoolOp {
    images: PoolGeometry,
    output: Shape,
    /// 1 / (pixels in the window)
    scale: f32,
}

impl Op for AvgPoolOp {
    fn output(&self) -> Shape {
        self.output.clone()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let AvgPoolOp { images, scale, .. } = *self;
        images.by_rows(cx, io.y, |first_row, small| {
            sums(cx.isa(), images, first_row, io.x, small, scale);
        });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let AvgPoolOp { images, scale, .. } = *self;
        images.by_images(cx, dx, |first_image, large| {
            spread(cx.isa(), images, first_image, io.dy, large, scale);
        });
    }
}
