//! The factors of a kind of product: the pixels of tiles, and the outputs whose gradients they get.

use super::super::geometry::Conv;
use super::{Kind, Part};
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

/// Where no pixel is: [`load`] makes zeros of it. An offset that lies outside, and no `Option` or
/// empty slice in its place: with those, a training step of three convolutions took 1.2 times as
/// long.
pub(super) const NOWHERE: usize = usize::MAX / 2;

/// The values of `x` from `start` to `end`, as far as a vector goes; zeros where `x` does not reach
/// so far.
#[inline(always)]
pub(super) fn load<S: Simd>(s: S, x: &[f32], start: usize, end: usize) -> S::F {
    match x.get(start..end) {
        Some(x) => s.load_at(x, 0),
        None => s.splat(0.0),
    }
}

/// The pixels of an axis that a part takes, at a tile: the shared one, the one beside it, and the
/// one beyond, which may lie outside.
#[inline(always)]
fn pixels(part: Part, tile: usize) -> [Option<usize>; 3] {
    let shared = 4 * tile + 1;
    match part {
        Part::Second => [Some(shared), Some(shared + 1), Some(shared + 2)],
        _ => [Some(shared), Some(shared - 1), shared.checked_sub(2)],
    }
}

/// The terms of a kind for the tiles `range`, a row for each, `stride` floats apart: (terms,
/// channels).
pub(super) struct Terms<'a> {
    pub conv: &'a Conv,
    pub kind: Kind,
    pub images: &'a [f32],
    pub range: Range<usize>,
    pub stride: usize,
    pub out: &'a mut [f32],
}

impl Kernel for Terms<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match (self.kind.down.terms(), self.kind.across.terms()) {
            (2, 2) => self.gather::<S, 2, 2>(s),
            (2, _) => self.gather::<S, 2, 1>(s),
            (_, 2) => self.gather::<S, 1, 2>(s),
            _ => self.gather::<S, 1, 1>(s),
        }
    }
}

impl Terms<'_> {
    #[inline(always)]
    fn gather<S: Simd, const DOWN: usize, const ACROSS: usize>(self, s: S) {
        let Terms { conv, kind, images, range, stride, out } = self;
        let (channels, grid) = (conv.image_channels, Grid::of(conv));
        let line = conv.image.1 * channels;
        let image_len = conv.image.0 * line;
        for ([n, i, j], out) in grid.walk(range).zip(out.chunks_mut(stride)) {
            let image = &images[n * image_len..][..image_len];
            // Padding is what lies beyond the image or a line.
            let row = |i: Option<usize>| i.and_then(|i| image.get(i * line..(i + 1) * line));
            let rows = pixels(kind.down, i).map(|i| row(i).unwrap_or_default());
            let columns = pixels(kind.across, j).map(|j| j.map_or(NOWHERE, |j| j * channels));
            let out = &mut out[..DOWN * ACROSS * channels];
            for c in (0..channels).step_by(S::LANES) {
                let mut down = [[s.splat(0.0); 3]; 2];
                for q in 0..if ACROSS == 2 { 3 } else { 1 } {
                    let (start, end) = (columns[q] + c, columns[q] + channels);
                    let shared = load(s, rows[0], start, end);
                    if DOWN == 2 {
                        down[0][q] = s.sub(load(s, rows[2], start, end), shared);
                        down[1][q] = load(s, rows[1], start, end);
                    } else {
                        down[0][q] = shared;
                    }
                }
                for t in 0..DOWN {
                    let [shared, near, far] = down[t];
                    let out = &mut out[t * ACROSS * channels..][..ACROSS * channels];
                    if ACROSS == 2 {
                        let (first, second) = out.split_at_mut(channels);
                        s.store_at(s.sub(far, shared), first, c);
                        s.store_at(near, second, c);
                    } else {
                        s.store_at(shared, out, c);
                    }
                }
            }
        }
    }
}

/// The sums of the outputs that a kind contributes to, for the tiles `range`: (tiles, map
/// channels).
pub(super) struct Outputs<'a> {
    pub conv: &'a Conv,
    pub kind: Kind,
    pub maps: &'a [f32],
    pub range: Range<usize>,
    pub out: &'a mut [f32],
}

impl Kernel for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match (self.kind.down.outputs().len(), self.kind.across.outputs().len()) {
            (1, 1) => self.gather::<S, 1, 1>(s),
            (1, _) => self.gather::<S, 1, 2>(s),
            (_, 1) => self.gather::<S, 2, 1>(s),
            _ => self.gather::<S, 2, 2>(s),
        }
    }
}

impl Outputs<'_> {
    #[inline(always)]
    fn gather<S: Simd, const DOWN: usize, const ACROSS: usize>(self, s: S) {
        let Outputs { conv, kind, maps, range, out } = self;
        let (channels, grid) = (conv.map_channels, Grid::of(conv));
        let line = conv.map.1 * channels;
        let (down, across) = (kind.down.outputs()[0], kind.across.outputs()[0]);
        for ([n, i, j], out) in grid.walk(range).zip(out.chunks_exact_mut(channels)) {
            let start = (n * conv.map.0 + 2 * i + down) * line + (2 * j + across) * channels;
            let maps = &maps[start..][..(DOWN - 1) * line + ACROSS * channels];
            for c in (0..channels).step_by(S::LANES) {
                let mut sums = [s.splat(0.0); 2];
                for t in 0..DOWN {
                    let row = &maps[t * line..][..ACROSS * channels];
                    sums[t] = s.load_at(&row[..channels], c);
                    if ACROSS == 2 {
                        sums[t] = s.add(sums[t], s.load_at(&row[channels..], c));
                    }
                }
                let sum = if DOWN == 2 { s.add(sums[0], sums[1]) } else { sums[0] };
                s.store_at(sum, out, c);
            }
        }
    }
}
