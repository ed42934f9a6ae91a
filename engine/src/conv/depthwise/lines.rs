//! Rows of positions of common windows, with sums in registers.
//!
//! For a vector of channels and up to eight neighbouring positions:
//!
//! ```text
//! for t in 0..rows of the window
//!     load the taps of the row: 1 to 7 registers
//!     load each pixel of the row that the positions meet, once
//!         add its product with each tap to the sum that it belongs to
//! ```
//!
//! With 3x3 taps of stride 1 that is 39 loads for 72 multiply-adds. There are as many sums as hide
//! the latency of a multiply-add, and sums and taps of a row stay below AVX2's 16 registers.

use super::super::patches::Axis;
use super::ring::Ring;
use super::{Epilogue, Windows};
use crate::hardware::simd::{Kernel, Simd, kernel};
use std::ops::Range;

/// The positions that are summed up at a time.
const WIDTHS: [usize; 6] = [8, 7, 6, 4, 2, 1];

/// True if there is a kernel for such windows.
pub fn suits((rows, columns): (Axis, Axis)) -> bool {
    let steps = rows.step == 1 && columns.step == 1;
    let there = rows.taps > 0 && rows.positions > 0 && columns.positions > 0;
    let taps = matches!((columns.taps, columns.stride), (1 | 2 | 3 | 5 | 7, 1) | (3 | 5 | 7, 2));
    steps && there && taps
}

/// The width that wastes least on a row of so many positions: the last positions are computed twice
/// where it does not divide them, and each width takes its taps anew.
fn width(positions: usize) -> usize {
    let fitting = WIDTHS.into_iter().filter(|width| *width <= positions);
    fitting.min_by_key(|width| positions.div_ceil(*width) * (width + 1)).unwrap_or(1)
}

kernel! {
    /// Images x: (images, height, width, channels) to y: (images, height, width, channels), of
    /// which only some pixels are written. `ring` has the length of the ring.
    pub fn correlate(s, windows: Windows<'_>, x: &[f32], y: &mut [f32], ring: &mut [f32]) {
        let Windows { axes, channels, weight, to: (to_rows, to_columns), epilogue } = windows;
        let (rows, columns) = axes;
        let sizes = Ring::new(axes, channels);
        let width = width(columns.positions);
        let images = x.chunks_exact(rows.size * columns.size * channels);
        let maps = y.chunks_exact_mut(to_rows.size * to_columns.size * channels);
        ring.fill(0.0);
        for (x, y) in images.zip(maps) {
            for block in sizes.blocks() {
                for i in 0..rows.positions {
                    sizes.advance(s, x, &block, i, ring);
                    let row = (to_rows.first + i * to_rows.stride) * to_columns.size;
                    let (start, end) = (row + to_columns.first, row + to_columns.size);
                    let y = &mut y[start * channels..end * channels];
                    let pixel = to_columns.stride * channels;
                    let line = Line {
                        sizes: &sizes, ring, weight, channels, block: &block, i, taps: rows.taps,
                        positions: columns.positions, y, pixel, epilogue,
                    };
                    run(s, columns.taps, columns.stride, width, line);
                }
            }
        }
    }
}

/// One row of positions, for some channels.
struct Line<'a> {
    sizes: &'a Ring,
    ring: &'a [f32],
    /// (taps, channels)
    weight: &'a [f32],
    channels: usize,
    block: &'a Range<usize>,
    i: usize,
    /// The rows of the window.
    taps: usize,
    positions: usize,
    y: &'a mut [f32],
    /// From a position to the next in `y`.
    pixel: usize,
    epilogue: Epilogue<'a>,
}

/// A row whose window, stride, and positions at a time are known at compile time, and the pixels
/// that those positions meet.
struct Known<'a, const TAPS: usize, const STRIDE: usize, const WIDTH: usize, const PIXELS: usize>(
    Line<'a>,
);

/// One function for each kind of row: together they would be too much for the compiler to keep in
/// registers.
#[inline(never)]
fn known<S: Simd, const T: usize, const D: usize, const W: usize, const P: usize>(
    s: S,
    line: Line<'_>,
) {
    s.vectorize(Known::<T, D, W, P>(line));
}

/// Calls `$kernel` with the numbers of a kind, and the pixels that follow from them.
macro_rules! by_kind {
    (
        $kernel:ident($s:expr, $line:expr), $of:expr,
        $([$taps:literal $stride:literal]: $($width:literal)+;)+
    ) => {
        match $of {
            $($(
                ($taps, $stride, $width) => {
                    $kernel::<S, $taps, $stride, $width, { ($width - 1) * $stride + $taps }>(
                        $s, $line,
                    )
                }
            )+)+
            other => unreachable!("no kernel for windows of {other:?}"),
        }
    };
}

#[inline(always)]
fn run<S: Simd>(s: S, taps: usize, stride: usize, width: usize, line: Line<'_>) {
    by_kind! { known(s, line), (taps, stride, width),
        [1 1]: 8 7 6 4 2 1;
        [2 1]: 8 7 6 4 2 1;
        [3 1]: 8 7 6 4 2 1;
        [5 1]: 8 7 6 4 2 1;
        [7 1]: 8 7 6 4 2 1;
        [3 2]: 8 7 6 4 2 1;
        [5 2]: 8 7 6 4 2 1;
        [7 2]: 8 7 6 4 2 1;
    }
}

impl<const TAPS: usize, const STRIDE: usize, const WIDTH: usize, const PIXELS: usize> Kernel
    for Known<'_, TAPS, STRIDE, WIDTH, PIXELS>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Line { sizes, ring, weight, channels, block, i, taps, positions, y, pixel, epilogue } =
            self.0;
        let mut places = [0; PIXELS];
        for (p, place) in places.iter_mut().enumerate() {
            *place = p;
        }
        let mut outputs = [0; WIDTH];
        for (j, output) in outputs.iter_mut().enumerate() {
            *output = j;
        }
        let zero = s.splat(0.0);
        let mut c = block.start;
        while c < block.end {
            let whole = c + S::LANES <= channels;
            let bias = epilogue.bias.map_or(zero, |bias| s.load_at(bias, c));
            let mut j = 0;
            while j < positions {
                // The last ones end with the row.
                j = j.min(positions - WIDTH);
                let mut sums = [bias; WIDTH];
                for t in 0..taps {
                    let mut w = [zero; TAPS];
                    for (u, w) in w.iter_mut().enumerate() {
                        *w = s.load_at(&weight[(t * TAPS + u) * channels..][..channels], c);
                    }
                    let line = sizes.line_of(ring, i, t);
                    let x = &line[j * STRIDE * sizes.pixel + c - block.start..];
                    let x = s.load_places::<PIXELS>(x, sizes.pixel, places);
                    for p in 0..PIXELS {
                        for k in 0..WIDTH {
                            if p >= k * STRIDE && p < k * STRIDE + TAPS {
                                sums[k] = s.mul_add(x[p], w[p - k * STRIDE], sums[k]);
                            }
                        }
                    }
                }
                if epilogue.rectifier.is_there() {
                    for sum in &mut sums {
                        *sum = epilogue.rectifier.apply(s, *sum);
                    }
                }
                if whole {
                    s.store_places(sums, &mut y[j * pixel + c..], pixel, outputs);
                } else {
                    for (k, sum) in sums.into_iter().enumerate() {
                        s.store_at(sum, &mut y[(j + k) * pixel..][..channels], c);
                    }
                }
                j += WIDTH;
            }
            c += S::LANES;
        }
    }
}

/// The floats of the ring for such windows.
pub fn ring_len(axes: (Axis, Axis), channels: usize) -> usize {
    Ring::new(axes, channels).len()
}
