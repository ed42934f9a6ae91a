//! Max and average pooling, and the sums over windows that up-sampling is made of as well.

mod geometry;
mod kernels;

pub(super) use geometry::PoolGeometry;

use super::setters::setters;
use crate::conv::{Padding, Sides, Size, Window};
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// The largest value of each channel in a window that moves over an image: (height, width,
/// channels) to ((height + padding - kernel) / stride + 1, as much for the width, channels), with
/// the padding of both sides.
///
/// The padding is never the largest. Among equal values the gradient goes to the first, row by row,
/// as in PyTorch; a NaN in the window gives NaN.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    window: Window,
}

/// The mean of each channel in a window that moves over an image: (height, width, channels) to
/// ((height + padding - kernel) / stride + 1, as much for the width, channels), with the padding of
/// both sides.
///
/// The padding counts, as zeros: PyTorch's `count_include_pad`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    window: Window,
}

macro_rules! pool {
    ($Pool:ident, $name:literal, $is_max:literal) => {
        impl $Pool {
            /// A window of that height and width, which moves by as much, within the image.
            pub fn new(kernel: impl Into<Size>) -> $Pool {
                let kernel = kernel.into();
                $Pool { window: Window { stride: kernel, ..Window::new(kernel) } }
            }
        }

        setters!($Pool:
            /// Another distance from one position of the window to the next.
            with_stride(stride: impl Into<Size>) => window.stride = stride.into();
            /// Extends the image on each side, or by a number of its own on each ([`Sides`]), by
            /// half of the window at most.
            with_padding(padding: impl Into<Sides>) =>
                window.padding = Padding::Sides(padding.into());
            /// Extends the image so that there are `size / stride` positions, rounded up:
            /// TensorFlow's SAME. The padding follows from the size of the image. An odd pixel is
            /// at the bottom or on the right, as in ONNX's SAME_UPPER.
            with_same_padding() => window.padding = Padding::Same;
        );

        impl Layer for $Pool {
            fn name(&self) -> &'static str {
                $name
            }

            fn plan(&self, input: &Shape) -> Result<Planned, Error> {
                let images = PoolGeometry::new(self.window, input)?;
                Ok(Planned::new(images.small_shape()?, PoolOp { images, is_max: $is_max }))
            }
        }
    };
}
pool!(MaxPool2d, "max pool", true);
pool!(AvgPool2d, "avg pool", false);

#[derive(Debug)]
struct PoolOp {
    images: PoolGeometry,
    /// True if it takes the largest value; else it takes the mean.
    is_max: bool,
}

impl PoolOp {
    /// 1 / (pixels in the window)
    fn scale(&self) -> f32 {
        let Size(height, width) = self.images.window.kernel;
        1.0 / (height * width) as f32
    }
}

impl Op for PoolOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (images, x) = (self.images, io.x);
        match self.is_max {
            true => images.by_rows(cx, io.y, |first_row, y| {
                kernels::max(cx.isa(), images, first_row, x, y);
            }),
            false => sums(cx, images, x, io.y, self.scale()),
        }
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (images, x, y, dy) = (self.images, io.x, io.y, io.dy);
        match self.is_max {
            true => images.by_images(cx, dx, |first_image, dx| {
                kernels::max_gradient(cx.isa(), images, first_image, x, y, dy, dx);
            }),
            false => spread(cx, images, dy, dx, self.scale()),
        }
    }
}

/// `scale` times the sum of each window: from all large images to all small ones.
pub(super) fn sums(
    cx: &Context,
    images: PoolGeometry,
    large: &[f32],
    small: &mut [f32],
    scale: f32,
) {
    images.by_rows(cx, small, |first_row, small| {
        kernels::sums(cx.isa(), images, first_row, large, small, scale);
    });
}

/// `scale` times each value to all pixels of its window, where they add up: from all small images
/// to all large ones.
pub(super) fn spread(
    cx: &Context,
    images: PoolGeometry,
    small: &[f32],
    large: &mut [f32],
    scale: f32,
) {
    images.by_images(cx, large, |first_image, large| {
        kernels::spread(cx.isa(), images, first_image, small, large, scale);
    });
}
