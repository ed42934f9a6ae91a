//! From the map to the image: the forward pass transposed.
//!
//! The outputs of a tile, or the sums of those that a part contributes to, times the transformed
//! weight's transpose are the gradients of its terms, and so of its pixels. Those beyond the shared
//! one belong to two tiles each:
//!
//! ```text
//! pixel of an axis   gradient
//! 4 i                near of y0
//! 4 i + 1            shared - far of both
//! 4 i + 2            near of y1
//! 4 i + 3            far of y1 + far of y0, tile i + 1
//! ```

use super::super::{Conv, GATHERED, PRODUCTS};
use super::tiles::{Grid, NOWHERE, Outputs, load};
use super::{Kind, Part, TERMS, transform_transposed, weights_len};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm};
use crate::hardware::parallel::Chunks;
use crate::hardware::simd::{Kernel, Simd};

/// The floats of the gradients of terms that a task has at a time, unless an image has more: 256
/// KB.
const FLOATS: usize = 64 << 10;
/// The most that an image may have: beyond, they are far from a level-2 cache.
const MOST: usize = 256 << 10;

/// Whether this is the way to go.
pub(in super::super) fn pays(conv: &Conv) -> bool {
    super::pays(conv) && TERMS * conv.image_channels * Grid::of(conv).len() <= MOST
}

/// As [`input_gradient`](super::super::input_gradient()). `scratch`: [`weights_len`] values.
pub(in super::super) fn input_gradient(
    cx: &Context,
    conv: &Conv,
    map: &[f32],
    weight: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
    scratch: &mut [f32],
) {
    let weights = &mut scratch[..weights_len(conv)];
    transform_transposed(cx, conv, weight, weights);
    let weights = &*weights;
    let (inputs, outputs, grid) = (conv.image_channels, conv.map_channels, Grid::of(conv));
    let images = (FLOATS / (TERMS * inputs * grid.len())).max(1);
    let image_len = conv.pixels() * inputs;
    let count = image.len().div_ceil(images * image_len);
    cx.for_each_part(count, Chunks::new(image, images * image_len), |i, image| {
        let (single, image) = (cx.single(), image.data);
        let start = i * images * grid.len();
        let tiles = image.len() / image_len * grid.len();
        let (mut gathered, mut products) = (GATHERED.take(), PRODUCTS.take());
        gathered.ensure(tiles * outputs);
        products.ensure(TERMS * tiles * inputs);
        let gathered_outputs = &mut gathered[..tiles * outputs];
        for kind in Kind::all() {
            let len = kind.terms() * inputs;
            cx.isa().run(Outputs {
                conv,
                kind,
                maps: map,
                range: start..start + tiles,
                out: gathered_outputs,
            });
            let dmaps = MatRef::new(gathered_outputs, tiles, outputs);
            let weights = MatRef::new(
                &weights[kind.first * inputs * outputs..][..len * outputs],
                outputs,
                len,
            );
            let products = &mut products[kind.first * tiles * inputs..][..tiles * len];
            gemm(&single, 1.0, dmaps, weights, 0.0, MatMut::new(products, tiles, len));
        }
        cx.isa().run(Pixels { conv, terms: &products[..TERMS * tiles * inputs], epilogue, image });
        GATHERED.set(gathered);
        PRODUCTS.set(products);
    });
}

/// Adds up the gradients of the terms of each pixel. `terms`: kind by kind, (tiles, terms,
/// channels).
struct Pixels<'a> {
    conv: &'a Conv,
    terms: &'a [f32],
    epilogue: Epilogue<'a>,
    image: &'a mut [f32],
}

/// The terms of an axis: part and number.
const AXIS: [(Part, usize); 5] =
    [(Part::First, 0), (Part::First, 1), (Part::Second, 0), (Part::Second, 1), (Part::Shared, 0)];

impl Kernel for Pixels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Pixels { conv, terms, epilogue, image } = self;
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
                let [a0, a1, a2, a3] = down(s, terms, &from, 0, c, channels);
                let [b0, b1, b2, b3] = down(s, terms, &from, 1, c, channels);
                let [c0, c1, c2, c3] = down(s, terms, &from, 2, c, channels);
                let [d0, d1, d2, d3] = down(s, terms, &from, 3, c, channels);
                let [e0, e1, e2, e3] = down(s, terms, &from, 4, c, channels);
                let [f0, f1, f2, f3] = down(s, terms, &from, 5, c, channels);
                let lines = [
                    fold(s, [a0, b0, c0, d0, e0, f0]),
                    fold(s, [a1, b1, c1, d1, e1, f1]),
                    fold(s, [a2, b2, c2, d2, e2, f2]),
                    fold(s, [a3, b3, c3, d3, e3, f3]),
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
fn fold<S: Simd>(
    s: S,
    [far, near, far_second, near_second, shared, far_next]: [S::F; 6],
) -> [S::F; 4] {
    [near, s.sub(shared, s.add(far, far_second)), near_second, s.add(far_second, far_next)]
}

/// The same down column `u` of the terms.
#[inline(always)]
fn down<S: Simd>(
    s: S,
    terms: &[f32],
    from: &[[usize; 6]; 6],
    u: usize,
    c: usize,
    channels: usize,
) -> [S::F; 4] {
    let mut values = [s.splat(0.0); 6];
    for t in 0..6 {
        values[t] = load(s, terms, from[t][u] + c, from[t][u] + channels);
    }
    fold(s, values)
}
