//! From the map to the image: the forward pass transposed.
//!
//! The outputs of a tile, or the sums of those that a part contributes to, times the transformed
//! weight's transpose are the gradients of its terms, and so of its pixels. Along an axis a tile
//! has five terms, in this order: of y0 the far and the near one, of y1 the far and the near one,
//! and the shared one. A far one belongs to two pixels, one of them the neighbour's:
//!
//! ```text
//! pixel        4 i        4 i + 1                     4 i + 2        4 i + 3
//!
//! gradient     near 0     shared - (far 0 + far 1)    near 1         far 1 + far 0 of tile i + 1
//! ```

use super::super::geometry::Conv;
use super::super::patches::row_stride;
use super::super::{GATHERED, Operands, PRODUCTS};
use super::tiles::{Grid, Outputs, vectors};
use super::{ACROSS_TERMS, MOST, Part, TERMS, transform_transposed};
use crate::gemm::{Epilogue, MatMut, MatRef, Rectifier, gemm};
use crate::hardware::memory;
use crate::hardware::simd::{Simd, kernel};

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
    let (map_stride, stride) = (row_stride(3 * outputs), row_stride(TERMS * inputs));
    cx.chunks(image, images * image_len, |range, image| {
        let single = cx.single();
        let start = range.start / image_len * grid.len();
        let tiles = image.len() / image_len * grid.len();
        let mut gathered = memory::borrow(&GATHERED, tiles * map_stride);
        // One tile more, of zeros.
        let mut products = memory::borrow(&PRODUCTS, (tiles + 1) * stride);
        products[tiles * stride..].fill(0.0);
        for down in Part::ALL {
            let (range, out) = (start..start + tiles, &mut *gathered);
            cx.isa().run(Outputs { conv, down, maps: map, range, stride: map_stride, out });
            for (across, kind) in down.kinds().enumerate() {
                let (first, len) = (kind.first * inputs, kind.terms() * inputs);
                let dmaps = &gathered[across * outputs..];
                let dmaps = MatRef::with_strides(dmaps, tiles, outputs, map_stride, 1);
                let weights = &weights[first * outputs..][..len * outputs];
                let weights = MatRef::new(weights, outputs, len);
                let products = &mut products[first..];
                let products = MatMut::with_strides(products, tiles, len, stride, 1);
                gemm(&single, 1.0, dmaps, weights, 0.0, products);
            }
        }
        pixels(cx.isa(), conv, &products, stride, epilogue, image);
    });
}

/// The places of the terms of a tile, by vertical terms, then by horizontal ones.
const PLACES: [[usize; 5]; 5] = {
    let mut places = [[20, 21, 22, 23, 24]; 5];
    let mut t = 0;
    while t < 4 {
        let mut u = 0;
        while u < 5 {
            places[t][u] = t / 2 * MOST + ACROSS_TERMS[t % 2][u];
            u += 1;
        }
        t += 1;
    }
    places
};

kernel! {
    /// Adds up the gradients of the terms of each pixel. `terms`: kind by kind, (terms, channels)
    /// for each tile and for one of zeros, `stride` floats apart.
    ///
    /// For a vector of channels: 42 loads, 30 additions, and 16 of the bias, and 16 stores. Line by
    /// line: column by column, a term would be loaded once, but the pixels of all six columns do
    /// not fit into the registers.
    fn pixels(
        s, conv: &Conv, terms: &[f32], stride: usize, epilogue: Epilogue<'_>, image: &mut [f32],
    ) {
        let (channels, grid) = (conv.image_channels, Grid::of(conv));
        let tiles = terms.len() / stride - 1;
        let [height, width] = [conv.image.0, conv.image.1];
        for (tile, [n, i, j]) in grid.walk(0..tiles).enumerate() {
            let (below, beside) = (i + 1 < grid.down, j + 1 < grid.across);
            let tile_if = |there: bool, tile: usize| {
                &terms[if there { tile } else { tiles } * stride..][..TERMS * channels]
            };
            let row = [tile_if(true, tile), tile_if(beside, tile + 1)];
            let (under, diagonal) = (tile + grid.across, tile + grid.across + 1);
            let next_row = [tile_if(below, under), tile_if(below && beside, diagonal)];
            let (rows, columns) = ((height - 4 * i).min(4), (width - 4 * j).min(4));
            let image = &mut image[((n * height + 4 * i) * width + 4 * j) * channels..];
            let mut lines = image.chunks_mut(width * channels);
            let mut line = || match lines.next() {
                Some(line) => &mut line[..columns * channels],
                None => &mut [],
            };
            let lines = [line(), line(), line(), line()];
            let tile = Tile { row, next_row, channels, epilogue, lines };
            match (rows, columns) {
                (4, 4) => tile.pixels::<S, true, true>(s),
                (4, _) => tile.pixels::<S, true, false>(s),
                (_, 4) => tile.pixels::<S, false, true>(s),
                _ => tile.pixels::<S, false, false>(s),
            }
        }
    }
}

/// A tile's terms and its pixels.
struct Tile<'a> {
    /// The terms of the tile and of that beside it.
    row: [&'a [f32]; 2],
    /// Those of the tiles below.
    next_row: [&'a [f32]; 2],
    channels: usize,
    epilogue: Epilogue<'a>,
    lines: [&'a mut [f32]; 4],
}

impl Tile<'_> {
    /// The pixels of a tile of four lines or three, and of as many columns.
    #[inline(always)]
    fn pixels<S: Simd, const DOWN: bool, const ACROSS: bool>(self, s: S) {
        let Tile { row, next_row, channels, epilogue, lines: [line0, line1, line2, line3] } = self;
        for c in vectors::<S>(channels) {
            let to =
                Write { s, bias: bias(s, epilogue, c), rectifier: epilogue.rectifier, channels, c };
            to.line::<ACROSS>(load(s, row, channels, 1, c), line0);
            let (far0, far1) = (load(s, row, channels, 0, c), load(s, row, channels, 2, c));
            let mut x = load(s, row, channels, 4, c);
            for u in 0..6 {
                x[u] = s.sub(x[u], s.add(far0[u], far1[u]));
            }
            to.line::<ACROSS>(x, line1);
            to.line::<ACROSS>(load(s, row, channels, 3, c), line2);
            if DOWN {
                let mut x = load(s, next_row, channels, 0, c);
                for u in 0..6 {
                    x[u] = s.add(far1[u], x[u]);
                }
                to.line::<ACROSS>(x, line3);
            }
        }
    }
}

#[inline(always)]
fn bias<S: Simd>(s: S, epilogue: Epilogue<'_>, c: usize) -> S::F {
    match epilogue.bias {
        Some(bias) => s.load_at(bias, c),
        None => s.splat(0.0),
    }
}

/// The way of a line's pixels to memory. Not a closure, which might be compiled without the ISA.
#[derive(Clone, Copy)]
struct Write<S: Simd> {
    s: S,
    bias: S::F,
    rectifier: Rectifier,
    channels: usize,
    c: usize,
}

impl<S: Simd> Write<S> {
    /// The pixels of the terms of a line.
    #[inline(always)]
    fn line<const ACROSS: bool>(self, terms: [S::F; 6], line: &mut [f32]) {
        let Write { s, bias, rectifier, channels, c } = self;
        let mut pixels = fold(s, terms);
        for pixel in &mut pixels {
            *pixel = rectifier.apply(s, s.add(*pixel, bias));
        }
        let [a, b, d, e] = pixels;
        if ACROSS {
            s.store_places([a, b, d, e], &mut line[c..], channels, [0, 1, 2, 3]);
        } else {
            s.store_places([a, b, d], &mut line[c..], channels, [0, 1, 2]);
        }
    }
}

/// The terms across a tile that have the vertical term `t`, and the far one of the tile beside it.
#[inline(always)]
fn load<S: Simd>(
    s: S,
    [own, beside]: [&[f32]; 2],
    channels: usize,
    t: usize,
    c: usize,
) -> [S::F; 6] {
    let [far0, near0, far1, near1, shared] = s.load_places(&own[c..], channels, PLACES[t]);
    let [far_next] = s.load_places(&beside[c..], channels, [PLACES[t][0]]);
    [far0, near0, far1, near1, shared, far_next]
}

/// The four pixels of an axis, from the five terms and the far one of the next tile.
#[inline(always)]
fn fold<S: Simd>(s: S, [far0, near0, far1, near1, shared, far_next]: [S::F; 6]) -> [S::F; 4] {
    [near0, s.sub(shared, s.add(far0, far1)), near1, s.add(far1, far_next)]
}
