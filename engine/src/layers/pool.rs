//! Max and average pooling, and the sums over windows that up-sampling is made of as well.

mod geometry;
mod kernels;

pub(super) use geometry::{Divisor, PoolGeometry};

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
    ceil_mode: bool,
}

/// The mean of each channel in a window that moves over an image: (height, width, channels) to
/// ((height + padding - kernel) / stride + 1, as much for the width, channels), with the padding of
/// both sides.
///
/// The padding counts, as zeros, unless
/// [`with_count_include_pad`](AvgPool2d::with_count_include_pad) says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    window: Window,
    ceil_mode: bool,
    count_include_pad: bool,
}

macro_rules! pool {
    ($Pool:ident { $($more:ident: $value:expr)? }, $name:literal, |$pool:ident| $kind:expr) => {
        impl $Pool {
            /// A window of that height and width, which moves by as much, within the image.
            pub fn new(kernel: impl Into<Size>) -> $Pool {
                let kernel = kernel.into();
                let window = Window { stride: kernel, ..Window::new(kernel) };
                $Pool { window, ceil_mode: false $(, $more: $value)? }
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
            /// Rounds the number of positions up, PyTorch's `ceil_mode`: a last window reaches
            /// beyond the padded image, if it starts in the image or in the padding before it.
            with_ceil_mode(ceil_mode: bool) => ceil_mode = ceil_mode;
        );

        impl Layer for $Pool {
            fn name(&self) -> &'static str {
                $name
            }

            fn plan(&self, input: &Shape) -> Result<Planned, Error> {
                let images = PoolGeometry::new(self.window, self.ceil_mode, input)?;
                let $pool = self;
                Ok(Planned::new(images.small_shape()?, PoolOp { images, kind: $kind }))
            }
        }
    };
}
pool!(MaxPool2d {}, "max pool", |_pool| Kind::Max);
pool!(AvgPool2d { count_include_pad: true }, "avg pool", |pool| Kind::Mean(
    if pool.count_include_pad { Divisor::Padded } else { Divisor::Pixels }
));
setters!(AvgPool2d:
    /// PyTorch's `count_include_pad`: with `false`, the sum is divided by the pixels of the image
    /// in the window alone, as TensorFlow does it.
    with_count_include_pad(count: bool) => count_include_pad = count;
);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Max,
    Mean(Divisor),
}

#[derive(Debug)]
struct PoolOp {
    images: PoolGeometry,
    kind: Kind,
}

impl Op for PoolOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (images, x) = (self.images, io.x);
        match self.kind {
            Kind::Max => images.by_rows(cx, io.y, |first_row, y| {
                kernels::max(cx.isa(), images, first_row, x, y);
            }),
            Kind::Mean(divisor) => sums(cx, images, x, io.y, divisor),
        }
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (images, x, y, dy) = (self.images, io.x, io.y, io.dy);
        match self.kind {
            Kind::Max => images.by_images(cx, dx, |first_image, dx| {
                kernels::max_gradient(cx.isa(), images, first_image, x, y, dy, dx);
            }),
            Kind::Mean(divisor) => spread(cx, images, dy, dx, divisor),
        }
    }
}

/// The sum of each window, divided: from all large images to all small ones.
pub(super) fn sums(
    cx: &Context,
    images: PoolGeometry,
    large: &[f32],
    small: &mut [f32],
    divisor: Divisor,
) {
    images.by_rows(cx, small, |first_row, small| {
        kernels::sums(cx.isa(), images, first_row, large, small, divisor);
    });
}

/// Each value, divided, to all pixels of its window, where they add up: from all small images to
/// all large ones.
pub(super) fn spread(
    cx: &Context,
    images: PoolGeometry,
    small: &[f32],
    large: &mut [f32],
    divisor: Divisor,
) {
    images.by_images(cx, large, |first_image, large| {
        kernels::spread(cx.isa(), images, first_image, small, large, divisor);
    });
}
