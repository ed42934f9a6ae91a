//! From the image to the map.

use super::super::geometry::Conv;
use super::super::patches::row_stride;
use super::super::{GATHERED, Operands, PRODUCTS};
use super::tiles::{Grid, Terms};
use super::{Kind, transform};
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
    // Whole rows of tiles, which are whole rows of the map.
    let tile = 4 * inputs + 9 * outputs;
    let rows = (FLOATS / (tile * grid.across)).max(1);
    let row_len = 2 * conv.map.1 * outputs;
    cx.chunks(map, rows * row_len, |range, map| {
        let single = cx.single();
        let start = range.start / row_len * grid.across;
        let tiles = map.len() / row_len * grid.across;
        let mut gathered = memory::borrow(&GATHERED, tiles * row_stride(4 * inputs) + inputs);
        let (gathered, outside) = gathered.split_at_mut(tiles * row_stride(4 * inputs));
        let mut products = memory::borrow(&PRODUCTS, 9 * tiles * outputs);
        for (kind, products) in Kind::all().zip(products.chunks_exact_mut(tiles * outputs)) {
            let len = kind.terms() * inputs;
            let (range, stride) = (start..start + tiles, row_stride(len));
            let gathered = &mut gathered[..tiles * stride];
            let (out, outside) = (&mut *gathered, &mut *outside);
            cx.isa().run(Terms { conv, kind, images: image, range, stride, out, outside });
            let terms = MatRef::with_strides(gathered, tiles, len, stride, 1);
            let weights = &weights[kind.first * inputs * outputs..][..len * outputs];
            let products = MatMut::new(products, tiles, outputs);
            gemm(&single, 1.0, terms, MatRef::new(weights, len, outputs), 0.0, products);
        }
        total(cx.isa(), grid.across, outputs, &products, epilogue, map);
    });
}

kernel! {
    /// Adds up the products of each output: (kinds, tiles, channels), for `across` tiles in a row,
    /// into `map`: (rows of tiles, 2, tiles, 2, channels).
    fn total(
        s, across: usize, channels: usize, products: &[f32], epilogue: Epilogue<'_>,
        map: &mut [f32],
    ) {
        let plane = products.len() / 9;
        let zero = s.splat(0.0);
        let line = 2 * across * channels;
        for (i, map) in map.chunks_exact_mut(2 * line).enumerate() {
            let (above, below) = map.split_at_mut(line);
            let pairs =
                above.chunks_exact_mut(2 * channels).zip(below.chunks_exact_mut(2 * channels));
            for (j, (above, below)) in pairs.enumerate() {
                let mut from: [&[f32]; 9] = [&[]; 9];
                for (k, from) in from.iter_mut().enumerate() {
                    *from = &products[k * plane + (i * across + j) * channels..][..channels];
                }
                let (a, b) = above.split_at_mut(channels);
                let (c, d) = below.split_at_mut(channels);
                let outputs = [[a, b], [c, d]];
                for at in (0..channels).step_by(S::LANES) {
                    let mut shared = s.load_at(from[8], at);
                    if let Some(bias) = epilogue.bias {
                        shared = s.add(shared, s.load_at(bias, at));
                    }
                    for t in 0..2 {
                        let row = s.add(s.load_at(from[3 * t + 2], at), shared);
                        for u in 0..2 {
                            let own =
                                s.add(s.load_at(from[3 * t + u], at), s.load_at(from[6 + u], at));
                            let sum = s.add(own, row);
                            let sum = if epilogue.relu { s.max(zero, sum) } else { sum };
                            s.store_at(sum, &mut *outputs[t][u], at);
                        }
                    }
                }
            }
        }
    }
}
