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

mod depthwise;
mod few_channels;
mod forward;
mod geometry;
mod in_place;
mod input_gradient;
mod one_by_one;
mod patches;
mod weight_gradient;
mod winograd;

pub(crate) use forward::{forward, forward_scratch};
pub(crate) use input_gradient::{input_gradient, input_gradient_scratch};
pub(crate) use weight_gradient::{weight_gradient, weight_gradient_scratch};

pub use geometry::Size;
pub(crate) use geometry::{Conv, Window, image, image_shape};

use crate::hardware::memory::Slab;
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
