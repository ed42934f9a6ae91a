//! The patches of images as the rows of a matrix, which is gathered by blocks.

use super::geometry::{Conv, Sides, Window};
use super::{BLOCK, GATHERED};
use crate::Context;
use crate::gemm::MatRef;
use crate::hardware::memory::{self, FLOATS_PER_LINE};
use crate::hardware::simd::{Simd, kernel, map};
use std::ops::Range;

/// The places of a window along one axis of an image. At position `i`, tap `t` is pixel `i stride +
/// first + t step`, if there is such a pixel.
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
    /// The pixel of tap `t` at position `i`: it may lie outside.
    #[inline(always)]
    pub fn pixel(&self, i: usize, t: usize) -> isize {
        (i * self.stride + t * self.step) as isize + self.first
    }

    /// The taps at position `i` whose pixels are there.
    pub fn inside(&self, i: usize) -> Range<usize> {
        let start = self.pixel(i, 0);
        let before = |pixel: usize| {
            ((pixel as isize - start).max(0) as usize).div_ceil(self.step).min(self.taps)
        };
        before(0)..before(self.size)
    }

    /// The positions at which all taps are there.
    pub fn interior(&self) -> Range<usize> {
        let last = self.pixel(0, self.taps.max(1) - 1);
        let before =
            |pixels: isize| (pixels.max(0) as usize).div_ceil(self.stride).min(self.positions);
        let start = before(-self.first);
        start..before(self.size as isize - last).max(start)
    }
}

/// The patches of images: a row for each image and position, and in it the taps, row by row, of the
/// channels `first..first + channels`.
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

impl Conv {
    /// The vertical and the horizontal axis of the window over the image.
    pub(super) fn axes(&self) -> (Axis, Axis) {
        let Window { kernel, stride, dilation, .. } = self.window;
        // The other two sides show in the number of positions alone.
        let Sides { top, left, .. } = self.padding();
        let axis = |size, positions, taps, stride, padding: usize, dilation| Axis {
            size,
            positions,
            stride,
            first: -(padding as isize),
            step: dilation,
            taps,
        };
        (
            axis(self.image.0, self.map.0, kernel.0, stride.0, top, dilation.0),
            axis(self.image.1, self.map.1, kernel.1, stride.1, left, dilation.1),
        )
    }

    /// The patches of `images`, of the channels that belong to `group`.
    pub(super) fn patches<'a>(&self, images: &'a [f32], group: usize) -> Patches<'a> {
        let (rows, columns) = self.axes();
        let (channels, _) = self.group_channels();
        let (pixel, first) = (self.image_channels, group * channels);
        Patches { data: images, rows, columns, pixel, first, channels }
    }
}

/// Calls `f` with the patches `range` of `patches` as a matrix, gathered into memory of this
/// thread.
pub(super) fn with_patches<R>(
    cx: &Context,
    patches: Patches<'_>,
    range: Range<usize>,
    f: impl FnOnce(MatRef<'_>) -> R,
) -> R {
    let (rows, len) = (range.len(), patches.len());
    let stride = row_stride(len);
    let mut gathered = memory::borrow(&GATHERED, rows * stride);
    gather(cx.isa(), patches, range, stride, &mut gathered);
    f(MatRef::with_strides(&gathered, rows, len, stride, 1))
}

/// The floats from one gathered patch to the next: whole cache lines, an odd number of them, so
/// that patches fall into different sets of a cache.
pub(super) fn row_stride(len: usize) -> usize {
    if len < 32 {
        len
    } else {
        len.div_ceil(FLOATS_PER_LINE) / 2 * 2 * FLOATS_PER_LINE + FLOATS_PER_LINE
    }
}

/// The patches that a task gathers at a time.
pub(super) fn block_rows(len: usize) -> usize {
    (BLOCK / row_stride(len)).max(1)
}

kernel! {
    /// Copies the patches `range` to `out`, `stride` floats apart; what a window has outside its
    /// image is 0.
    fn gather(s, patches: Patches<'_>, range: Range<usize>, stride: usize, out: &mut [f32]) {
        let Patches { data, rows, columns, pixel, first, channels } = patches;
        let line = columns.taps * channels;
        // Where neighbouring taps are neighbours in memory, a window's row is one run.
        let (runs, run) = if columns.step == 1 && channels == pixel {
            (1, line)
        } else {
            (columns.taps, channels)
        };
        let interior = columns.interior();
        let mut at = range.start;
        // The positions that lie side by side.
        while at < range.end {
            let (image, position) = (at / patches.positions(), at % patches.positions());
            let (i, j) = (position / columns.positions, position % columns.positions);
            let count = (columns.positions - j).min(range.end - at);
            let out = &mut out[(at - range.start) * stride..];
            let image = &data[image * rows.size * columns.size * pixel..]
                [..rows.size * columns.size * pixel];
            let whole = interior.start.clamp(j, j + count)..interior.end.clamp(j, j + count);
            let down = rows.inside(i);
            for t in 0..rows.taps {
                let out = &mut out[t * line..];
                if !down.contains(&t) {
                    fill_lines(s, Lines { step: stride, len: line, count }, out);
                    continue;
                }
                let row = &image[rows.pixel(i, t) as usize * columns.size * pixel..]
                    [..columns.size * pixel];
                if !whole.is_empty() {
                    let lines =
                        Lines { step: columns.stride * pixel, len: run, count: whole.len() };
                    for tap in 0..runs {
                        let x = &row[columns.pixel(whole.start, tap) as usize * pixel + first..];
                        copy_lines(
                            s,
                            lines,
                            x,
                            stride,
                            &mut out[(whole.start - j) * stride + tap * channels..],
                        );
                    }
                }
                for j_edge in (j..whole.start).chain(whole.end.max(whole.start)..j + count) {
                    let out = &mut out[(j_edge - j) * stride..][..line];
                    let across = columns.inside(j_edge);
                    fill(s, &mut out[..across.start * channels]);
                    fill(s, &mut out[across.end * channels..]);
                    for tap in across {
                        let x =
                            &row[columns.pixel(j_edge, tap) as usize * pixel + first..][..channels];
                        copy(s, x, &mut out[tap * channels..][..channels]);
                    }
                }
            }
            at += count;
        }
    }
}

/// Equally long runs of floats, `step` apart.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub step: usize,
    pub len: usize,
    pub count: usize,
}

/// Copies lines of `x` to lines of `out`, `stride` apart.
#[inline(always)]
pub(super) fn copy_lines<S: Simd>(s: S, lines: Lines, x: &[f32], stride: usize, out: &mut [f32]) {
    // The number of vectors is known at compile time, as far as it matters: without, a step of the
    // loop takes as long as copying a few vectors.
    match lines.len.div_ceil(S::LANES) {
        1 => copy_vectors::<S, 1>(s, lines, x, stride, out),
        2 => copy_vectors::<S, 2>(s, lines, x, stride, out),
        3 => copy_vectors::<S, 3>(s, lines, x, stride, out),
        4 => copy_vectors::<S, 4>(s, lines, x, stride, out),
        6 => copy_vectors::<S, 6>(s, lines, x, stride, out),
        8 => copy_vectors::<S, 8>(s, lines, x, stride, out),
        _ => {
            for i in 0..lines.count {
                copy(s, &x[i * lines.step..][..lines.len], &mut out[i * stride..][..lines.len]);
            }
        }
    }
}

/// [`copy_lines`] of `NV` vectors, the last of which may not be whole.
#[inline(always)]
fn copy_vectors<S: Simd, const NV: usize>(
    s: S,
    lines: Lines,
    x: &[f32],
    stride: usize,
    out: &mut [f32],
) {
    let Lines { step, len, count } = lines;
    let last = (NV - 1) * S::LANES;
    for i in 0..count {
        let (x, out) = (&x[i * step..][..len], &mut out[i * stride..][..len]);
        for v in 0..NV - 1 {
            s.store(s.load(&x[v * S::LANES..]), &mut out[v * S::LANES..]);
        }
        s.store_at(s.load_at(x, last), out, last);
    }
}

#[inline(always)]
fn fill_lines<S: Simd>(s: S, lines: Lines, out: &mut [f32]) {
    for i in 0..lines.count {
        fill(s, &mut out[i * lines.step..][..lines.len]);
    }
}

#[inline(always)]
fn copy<S: Simd>(s: S, x: &[f32], out: &mut [f32]) {
    map!(s, out, [x], x);
}

#[inline(always)]
fn fill<S: Simd>(s: S, out: &mut [f32]) {
    map!(s, out, [], s.splat(0.0));
}
