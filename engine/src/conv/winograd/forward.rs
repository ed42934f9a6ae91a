//! From the image to the map.

use super::super::geometry::Conv;
use super::super::patches::row_stride;
use super::super::{GATHERED, Operands, PRODUCTS};
use super::tiles::{Grid, Terms, vectors};
use super::{KINDS, MOST, Part, transform};
use crate::gemm::{Epilogue, MatMut, MatRef, gemm};
use crate::hardware::memory;
use crate::hardware::simd::kernel;

/// The floats of terms and products that a task has at a time: 384 KB, of which a part is in use at
/// any moment.
const FLOATS: usize = 96 << 10;

/// From images to maps. Its scratch has [`weights_len`](super::weights_len) values.
pub(in super::super) fn forward(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, from: image, weight, to: map, epilogue, scratch } = io;
    let weights = transform(cx, conv, weight, scratch);
    let (inputs, outputs, grid) = (conv.image_channels, conv.map_channels, Grid::of(conv));
    let (stride, product_stride) = (row_stride(MOST * inputs), row_stride(KINDS * outputs));
    // Whole rows of tiles, which are whole rows of the map.
    let rows = (FLOATS / ((stride + product_stride) * grid.across)).max(1);
    let row_len = 2 * conv.map.1 * outputs;
    cx.chunks(map, rows * row_len, |range, map| {
        let single = cx.single();
        let start = range.start / row_len * grid.across;
        let tiles = map.len() / row_len * grid.across;
        let mut gathered = memory::borrow(&GATHERED, tiles * stride + 5 * inputs);
        let (gathered, zeros) = gathered.split_at_mut(tiles * stride);
        zeros.fill(0.0);
        let mut products = memory::borrow(&PRODUCTS, tiles * product_stride);
        let mut column = 0;
        for down in Part::ALL {
            let (range, zeros, out) = (start..start + tiles, &*zeros, &mut *gathered);
            cx.isa().run(Terms { conv, down, images: image, range, stride, out, zeros });
            let (first, _) = down.all_terms();
            for kind in down.kinds() {
                let len = kind.terms() * inputs;
                let terms = &gathered[(kind.first - first) * inputs..];
                let terms = MatRef::with_strides(terms, tiles, len, stride, 1);
                let weights = &weights[kind.first * inputs * outputs..][..len * outputs];
                let products = &mut products[column..];
                let products = MatMut::with_strides(products, tiles, outputs, product_stride, 1);
                gemm(&single, 1.0, terms, MatRef::new(weights, len, outputs), 0.0, products);
                column += outputs;
            }
        }
        total(cx.isa(), grid.across, outputs, &products, product_stride, epilogue, map);
    });
}

kernel! {
    /// Adds up the products of each output, (kinds, channels) for each tile, `stride` floats apart,
    /// for `across` tiles in a row, into `map`: (rows of tiles, 2, tiles, 2, channels).
    ///
    /// For a vector of channels: 9 loads, 10 additions and 4 stores, and the bias.
    fn total(
        s, across: usize, channels: usize, products: &[f32], stride: usize,
        epilogue: Epilogue<'_>, map: &mut [f32],
    ) {
        let line = 2 * across * channels;
        let mut products = products.chunks(stride);
        for map in map.chunks_exact_mut(2 * line) {
            let (above, below) = map.split_at_mut(line);
            let pairs =
                above.chunks_exact_mut(2 * channels).zip(below.chunks_exact_mut(2 * channels));
            for ((above, below), products) in pairs.zip(&mut products) {
                for c in vectors::<S>(channels) {
                    let [p00, p01, p0, p10, p11, p1, q0, q1, shared] =
                        s.load_places(&products[c..], channels, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
                    let shared = match epilogue.bias {
                        Some(bias) => s.add(shared, s.load_at(bias, c)),
                        None => shared,
                    };
                    for (own, row, out) in
                        [([p00, p01], p0, &mut *above), ([p10, p11], p1, &mut *below)]
                    {
                        let row = s.add(row, shared);
                        let mut sums =
                            [s.add(s.add(own[0], q0), row), s.add(s.add(own[1], q1), row)];
                        if epilogue.rectifier.is_there() {
                            sums = sums.map(|sum| epilogue.rectifier.apply(s, sum));
                        }
                        s.store_places(sums, &mut out[c..], channels, [0, 1]);
                    }
                }
            }
        }
    }
}
