//! From the map to the image: the forward pass transposed.
//!
//! The outputs of a tile, or the sums of those that a part contributes to, times the transformed
//! weight's transpose are the gradients of its terms, and so of its pixels. Along an axis a tile
//! has five terms, in the order of [`AXIS`]: of y0 the far and the near one, of y1 the far and the
//! near one, and the shared one. A far one belongs to two pixels, one of them the neighbour's:
//!
//! ```text
//! pixel        4 i        4 i + 1                     4 i + 2        4 i + 3
//!
//! gradient     near 0     shared - (far 0 + far 1)    near 1         far 1 + far 0 of tile i + 1
//! ```

use super::super::geometry::Conv;
use super::super::{GATHERED, Operands, PRODUCTS};
use super::tiles::{Grid, NOWHERE, Outputs, load};
use super::{Kind, Part, TERMS, transform_transposed};
use crate::gemm::{Epilogue, MatMut, MatRef, gemm};
use crate::hardware::memory;
use crate::hardware::simd::{Simd, kernel};
use std::ops::Range;

/// The floats of the gradients of terms that a task has at a time, unless an image has more: 256
/// KB.
const FLOATS: usize = 64 << 10;

/// From maps to images. Its scratch has [`weights_len`](super::weights_len) values.
pub(in super::super) fn input_gradient(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, from: map, weight, to: image, epilogue, scratch } = io;
    let weights = transform_transposed(cx, conv, weight, scratch);
    let (inputs, outputs, grid) = (conv.image_channels, conv.map_channels, Grid::of(conv));
    let images = (FLOATS / (TERMS * inputs * grid.len())).max(1);
    let image_len = conv.image_len();
    cx.chunks(image, images * image_len, |range, image| {
        let single = cx.single();
        let start = range.start / image_len * grid.len();
        let tiles = image.len() / image_len * grid.len();
        let mut gathered = memory::borrow(&GATHERED, tiles * outputs);
        let mut products = memory::borrow(&PRODUCTS, TERMS * tiles * inputs);
        for kind in Kind::all() {
            let (first, len) = (kind.first * inputs, kind.terms() * inputs);
            let range = start..start + tiles;
            cx.isa().run(Outputs { conv, kind, maps: map, range, out: &mut gathered });
            let dmaps = MatRef::new(&gathered, tiles, outputs);
            let weights = &weights[first * outputs..][..len * outputs];
            let products = &mut products[first * tiles..][..len * tiles];
            let products = MatMut::new(products, tiles, len);
            gemm(&single, 1.0, dmaps, MatRef::new(weights, outputs, len), 0.0, products);
        }
        pixels(cx.isa(), conv, &products, epilogue, image);
    });
}

/// The terms of an axis: part and number.
const AXIS: [(Part, usize); 5] =
    [(Part::First, 0), (Part::First, 1), (Part::Second, 0), (Part::Second, 1), (Part::Shared, 0)];

kernel! {
    /// Adds up the gradients of the terms of each pixel. `terms`: kind by kind, (tiles, terms,
    /// channels).
    fn pixels(s, conv: &Conv, terms: &[f32], epilogue: Epilogue<'_>, image: &mut [f32]) {
        let (channels, grid) = (conv.image_channels, Grid::of(conv));
        let tiles = terms.len() / (TERMS * channels);
        // Where the terms of tile 0 are, and how far it is from tile to tile.
        let mut places = [[(0, 0); 5]; 5];
        for kind in Kind::all() {
            for (t, places) in
                places.iter_mut().enumerate().filter(|(t, _)| AXIS[*t].0 == kind.down)
            {
                for (u, place) in
                    places.iter_mut().enumerate().filter(|(u, _)| AXIS[*u].0 == kind.across)
                {
                    let term = AXIS[t].1 * kind.across.terms() + AXIS[u].1;
                    *place = ((kind.first * tiles + term) * channels, kind.terms() * channels);
                }
            }
        }
        let [height, width] = [conv.image.0, conv.image.1];
        for (tile, [n, i, j]) in grid.walk(0..tiles).enumerate() {
            let (below, beside) = (i + 1 < grid.down, j + 1 < grid.across);
            // The terms of the tile, and those far ones of its neighbours that belong to its
            // pixels.
            let mut from = [[NOWHERE; 6]; 6];
            for t in 0..if below { 6 } else { 5 } {
                for u in 0..if beside { 6 } else { 5 } {
                    let (first, step) = places[t % 5][u % 5];
                    from[t][u] = first + (tile + t / 5 * grid.across + u / 5) * step;
                }
            }
            let (rows, columns) = ((height - 4 * i).min(4), (width - 4 * j).min(4));
            let image = &mut image[((n * height + 4 * i) * width + 4 * j) * channels..];
            for c in (0..channels).step_by(S::LANES) {
                let bias = epilogue.bias.map_or(s.splat(0.0), |bias| s.load_at(bias, c));
                // Written out, so that all of it stays in registers.
                let folded = [
                    down(s, terms, &from, 0, c..channels),
                    down(s, terms, &from, 1, c..channels),
                    down(s, terms, &from, 2, c..channels),
                    down(s, terms, &from, 3, c..channels),
                    down(s, terms, &from, 4, c..channels),
                    down(s, terms, &from, 5, c..channels),
                ];
                let lines = [
                    across(s, &folded, 0),
                    across(s, &folded, 1),
                    across(s, &folded, 2),
                    across(s, &folded, 3),
                ];
                for (t, pixels) in lines.into_iter().enumerate().take(rows) {
                    let line = &mut image[t * width * channels..][..columns * channels];
                    for (u, pixel) in pixels.into_iter().enumerate().take(columns) {
                        let pixel = s.add(pixel, bias);
                        let pixel = if epilogue.relu { s.max(s.splat(0.0), pixel) } else { pixel };
                        s.store_at(pixel, &mut line[u * channels..][..channels], c);
                    }
                }
            }
        }
    }
}

/// The four pixels of an axis, from the terms in the order of [`AXIS`] and the far one of the next
/// tile.
#[inline(always)]
fn fold<S: Simd>(s: S, [far0, near0, far1, near1, shared, far_next]: [S::F; 6]) -> [S::F; 4] {
    [near0, s.sub(shared, s.add(far0, far1)), near1, s.add(far1, far_next)]
}

/// The pixels down column `u` of the terms.
#[inline(always)]
fn down<S: Simd>(
    s: S,
    terms: &[f32],
    from: &[[usize; 6]; 6],
    u: usize,
    channels: Range<usize>,
) -> [S::F; 4] {
    let mut values = [s.splat(0.0); 6];
    for t in 0..6 {
        values[t] = load(s, terms, from[t][u] + channels.start, from[t][u] + channels.end);
    }
    fold(s, values)
}

/// The pixels of line `t`.
#[inline(always)]
fn across<S: Simd>(s: S, columns: &[[S::F; 4]; 6], t: usize) -> [S::F; 4] {
    let [far0, near0, far1, near1, shared, far_next] = columns;
    fold(s, [far0[t], near0[t], far1[t], near1[t], shared[t], far_next[t]])
}
