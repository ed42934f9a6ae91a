//! The factors of the products: the pixels of tiles, and the outputs whose gradients they get.
//!
//! Both are made for the three kinds of a vertical part at a time. A pixel is then read three
//! times at most, a tile's addresses are worked out three times, and a block of tiles still
//! stays in a level-2 cache. Kind by kind it was nine times, which took longer than the vectors.

use super::super::geometry::Conv;
use super::{ACROSS_TERMS, Part};
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::{Kernel, Simd};
use std::ops::Range;

/// Where tiles lie: numbered image by image and row by row.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub down: usize,
    pub across: usize,
}

impl Grid {
    pub fn of(conv: &Conv) -> Grid {
        Grid { down: conv.map.0 / 2, across: conv.map.1 / 2 }
    }

    /// The tiles of one image.
    pub fn len(self) -> usize {
        self.down * self.across
    }

    /// The image, row and column of each tile in a range. Counted, since divisions take as long as
    /// a tile.
    #[inline(always)]
    pub fn walk(self, tiles: Range<usize>) -> impl Iterator<Item = [usize; 3]> {
        let Range { start, end } = tiles;
        let at = [start / self.len(), start / self.across % self.down, start % self.across];
        Walk { grid: self, at, left: end - start }
    }
}

struct Walk {
    grid: Grid,
    at: [usize; 3],
    left: usize,
}

impl Iterator for Walk {
    type Item = [usize; 3];

    #[inline(always)]
    fn next(&mut self) -> Option<[usize; 3]> {
        self.left = self.left.checked_sub(1)?;
        let [n, i, j] = self.at;
        self.at = if j + 1 < self.grid.across {
            [n, i, j + 1]
        } else if i + 1 < self.grid.down {
            [n, i + 1, 0]
        } else {
            [n + 1, 0, 0]
        };
        Some([n, i, j])
    }
}

/// Tiles between the one that is read and the one that is asked for: short runs of many lines are
/// more than the processor foresees.
const AHEAD: usize = 2;

/// Asks for `len` floats.
#[inline(always)]
fn prefetch<S: Simd>(s: S, x: *const f32, len: usize) {
    for at in (0..len).step_by(FLOATS_PER_LINE) {
        s.prefetch(x.wrapping_add(at));
    }
}

/// The places of the vectors that cover so many channels: the last one overlaps the one before,
/// if it has to. There are at least [`CHANNELS`](super::CHANNELS), more than any vector has lanes.
#[inline(always)]
pub(super) fn vectors<S: Simd>(channels: usize) -> impl Iterator<Item = usize> {
    let last = channels - S::LANES;
    (0..channels).step_by(S::LANES).map(move |c| c.min(last))
}

/// The terms of a vertical part's kinds for the tiles `range`, a row for each, `stride` floats
/// apart: kind by kind, (terms, channels).
pub(super) struct Terms<'a> {
    pub conv: &'a Conv,
    pub down: Part,
    pub images: &'a [f32],
    pub range: Range<usize>,
    pub stride: usize,
    pub out: &'a mut [f32],
    /// Five pixels of zeros, for those outside of an image.
    pub zeros: &'a [f32],
}

impl Kernel for Terms<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Terms { conv, down, images, range, stride, out, zeros } = self;
        let (channels, grid) = (conv.image_channels, Grid::of(conv));
        let [height, width] = [conv.image.0, conv.image.1];
        let ahead = grid.walk(range.start + AHEAD..range.end + AHEAD);
        for (([n, i, j], next), out) in grid.walk(range).zip(ahead).zip(out.chunks_mut(stride)) {
            // The lines of pixels that this pass is the first to read.
            let (first, count) = match down {
                Part::First => (0, 2),
                Part::Second => (2, 2),
                Part::Shared => (1, 1),
            };
            for row in first..first + count {
                let at = ((next[0] * height + 4 * next[1] + row) * width + 4 * next[2]) * channels;
                prefetch(s, images.as_ptr().wrapping_add(at), 4 * channels);
            }
            let image = &images[n * conv.image_len()..][..conv.image_len()];
            // The five pixels of an axis are 4 i - 1 to 4 i + 3. The first and the last may lie
            // outside.
            let (left, right) = (j == 0, 4 * j + 3 >= width);
            let first = if left { 0 } else { 4 * j - 1 };
            let len = (5 - usize::from(left) - usize::from(right)) * channels;
            let at = |row: usize| match row < height {
                true => &image[(row * width + first) * channels..][..len],
                false => &zeros[..len],
            };
            let shared = at(4 * i + 1);
            let (near, far) = match down {
                Part::First => (at(4 * i), at((4 * i).wrapping_sub(1))),
                Part::Second => (at(4 * i + 2), at(4 * i + 3)),
                Part::Shared => (shared, shared),
            };
            let tile = Tile { far, near, shared, channels, out };
            match (left, right) {
                (false, false) => tile.terms::<S, false, false>(s, down),
                (true, false) => tile.terms::<S, true, false>(s, down),
                (false, true) => tile.terms::<S, false, true>(s, down),
                (true, true) => tile.terms::<S, true, true>(s, down),
            }
        }
    }
}

/// The pixels of a tile and what becomes of them.
struct Tile<'a> {
    far: &'a [f32],
    near: &'a [f32],
    shared: &'a [f32],
    channels: usize,
    out: &'a mut [f32],
}

impl Tile<'_> {
    /// For a vector of channels, all three parts together: 35 loads, 20 subtractions and 25 stores.
    #[inline(always)]
    fn terms<S: Simd, const LEFT: bool, const RIGHT: bool>(self, s: S, down: Part) {
        let Tile { far, near, shared, channels, out } = self;
        if down == Part::Shared {
            for c in vectors::<S>(channels) {
                let line = across(s, line::<S, LEFT, RIGHT>(s, &shared[c..], channels));
                s.store_places(line, &mut out[c..], channels, [0, 1, 2, 3, 4]);
            }
        } else {
            for c in vectors::<S>(channels) {
                let shared = line::<S, LEFT, RIGHT>(s, &shared[c..], channels);
                let mut x = line::<S, LEFT, RIGHT>(s, &far[c..], channels);
                for (x, shared) in x.iter_mut().zip(shared) {
                    *x = s.sub(*x, shared);
                }
                let out = &mut out[c..];
                s.store_places(across(s, x), out, channels, ACROSS_TERMS[0]);
                let x = line::<S, LEFT, RIGHT>(s, &near[c..], channels);
                s.store_places(across(s, x), out, channels, ACROSS_TERMS[1]);
            }
        }
    }
}

/// Five pixels side by side, those outside of the image as zeros.
#[inline(always)]
fn line<S: Simd, const LEFT: bool, const RIGHT: bool>(
    s: S,
    x: &[f32],
    channels: usize,
) -> [S::F; 5] {
    let zero = s.splat(0.0);
    match (LEFT, RIGHT) {
        (false, false) => s.load_places(x, channels, [0, 1, 2, 3, 4]),
        (true, false) => {
            let [a, b, c, d] = s.load_places(x, channels, [0, 1, 2, 3]);
            [zero, a, b, c, d]
        }
        (false, true) => {
            let [a, b, c, d] = s.load_places(x, channels, [0, 1, 2, 3]);
            [a, b, c, d, zero]
        }
        (true, true) => {
            let [a, b, c] = s.load_places(x, channels, [0, 1, 2]);
            [zero, a, b, c, zero]
        }
    }
}

/// The terms of an axis: a pixel less the shared one, and a pixel, for the first output and for
/// the second; and the shared one.
#[inline(always)]
fn across<S: Simd>(s: S, [far0, near0, shared, near1, far1]: [S::F; 5]) -> [S::F; 5] {
    [s.sub(far0, shared), near0, s.sub(far1, shared), near1, shared]
}

/// The sums of the outputs that a vertical part's kinds contribute to, for the tiles `range`, a row
/// for each, `stride` floats apart: (kinds, map channels).
pub(super) struct Outputs<'a> {
    pub conv: &'a Conv,
    pub down: Part,
    pub maps: &'a [f32],
    pub range: Range<usize>,
    pub stride: usize,
    pub out: &'a mut [f32],
}

impl Kernel for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Outputs { conv, down, maps, range, stride, out } = self;
        let (channels, grid) = (conv.map_channels, Grid::of(conv));
        let line = conv.map.1 * channels;
        let ahead = grid.walk(range.start + AHEAD..range.end + AHEAD);
        for (([n, i, j], next), out) in grid.walk(range).zip(ahead).zip(out.chunks_mut(stride)) {
            if down != Part::Shared {
                let row = next[0] * conv.map.0 + 2 * next[1] + down.outputs()[0];
                let at = row * line + 2 * next[2] * channels;
                prefetch(s, maps.as_ptr().wrapping_add(at), 2 * channels);
            }
            let start = (n * conv.map.0 + 2 * i + down.outputs()[0]) * line + 2 * j * channels;
            if down == Part::Shared {
                let (upper, lower) = (&maps[start..][..2 * channels], &maps[start + line..]);
                let lower = &lower[..2 * channels];
                for c in vectors::<S>(channels) {
                    let [a, b] = s.load_places(&upper[c..], channels, [0, 1]);
                    let [c0, d] = s.load_places(&lower[c..], channels, [0, 1]);
                    let all = s.add(s.add(a, b), s.add(c0, d));
                    let sums = [s.add(a, c0), s.add(b, d), all];
                    s.store_places(sums, &mut out[c..], channels, [0, 1, 2]);
                }
            } else {
                let line = &maps[start..][..2 * channels];
                for c in vectors::<S>(channels) {
                    let [a, b] = s.load_places(&line[c..], channels, [0, 1]);
                    let sums = [a, b, s.add(a, b)];
                    s.store_places(sums, &mut out[c..], channels, [0, 1, 2]);
                }
            }
        }
    }
}
