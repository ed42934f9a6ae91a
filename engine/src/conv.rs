//! Convolutions as implicit matrix products.
//!
//! A convolution reads an image by windows and writes a map of their positions. With the patches of
//! the image that the windows take in as the rows of P: (positions, taps channels), all three
//! passes are products:
//!
//! ```text
//! forward:          map = P W     W: (kernel height, kernel width, image channels, map channels)
//! weight gradient:  dW = P' dmap
//! input gradient:   dimage = a convolution of dmap again, one for each phase of the stride
//! ```
//!
//! A transposed convolution is the same with image and map exchanged: its forward pass is the input
//! gradient, its input gradient the forward pass. So both layers, [`Conv2d`](crate::layers::Conv2d)
//! and [`ConvTranspose2d`](crate::layers::ConvTranspose2d), are these three functions.
//!
//! P is never there as a whole. Each task gathers some of its rows, as many as stay in its level-2
//! cache, and multiplies them. Channels come last, so that a window's row of pixels is one
//! contiguous run, and gathering copies long vectors.

mod algorithm;
mod depthwise;
mod fold;
mod gathered;
mod geometry;
mod partial_sums;
mod patches;
mod phases;
mod pointwise;
mod strided;
#[cfg(test)]
mod tests;
mod winograd;

pub(crate) use algorithm::scratch_len;
pub use geometry::Size;
pub(crate) use geometry::{Conv, Window, image, image_shape};

use crate::Context;
use crate::gemm::Epilogue;
use crate::hardware::memory::Slab;
use algorithm::Algorithm;
use geometry::Direction;
use partial_sums::WeightSums;
use std::cell::Cell;

/// The floats of the patches that a task gathers at a time: 128 KB, which leaves room in a level-2
/// cache for what they are multiplied by and make.
const BLOCK: usize = 1 << 15;

thread_local! {
    /// What a task of this thread has gathered, and what it has made of that before it goes where
    /// it belongs. They only grow, so that what was run before allocates nothing.
    static GATHERED: Cell<Slab> = Cell::default();
    static PRODUCTS: Cell<Slab> = Cell::default();
    /// An image in its frame.
    static FRAMES: Cell<Slab> = Cell::default();
}

/// `map = relu(conv(image) + bias)` for a batch: image: (batch, image), weight: (kernel height,
/// kernel width, image channels of a group, map channels), map: (batch, map), to be overwritten.
/// `scratch`: [`scratch_len`] values of any content.
pub(crate) fn forward(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    weight: &[f32],
    map: &mut [f32],
    epilogue: Epilogue<'_>,
    scratch: &mut [f32],
) {
    match Algorithm::of(conv, Direction::Forward, cx.isa()) {
        Algorithm::Pointwise => pointwise::forward(cx, conv, image, weight, map, epilogue),
        Algorithm::Depthwise => depthwise::forward(cx, conv, image, weight, map, epilogue),
        Algorithm::Winograd => winograd::forward(cx, conv, image, weight, map, epilogue, scratch),
        Algorithm::Strided => strided::forward(cx, conv, image, weight, map, epilogue),
        Algorithm::Fold | Algorithm::Gathered => {
            gathered::forward(cx, conv, image, weight, map, epilogue)
        }
    }
}

/// `image = relu(conv'(map) + bias)` for a batch: map: (batch, map), weight as in [`forward`],
/// image: (batch, image), to be overwritten. `scratch`: [`scratch_len`] values of any content.
pub(crate) fn input_gradient(
    cx: &Context,
    conv: &Conv,
    map: &[f32],
    weight: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
    scratch: &mut [f32],
) {
    let algorithm = match Algorithm::of(conv, Direction::InputGradient, cx.isa()) {
        Algorithm::Pointwise => {
            return pointwise::input_gradient(cx, conv, map, weight, image, epilogue);
        }
        Algorithm::Depthwise => depthwise::input_gradient,
        Algorithm::Fold => fold::input_gradient,
        Algorithm::Winograd => winograd::input_gradient,
        Algorithm::Strided => strided::input_gradient,
        Algorithm::Gathered => gathered::input_gradient,
    };
    algorithm(cx, conv, map, weight, image, epilogue, scratch);
}

/// The gradient of the weight, added to `grad` or in its place. `scratch`: [`scratch_len`] values
/// of any content.
pub(crate) fn weight_gradient(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    grad: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    let algorithm = match Algorithm::of(conv, Direction::WeightGradient, cx.isa()) {
        Algorithm::Pointwise => pointwise::weight_gradient,
        Algorithm::Depthwise => depthwise::weight_gradient,
        Algorithm::Winograd => winograd::weight_gradient,
        Algorithm::Strided => strided::weight_gradient,
        Algorithm::Fold | Algorithm::Gathered => gathered::weight_gradient,
    };
    algorithm(cx, conv, image, dmap, WeightSums { grad, accumulate, scratch });
}
