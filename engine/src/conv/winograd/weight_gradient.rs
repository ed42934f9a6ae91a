//! The gradient of the weight: that of the transformed weight, kind by kind, and what follows from
//! it.

use super::super::forward::row_stride;
use super::super::{BLOCK, Conv, GATHERED, PRODUCTS};
use super::Kind;
use super::tiles::{Outputs, Terms};
use crate::Context;
use crate::gemm::{MatMut, MatRef, gemm};
use crate::math::column_sums::Add;
use std::ops::Range;

/// The sums of the weight's gradient over some tiles, added to `sums` or in their place.
pub(in super::super) fn weight_gradient(
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
    let (mut gathered, mut made) = (GATHERED.take(), PRODUCTS.take());
    for kind in Kind::all() {
        let (terms, width) = (kind.terms(), kind.terms() * inputs);
        let stride = row_stride(width);
        let block = (BLOCK / stride).max(1).min(tiles.len().max(1));
        gathered.ensure(block * stride);
        made.ensure(terms * len + block * outputs);
        let (dweights, dmaps) = made.split_at_mut(terms * len);
        let mut beta = 0.0;
        for start in tiles.clone().step_by(block) {
            let range = start..tiles.end.min(start + block);
            let rows = range.len();
            let (gathered, dmaps) = (&mut gathered[..rows * stride], &mut dmaps[..rows * outputs]);
            isa.run(Terms {
                conv,
                kind,
                images: image,
                range: range.clone(),
                stride,
                out: gathered,
            });
            isa.run(Outputs { conv, kind, maps: dmap, range, out: dmaps });
            let terms = MatRef::with_strides(gathered, rows, width, stride, 1).transposed();
            let dmaps = MatRef::new(dmaps, rows, outputs);
            gemm(&single, 1.0, terms, dmaps, beta, MatMut::new(dweights, width, outputs));
            beta = 1.0;
        }
        for (term, x) in dweights.chunks_exact(len).enumerate() {
            for tap in kind.taps(term) {
                isa.run(Add { x, y: &mut sums[tap * len..][..len] });
            }
        }
    }
    GATHERED.set(gathered);
    PRODUCTS.set(made);
}
