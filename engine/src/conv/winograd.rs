//! Minimal filtering for kernels of 3x3 with stride 2: 25 multiplications where there are 36.
//!
//! Winograd (Arithmetic Complexity of Computations, 1980) and, for convolutions, Lavin and Gray
//! (arXiv:1509.09308). Along one axis, two neighbouring outputs see five pixels, of which they
//! share the middle one:
//!
//! ```text
//! y0 = w0 d0 + w1 d1 + w2 d2 = w0 (d0 - d2) + w1 d1 + (w0 + w2) d2
//! y1 = w0 d2 + w1 d3 + w2 d4 = w2 (d4 - d2) + w1 d3 + (w0 + w2) d2
//! ```
//!
//! So the last product is made once for both, five in place of six. It takes additions alone:
//! nothing is multiplied by numbers that would cost digits. An axis thus has three *parts*, that of
//! y0 with two terms, that of y1 with two, and the shared one. With both axes, a tile of 2x2
//! outputs is the sum of nine kinds of product, one for each pair of parts:
//!
//! ```text
//! y_ij = PP_ij + PS_i + SP_j + SS        of 4, 2, 2 and 1 terms, each of all channels
//! ```
//!
//! Each kind is a product of matrices, whose rows are tiles, whose inner dimension is terms times
//! channels, and whose columns are the channels of the map. The same pixels
//! are gathered again and again, but only as many as stay in a level-2 cache.

mod forward;
mod input_gradient;
mod tiles;
mod transform;
mod weight_gradient;

pub(super) use forward::forward;
pub(super) use input_gradient::input_gradient;
pub(super) use weight_gradient::weight_gradient;

use super::geometry::{Conv, Direction, Sides, Size, Window};
use tiles::Grid;
use transform::{transform, transform_transposed};

/// The channels on both sides from which on matrices are large enough to make up for what is added
/// before and after.
const CHANNELS: usize = 32;
/// Their product from which on that holds for any image. With 32 on both sides, a step of images of
/// 8x8 or 16x16 takes 1.30 to 1.38 times as long without this, on AVX2 and on AVX-512. With 32x32
/// and 64x64 it was 1.14 and 1.18 times on AVX2, and 0.90 and 0.94 times on AVX-512, but single
/// runs were on either side of 1.
const CHANNELS_PRODUCT: usize = 32 * 64;
/// The most tiles of an image that pays with fewer channels.
const FEW_TILES: usize = 16;
/// Fewest tiles per image at which this pays. The weight is transformed for each call, which a
/// batch makes up for, but not a single image: with one tile, and 128 and 256 channels, its forward
/// pass takes six times as long. With 4 it is twice.
const TILES: usize = 4;
/// The most floats that the gradients of an image's terms may have: beyond, they are far from a
/// level-2 cache.
const MOST_TERMS: usize = 256 << 10;

/// The terms of all kinds together.
const TERMS: usize = 25;

/// The most terms of the kinds of a vertical part.
const MOST: usize = 10;

/// The kinds of product.
const KINDS: usize = 9;

/// The places of a vertical part's terms among those of its kinds, for its first and its second
/// term: by horizontal parts, as [`Kind::all`] orders them.
const ACROSS_TERMS: [[usize; 5]; 2] = [[0, 1, 4, 5, 8], [2, 3, 6, 7, 9]];

/// True for a convolution of that kind that is large enough for this to pay.
pub(super) fn suits(conv: &Conv, direction: Direction) -> bool {
    let Window { kernel, stride, dilation, .. } = conv.window;
    let Sides { top, left, .. } = conv.padding();
    let window = kernel == Size(3, 3)
        && stride == Size(2, 2)
        && (top, left) == (1, 1)
        && dilation == Size(1, 1);
    let [inputs, outputs] = [conv.image_channels, conv.map_channels];
    let Size(height, width) = conv.map;
    let count = Grid::of(conv).len();
    let tiles = height.is_multiple_of(2) && width.is_multiple_of(2) && count >= TILES;
    let enough = count <= FEW_TILES || inputs.saturating_mul(outputs) >= CHANNELS_PRODUCT;
    let channels = inputs.min(outputs) >= CHANNELS && enough;
    let near = direction != Direction::InputGradient || TERMS * inputs * count <= MOST_TERMS;
    // The image ends with the last tile, or a pixel before: with other paddings at the bottom or on
    // the right, tiles would lack more pixels, or pixels a tile.
    let covered = conv.map == Size(conv.image.0.div_ceil(2), conv.image.1.div_ceil(2));
    window && covered && conv.groups == 1 && channels && tiles && near
}

/// The floats of the weight, transformed.
pub(super) fn weights_len(conv: &Conv) -> usize {
    TERMS * conv.image_channels * conv.map_channels
}

/// The contribution of an axis to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// To the first output alone.
    First,
    /// To the second alone.
    Second,
    /// To both.
    Shared,
}

impl Part {
    const ALL: [Part; 3] = [Part::First, Part::Second, Part::Shared];

    /// The taps of the weight that are summed up, term by term: a pixel less the shared one, and a
    /// pixel; or the shared one.
    fn taps(self) -> &'static [&'static [usize]] {
        match self {
            Part::First => &[&[0], &[1]],
            Part::Second => &[&[2], &[1]],
            Part::Shared => &[&[0, 2]],
        }
    }

    fn terms(self) -> usize {
        self.taps().len()
    }

    /// The kinds of a vertical part.
    fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::all().filter(move |kind| kind.down == self)
    }

    /// The terms of these kinds: the number of the first, and how many they are.
    fn all_terms(self) -> (usize, usize) {
        match self {
            Part::First => (0, 10),
            Part::Second => (10, 10),
            Part::Shared => (20, 5),
        }
    }

    /// The outputs that it contributes to.
    fn outputs(self) -> &'static [usize] {
        match self {
            Part::First => &[0],
            Part::Second => &[1],
            Part::Shared => &[0, 1],
        }
    }
}

/// A kind of product: a part of the vertical axis and one of the horizontal.
#[derive(Clone, Copy, Debug)]
struct Kind {
    down: Part,
    across: Part,
    /// The terms of the kinds before it.
    first: usize,
}

impl Kind {
    fn all() -> impl Iterator<Item = Kind> {
        let parts = Part::ALL.into_iter().flat_map(|down| Part::ALL.map(|across| (down, across)));
        parts.scan(0, |next, (down, across)| {
            let kind = Kind { down, across, first: *next };
            *next += kind.terms();
            Some(kind)
        })
    }

    fn terms(self) -> usize {
        self.down.terms() * self.across.terms()
    }

    /// The taps of a term, numbered row by row.
    fn taps(self, term: usize) -> impl Iterator<Item = usize> {
        let (t, u) = (term / self.across.terms(), term % self.across.terms());
        let (down, across) = (self.down.taps()[t], self.across.taps()[u]);
        down.iter().flat_map(move |t| across.iter().map(move |u| t * 3 + u))
    }
}
