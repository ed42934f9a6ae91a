//! The patches of images as the rows of a matrix, which is gathered by blocks.

use crate::simd::{Kernel, Simd};
use std::ops::Range;

/// How a window lies along one axis of an image. At position `i`, tap `t` is pixel `i stride + first + t step`, if there is
/// such a pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// The pixels.
    pub size: usize,
    /// The positions of the window.
    pub positions: usize,
    pub stride: usize,
    pub first: isize,
    pub step: usize,
    pub taps: usize,
}

impl Axis {
    /// The pixel of tap 0 at position `i`: it may lie outside.
    #[inline(always)]
    fn start(&self, i: usize) -> isize {
        (i * self.stride) as isize + self.first
    }

    /// The taps at position `i` whose pixels are there.
    #[inline(always)]
    fn inside(&self, i: usize) -> Range<usize> {
        let start = self.start(i);
        let to = |pixel: isize| (pixel - start).max(0) as usize;
        // Taps before the first pixel, and taps before the end.
        let from = to(0).div_ceil(self.step).min(self.taps);
        let end = to(self.size as isize).div_ceil(self.step).min(self.taps);
        from..end.max(from)
    }
}

/// The patches of images: a row for each image and position, and in it the taps, row by row, of the channels
/// `first..first + channels`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches<'a> {
    /// (images, height, width, pixel)
    pub data: &'a [f32],
    /// The vertical axis.
    pub rows: Axis,
    /// The horizontal one.
    pub columns: Axis,
    /// All channels of a pixel.
    pub pixel: usize,
    pub first: usize,
    pub channels: usize,
}

impl Patches<'_> {
    /// The values of a patch.
    pub fn len(&self) -> usize {
        self.rows.taps * self.columns.taps * self.channels
    }

    /// The patches of one image.
    pub fn positions(&self) -> usize {
        self.rows.positions * self.columns.positions
    }

    /// Only some rows of the window.
    pub fn window_rows(self, taps: Range<usize>) -> Self {
        let first = self.rows.first + (taps.start * self.rows.step) as isize;
        Patches { rows: Axis { first, taps: taps.len(), ..self.rows }, ..self }
    }
}

/// Copies the patches `range` to `out`, `stride` floats apart; what a window has outside its image is 0.
pub(super) struct Gather<'a> {
    pub patches: Patches<'a>,
    pub range: Range<usize>,
    pub stride: usize,
    pub out: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gather { patches, range, stride, out } = self;
        let Patches { data, rows, columns, pixel, first, channels } = patches;
        let (len, line) = (patches.len(), columns.taps * channels);
        // Where neighbouring taps are neighbours in memory, a window's row is one run.
        let contiguous = columns.step == 1 && channels == pixel;
        let image_len = rows.size * columns.size * pixel;
        let mut position = Position::of(&patches, range.start);
        for row in 0..range.len() {
            let Position { image, i, j } = position;
            position.advance(&patches);
            let out = &mut out[row * stride..][..len];
            let image = &data[image * image_len..][..image_len];
            let (down, across) = (rows.inside(i), columns.inside(j));
            let whole = across.len() == columns.taps;
            for t in 0..rows.taps {
                let out = &mut out[t * line..][..line];
                if !down.contains(&t) {
                    fill(s, out);
                    continue;
                }
                let pixels = (rows.start(i) + (t * rows.step) as isize) as usize * columns.size;
                let at = |tap: usize| {
                    (pixels as isize + columns.start(j) + (tap * columns.step) as isize) as usize * pixel
                        + first
                };
                if contiguous && whole {
                    copy(s, &image[at(0)..][..line], out);
                    continue;
                }
                fill(s, &mut out[..across.start * channels]);
                fill(s, &mut out[across.end * channels..]);
                if contiguous {
                    if !across.is_empty() {
                        let out = &mut out[across.start * channels..across.end * channels];
                        copy(s, &image[at(across.start)..][..out.len()], out);
                    }
                } else {
                    for tap in across.clone() {
                        copy(s, &image[at(tap)..][..channels], &mut out[tap * channels..][..channels]);
                    }
                }
            }
        }
    }
}

/// Which image, and where in it the window is.
struct Position {
    image: usize,
    i: usize,
    j: usize,
}

impl Position {
    fn of(patches: &Patches, row: usize) -> Position {
        let (image, position) = (row / patches.positions(), row % patches.positions());
        let width = patches.columns.positions;
        Position { image, i: position / width, j: position % width }
    }

    #[inline(always)]
    fn advance(&mut self, patches: &Patches) {
        self.j += 1;
        if self.j == patches.columns.positions {
            (self.i, self.j) = (self.i + 1, 0);
            if self.i == patches.rows.positions {
                (self.image, self.i) = (self.image + 1, 0);
            }
        }
    }
}

#[inline(always)]
fn copy<S: Simd>(s: S, x: &[f32], out: &mut [f32]) {
    s.for_each(
        x,
        #[inline(always)]
        |i, v| s.store_at(v, out, i),
    );
}

#[inline(always)]
fn fill<S: Simd>(s: S, out: &mut [f32]) {
    let mut i = 0;
    while i < out.len() {
        s.store_at(s.splat(0.0), out, i);
        i += S::LANES;
    }
}
