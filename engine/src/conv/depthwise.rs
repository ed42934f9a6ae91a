//! Depthwise convolutions: each channel by itself.
//!
//! There is no product of matrices in them. But neighbouring channels are neighbours in memory, so
//! a vector holds sixteen (or eight) of them, and a tap is one multiplication. For a few channels
//! at a time, and a row of positions after the other:
//!
//! ```text
//! y[i, j, c..] = sum over taps (t, u) inside the image of x[.., .., c..] W[t, u, c..]
//! ```
//!
//! 1. Common windows have kernels that sum up to eight positions at once (`lines.rs`), over rows
//!    that are padded with zeros (`ring.rs`).
//! 2. The input gradient is the same of the map, for each phase of the stride
//!    (`phases.rs`).
//! 3. The gradient of the weight sums over four positions apart, since a single sum would wait for
//!    itself.

mod lines;
mod ring;

use super::geometry::Conv;
use super::patches::Axis;
use super::phases::{phases, window_taps};
use super::{FRAMES, Operands, WeightSums};
use crate::Context;
use crate::gemm::{Epilogue, Rectifier};
use crate::hardware::memory;
use crate::hardware::simd::{Simd, kernel};
use std::ops::Range;

/// The floats that a task writes, at least.
const TASK: usize = 1 << 15;

/// True if each channel of the image makes one of the map, by itself.
pub(super) fn suits(conv: &Conv) -> bool {
    conv.groups == conv.image_channels && conv.groups == conv.map_channels && conv.groups > 1
}

/// Which pixels a row or column of positions is written to: `first`, `first + stride` and so on, of
/// `size`.
#[derive(Clone, Copy)]
struct Places {
    size: usize,
    first: usize,
    stride: usize,
}

/// From images to maps.
pub(super) fn forward(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, weight, epilogue, .. } = io;
    let (image_len, map_len) = (conv.image_len(), conv.map_len());
    let axes = conv.axes();
    let all = |size| Places { size, first: 0, stride: 1 };
    let to = (all(conv.map.0), all(conv.map.1));
    let windows = Windows { axes, channels: conv.map_channels, weight, to, epilogue };
    io.by_samples(TASK.div_ceil(map_len), [image_len, map_len], |images, maps| {
        correlate(cx, windows, images, maps);
    });
}

/// From maps to images. Its scratch is as long as the weight.
pub(super) fn input_gradient(conv: &Conv, mut io: Operands<'_>) {
    let Operands { cx, weight, epilogue, .. } = io;
    let channels = conv.map_channels;
    let taps = phases(conv).flat_map(|phase| window_taps(conv, phase));
    let weights = &mut std::mem::take(&mut io.scratch)[..conv.weight_len()];
    for (tap, out) in taps.zip(weights.chunks_exact_mut(channels)) {
        out.copy_from_slice(&weight[tap * channels..][..channels]);
    }
    let weights = &*weights;
    let (image_len, map_len) = (conv.image_len(), conv.map_len());
    io.by_samples(TASK.div_ceil(image_len), [map_len, image_len], |maps, images| {
        let mut rest = weights;
        for (down, across) in phases(conv) {
            let weight;
            (weight, rest) = rest.split_at(down.axis.taps * across.axis.taps * channels);
            let to = (
                Places { size: conv.image.0, first: down.first, stride: down.stride },
                Places { size: conv.image.1, first: across.first, stride: across.stride },
            );
            let axes = (down.axis, across.axis);
            correlate(cx, Windows { axes, channels, weight, to, epilogue }, maps, images);
        }
    });
}

/// Windows over images, and the sums that they make.
#[derive(Clone, Copy)]
struct Windows<'a> {
    /// Their places over the images.
    axes: (Axis, Axis),
    channels: usize,
    /// (taps, channels)
    weight: &'a [f32],
    /// The pixels that their sums are written to.
    to: (Places, Places),
    epilogue: Epilogue<'a>,
}

/// From x: (images, height, width, channels) to y: (images, height, width, channels), of which only
/// some pixels are written.
fn correlate(cx: &Context, windows: Windows<'_>, x: &[f32], y: &mut [f32]) {
    let Windows { axes, channels, to, .. } = windows;
    if lines::suits(axes) {
        let mut ring = memory::borrow(&FRAMES, lines::ring_len(axes, channels));
        lines::correlate(cx.isa(), windows, x, y, &mut ring);
        return;
    }
    let images = x.chunks_exact(axes.0.size * axes.1.size * channels);
    let maps = y.chunks_exact_mut(to.0.size * to.1.size * channels);
    for (x, y) in images.zip(maps) {
        correlate_any(cx.isa(), windows, x, y);
    }
}

/// The gradient of the weight.
pub(super) fn weight_gradient(conv: &Conv, sums: WeightSums<'_>) {
    let isa = sums.cx.isa();
    sums.sum_images(conv, |image, dmap, sums, accumulate| {
        add_weight_gradient(isa, conv, image, dmap, sums, accumulate);
    });
}

kernel! {
    /// One image, by any windows.
    fn correlate_any(s, windows: Windows<'_>, x: &[f32], y: &mut [f32]) {
        let Windows { axes: (rows, columns), channels, weight, to, epilogue } = windows;
        let (to_rows, to_columns) = to;
        for i in 0..rows.positions {
            let down = rows.inside(i);
            let y = &mut y[(to_rows.first + i * to_rows.stride) * to_columns.size * channels..];
            let y = &mut y[..to_columns.size * channels];
            for c in (0..channels).step_by(S::LANES) {
                let bias = epilogue.bias.map_or(s.splat(0.0), |bias| s.load_at(bias, c));
                let sums = Sums { s, rows, columns, x, weight, channels, i, c, bias };
                let rectifier = epilogue.rectifier;
                let mut to = Target { s, columns: to_columns, rectifier, channels, c, y: &mut *y };
                for j in 0..columns.positions {
                    to.write(j, sums.at(down.clone(), j));
                }
            }
        }
    }
}

/// Where a row of positions is written to.
struct Target<'a, S: Simd> {
    s: S,
    columns: Places,
    rectifier: Rectifier,
    channels: usize,
    c: usize,
    /// (width, channels)
    y: &'a mut [f32],
}

impl<S: Simd> Target<'_, S> {
    #[inline(always)]
    fn write(&mut self, j: usize, sum: S::F) {
        let sum = self.rectifier.apply(self.s, sum);
        let pixel = self.columns.first + j * self.columns.stride;
        self.s.store_at(sum, &mut self.y[pixel * self.channels..][..self.channels], self.c);
    }
}

/// The values that all sums of one row of positions and one vector of channels share.
#[derive(Clone, Copy)]
struct Sums<'a, S: Simd> {
    s: S,
    rows: Axis,
    columns: Axis,
    x: &'a [f32],
    weight: &'a [f32],
    channels: usize,
    i: usize,
    c: usize,
    bias: S::F,
}

impl<'a, S: Simd> Sums<'a, S> {
    /// The row of the image that tap `t` meets.
    #[inline(always)]
    fn row(&self, t: usize) -> &'a [f32] {
        let len = self.columns.size * self.channels;
        &self.x[self.rows.pixel(self.i, t) as usize * len..][..len]
    }

    #[inline(always)]
    fn weight(&self, tap: usize) -> S::F {
        self.s.load_at(&self.weight[tap * self.channels..][..self.channels], self.c)
    }

    /// The sum at position `j`, anywhere.
    #[inline(always)]
    fn at(&self, down: Range<usize>, j: usize) -> S::F {
        let Sums { s, columns, channels, c, .. } = *self;
        let mut sum = self.bias;
        for t in down {
            let row = self.row(t);
            for u in columns.inside(j) {
                let x = s.load_at(&row[columns.pixel(j, u) as usize * channels..][..channels], c);
                sum = s.mul_add(x, self.weight(t * columns.taps + u), sum);
            }
        }
        sum
    }
}

kernel! {
    /// The sums of the weight's gradient over some images, added to `sums` or in their place.
    fn add_weight_gradient(
        s, conv: &Conv, image: &[f32], dmap: &[f32], sums: &mut [f32], accumulate: bool,
    ) {
        if !accumulate {
            sums.fill(0.0);
        }
        let channels = conv.map_channels;
        let (rows, columns) = conv.axes();
        let (line, map_line) = (columns.size * channels, columns.positions * channels);
        let images =
            image.chunks_exact(rows.size * line).zip(dmap.chunks_exact(rows.positions * map_line));
        for (image, dmap) in images {
            for (i, dmap) in dmap.chunks_exact(map_line).enumerate() {
                for t in rows.inside(i) {
                    let row = &image[rows.pixel(i, t) as usize * line..][..line];
                    for u in 0..columns.taps {
                        let tap = t * columns.taps + u;
                        let sums = &mut sums[tap * channels..][..channels];
                        sum_row(s, &columns, u, row, dmap, sums);
                    }
                }
            }
        }
    }
}

/// Adds the products of one row of positions with what their tap `u` meets.
#[inline(always)]
fn sum_row<S: Simd>(s: S, columns: &Axis, u: usize, row: &[f32], dmap: &[f32], sums: &mut [f32]) {
    let channels = sums.len();
    // The positions whose tap is there.
    let before = |pixel: usize| {
        let distance = pixel as isize - columns.first - (u * columns.step) as isize;
        (distance.max(0) as usize).div_ceil(columns.stride).min(columns.positions)
    };
    let positions = before(0)..before(columns.size);
    for c in (0..channels).step_by(S::LANES) {
        let mut apart = [s.splat(0.0); 4];
        let mut j = positions.start;
        while j + 4 <= positions.end {
            for (k, sum) in apart.iter_mut().enumerate() {
                let (x, dy) = vectors(s, columns, u, row, dmap, channels, (j + k, c));
                *sum = s.mul_add(x, dy, *sum);
            }
            j += 4;
        }
        let mut sum = s.add(s.add(apart[0], apart[1]), s.add(apart[2], apart[3]));
        for j in j..positions.end {
            let (x, dy) = vectors(s, columns, u, row, dmap, channels, (j, c));
            sum = s.mul_add(x, dy, sum);
        }
        s.store_at(s.add(s.load_at(sums, c), sum), sums, c);
    }
}

/// The pixel that tap `u` of position `j` meets, and the map's gradient there.
#[inline(always)]
fn vectors<S: Simd>(
    s: S,
    columns: &Axis,
    u: usize,
    row: &[f32],
    dmap: &[f32],
    channels: usize,
    (j, c): (usize, usize),
) -> (S::F, S::F) {
    let x = &row[columns.pixel(j, u) as usize * channels..][..channels];
    (s.load_at(x, c), s.load_at(&dmap[j * channels..][..channels], c))
}
