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
//! and [`ConvTranspose2d`](crate::layers::ConvTranspose2d), are these three passes.
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

pub(crate) use geometry::{Conv, Direction, Padding, Window, image, image_shape};
pub use geometry::{Sides, Size};
pub(crate) use partial_sums::WeightSums;

use crate::Context;
use crate::gemm::Epilogue;
use crate::hardware::memory::Slab;
use algorithm::{Algorithm, Choice};
use std::cell::Cell;

/// The floats of the patches that a task gathers at a time: 128 KB, which leaves room in a level-2
/// cache for what they are multiplied by and make.
const BLOCK: usize = 1 << 15;

thread_local! {
    /// The patches that a task of this thread has gathered, and the products that it has made of
    /// them. They only grow, so that a pass allocates nothing the second time.
    static GATHERED: Cell<Slab> = Cell::default();
    static PRODUCTS: Cell<Slab> = Cell::default();
    /// An image in its frame.
    static FRAMES: Cell<Slab> = Cell::default();
}

/// A convolution and the algorithms of its passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolution {
    pub conv: Conv,
    choice: Choice,
}

/// The operands of a pass from one side of a convolution to the other, for a batch: `to =
/// relu(pass(from) + bias)`.
pub(crate) struct Operands<'a> {
    pub cx: &'a Context,
    /// Images of the forward pass, maps of the input gradient.
    pub from: &'a [f32],
    /// (kernel height, kernel width, image channels of a group, map channels)
    pub weight: &'a [f32],
    /// The other side, to be overwritten.
    pub to: &'a mut [f32],
    pub epilogue: Epilogue<'a>,
    /// [`Convolution::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

impl Operands<'_> {
    /// Calls `f(from, to)` for each `samples` samples, of so many values on both sides, in any
    /// order and on any thread.
    fn by_samples(
        self,
        samples: usize,
        [from_len, to_len]: [usize; 2],
        f: impl Fn(&[f32], &mut [f32]) + Sync,
    ) {
        self.cx.chunks(self.to, samples * to_len, |range, to| {
            f(&self.from[range.start / to_len * from_len..range.end / to_len * from_len], to);
        });
    }
}

impl Convolution {
    /// Chooses the algorithms.
    pub fn new(conv: Conv) -> Convolution {
        Convolution { conv, choice: Choice::of(&conv) }
    }

    /// The scratch values that any pass over at most that many images needs, on any ISA of this
    /// processor: memory is planned before the ISA is known.
    pub fn scratch_len(&self, batch: usize) -> usize {
        self.choice.scratch_len(&self.conv, batch)
    }

    /// The forward pass, or the input gradient.
    pub fn run(&self, direction: Direction, operands: Operands<'_>) {
        let algorithm = self.choice.get(direction, operands.cx.isa());
        let pass = match (algorithm, direction == Direction::Forward) {
            (Algorithm::Pointwise, true) => pointwise::forward,
            (Algorithm::Pointwise, false) => pointwise::input_gradient,
            (Algorithm::Depthwise, true) => depthwise::forward,
            (Algorithm::Depthwise, false) => depthwise::input_gradient,
            (Algorithm::Winograd, true) => winograd::forward,
            (Algorithm::Winograd, false) => winograd::input_gradient,
            (Algorithm::Strided, true) => strided::forward,
            (Algorithm::Strided, false) => strided::input_gradient,
            (Algorithm::Fold | Algorithm::Gathered, true) => gathered::forward,
            (Algorithm::Fold, false) => fold::input_gradient,
            (Algorithm::Gathered, false) => gathered::input_gradient,
        };
        pass(&self.conv, operands);
    }

    /// The gradient of the weight.
    pub fn weight_gradient(&self, sums: WeightSums<'_>) {
        let pass = match self.choice.get(Direction::WeightGradient, sums.cx.isa()) {
            Algorithm::Pointwise => pointwise::weight_gradient,
            Algorithm::Depthwise => depthwise::weight_gradient,
            Algorithm::Winograd => winograd::weight_gradient,
            Algorithm::Strided => strided::weight_gradient,
            Algorithm::Fold | Algorithm::Gathered => gathered::weight_gradient,
        };
        pass(&self.conv, sums);
    }
}
