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
/// one beyond. It may lie outside, before the first as a number beyond the last.
#[inline(always)]
fn pixels(part: Part, tile: usize) -> [usize; 3] {
    let shared = 4 * tile + 1;
    match part {
        Part::Second => [shared, shared + 1, shared + 2],
        _ => [shared, shared - 1, shared.wrapping_sub(2)],
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
    /// A pixel of any content, which becomes one of zeros.
    pub outside: &'a mut [f32],
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
    /// Pixels are cut out before the loop over their channels, all to the same length, so that this
    /// loop checks it once for all of them.
    #[inline(always)]
    fn gather<S: Simd, const DOWN: usize, const ACROSS: usize>(self, s: S) {
        let Terms { conv, kind, images, range, stride, out, outside } = self;
        let (channels, grid) = (conv.image_channels, Grid::of(conv));
        let [height, width] = [conv.image.0, conv.image.1];
        let outside = &mut outside[..channels];
        outside.fill(0.0);
        let outside = &*outside;
        for ([n, i, j], out) in grid.walk(range).zip(out.chunks_mut(stride)) {
            let image = &images[n * conv.image_len()..][..conv.image_len()];
            let (rows, columns) = (pixels(kind.down, i), pixels(kind.across, j));
            let mut x = [[outside; 3]; 3];
            for t in 0..2 * DOWN - 1 {
                for u in 0..2 * ACROSS - 1 {
                    if rows[t] < height && columns[u] < width {
                        x[t][u] = &image[(rows[t] * width + columns[u]) * channels..][..channels];
                    }
                }
            }
            let (upper, rest) = out.split_at_mut(ACROSS * channels);
            let lower = &mut rest[..(DOWN - 1) * ACROSS * channels];
            let (a, b) = upper.split_at_mut(channels);
            let (c, d) = lower.split_at_mut((DOWN - 1) * channels);
            let out = [[a, b], [c, d]];
            let whole = channels - channels % S::LANES;
            for c in (0..whole).step_by(S::LANES) {
                let mut pixels = [[s.splat(0.0); 3]; 3];
                for t in 0..2 * DOWN - 1 {
                    for u in 0..2 * ACROSS - 1 {
                        pixels[t][u] = s.load(&x[t][u][c..]);
                    }
                }
                let values = terms::<S, DOWN, ACROSS>(s, pixels);
                for t in 0..DOWN {
                    for u in 0..ACROSS {
                        s.store(values[t][u], &mut out[t][u][c..]);
                    }
                }
            }
            if whole < channels {
                let mut pixels = [[s.splat(0.0); 3]; 3];
                for t in 0..2 * DOWN - 1 {
                    for u in 0..2 * ACROSS - 1 {
                        pixels[t][u] = s.load_head(&x[t][u][whole..]);
                    }
                }
                let values = terms::<S, DOWN, ACROSS>(s, pixels);
                for t in 0..DOWN {
                    for u in 0..ACROSS {
                        s.store_head(values[t][u], &mut out[t][u][whole..]);
                    }
                }
            }
        }
    }
}

/// The terms of a vector of channels: a pixel less the shared one, and a pixel; or the shared one.
#[inline(always)]
fn terms<S: Simd, const DOWN: usize, const ACROSS: usize>(
    s: S,
    x: [[S::F; 3]; 3],
) -> [[S::F; 2]; 2] {
    let zero = s.splat(0.0);
    let (mut down, mut values) = ([[zero; 3]; 2], [[zero; 2]; 2]);
    for u in 0..2 * ACROSS - 1 {
        let [shared, near, far] = [x[0][u], x[1][u], x[2][u]];
        (down[0][u], down[1][u]) =
            if DOWN == 2 { (s.sub(far, shared), near) } else { (shared, zero) };
    }
    for t in 0..DOWN {
        let [shared, near, far] = down[t];
        values[t] = if ACROSS == 2 { [s.sub(far, shared), near] } else { [shared, zero] };
    }
    values
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
        let whole = channels - channels % S::LANES;
        for ([n, i, j], out) in grid.walk(range).zip(out.chunks_exact_mut(channels)) {
            let start = (n * conv.map.0 + 2 * i + down) * line + (2 * j + across) * channels;
            let maps = &maps[start..][..(DOWN - 1) * line + ACROSS * channels];
            let mut y = [[&maps[..channels]; 2]; 2];
            for t in 0..DOWN {
                for u in 0..ACROSS {
                    y[t][u] = &maps[t * line + u * channels..][..channels];
                }
            }
            let out = &mut out[..channels];
            for c in (0..whole).step_by(S::LANES) {
                let mut values = [[s.splat(0.0); 2]; 2];
                for t in 0..DOWN {
                    for u in 0..ACROSS {
                        values[t][u] = s.load(&y[t][u][c..]);
                    }
                }
                s.store(sum::<S, DOWN, ACROSS>(s, values), &mut out[c..]);
            }
            if whole < channels {
                let mut values = [[s.splat(0.0); 2]; 2];
                for t in 0..DOWN {
                    for u in 0..ACROSS {
                        values[t][u] = s.load_head(&y[t][u][whole..]);
                    }
                }
                s.store_head(sum::<S, DOWN, ACROSS>(s, values), &mut out[whole..]);
            }
        }
    }
}

/// The sum of a vector of channels.
#[inline(always)]
fn sum<S: Simd, const DOWN: usize, const ACROSS: usize>(s: S, y: [[S::F; 2]; 2]) -> S::F {
    let mut rows = [y[0][0], y[1][0]];
    if ACROSS == 2 {
        rows = [s.add(y[0][0], y[0][1]), s.add(y[1][0], y[1][1])];
    }
    if DOWN == 2 { s.add(rows[0], rows[1]) } else { rows[0] }
}
