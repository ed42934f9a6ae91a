//! The gradient of the weight: that of the transformed weight, kind by kind, and what follows from
//! it.

use super::super::geometry::Conv;
use super::super::partial_sums;
use super::super::patches::row_stride;
use super::super::{BLOCK, GATHERED, PRODUCTS, WeightSums};
use super::Kind;
use super::tiles::{Outputs, Terms};
use crate::Context;
use crate::gemm::{MatMut, MatRef, gemm};
use crate::hardware::memory;
use crate::math::column_sums::add;
use std::ops::Range;

/// The gradient of the weight.
pub(in super::super) fn weight_gradient(conv: &Conv, sums: WeightSums<'_>) {
    let WeightSums { cx, image, dmap, .. } = sums;
    let positions = dmap.len() / conv.map_channels;
    // A tile is 2x2 positions.
    let (parts, tiles) = (partial_sums::parts(positions), positions / 4);
    sums.sum_parts(parts, 1, |part, _, sums, accumulate| {
        let range = part * tiles / parts..(part + 1) * tiles / parts;
        sum_tiles(cx, conv, image, dmap, range, sums, accumulate);
    });
}

/// The sums over some tiles, added to `sums` or in their place.
fn sum_tiles(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    tiles: Range<usize>,
    sums: &mut [f32],
    accumulate: bool,
) {
    let (single, isa) = (cx.single(), cx.isa());
    let (inputs, outputs) = (conv.image_channels, conv.map_channels);
    let len = inputs * outputs;
    if !accumulate {
        sums.fill(0.0);
    }
    for kind in Kind::all() {
        let (terms, width) = (kind.terms(), kind.terms() * inputs);
        let stride = row_stride(width);
        let block = (BLOCK / stride).max(1).min(tiles.len().max(1));
        let mut gathered = memory::borrow(&GATHERED, block * stride + inputs);
        let (gathered, outside) = gathered.split_at_mut(block * stride);
        let mut made = memory::borrow(&PRODUCTS, terms * len + block * outputs);
        let (dweights, dmaps) = made.split_at_mut(terms * len);
        let mut beta = 0.0;
        for start in tiles.clone().step_by(block) {
            let range = start..tiles.end.min(start + block);
            let rows = range.len();
            let (gathered, dmaps) = (&mut gathered[..rows * stride], &mut dmaps[..rows * outputs]);
            let (images, out, outside) = (image, &mut *gathered, &mut *outside);
            isa.run(Terms { conv, kind, images, range: range.clone(), stride, out, outside });
            isa.run(Outputs { conv, kind, maps: dmap, range, out: dmaps });
            let terms = MatRef::with_strides(gathered, rows, width, stride, 1).transposed();
            let dmaps = MatRef::new(dmaps, rows, outputs);
            gemm(&single, 1.0, terms, dmaps, beta, MatMut::new(dweights, width, outputs));
            beta = 1.0;
        }
        for (term, x) in dweights.chunks_exact(len).enumerate() {
            for tap in kind.taps(term) {
                add(isa, &mut sums[tap * len..][..len], x);
            }
        }
    }
}
