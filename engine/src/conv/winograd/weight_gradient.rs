//! The gradient of the weight: that of the transformed weight, kind by kind, and what follows from
//! it.

use super::super::geometry::Conv;
use super::super::partial_sums;
use super::super::patches::row_stride;
use super::super::{GATHERED, PRODUCTS, WeightSums};
use super::tiles::{Outputs, Terms};
use super::{MOST, Part};
use crate::Context;
use crate::gemm::{MatMut, MatRef, gemm};
use crate::hardware::memory;
use crate::math::column_sums::add;
use std::ops::Range;

/// The floats of terms and outputs that are gathered at a time: 256 KB. Fewer tiles would make the
/// products shallow, and their sums go to memory and back more often.
const FLOATS: usize = 64 << 10;

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
    let stride = row_stride(MOST * inputs);
    let dmap_stride = row_stride(3 * outputs);
    let block = (FLOATS / (stride + dmap_stride)).max(1).min(tiles.len().max(1));
    let mut gathered = memory::borrow(&GATHERED, block * stride + 5 * inputs);
    let (gathered, zeros) = gathered.split_at_mut(block * stride);
    zeros.fill(0.0);
    let mut made = memory::borrow(&PRODUCTS, MOST * len + block * dmap_stride);
    let (dweights, dmaps) = made.split_at_mut(MOST * len);
    for down in Part::ALL {
        let (first, _) = down.all_terms();
        let mut beta = 0.0;
        for start in tiles.clone().step_by(block) {
            let range = start..tiles.end.min(start + block);
            let rows = range.len();
            let (images, out, zeros) = (image, &mut *gathered, &*zeros);
            isa.run(Terms { conv, down, images, range: range.clone(), stride, out, zeros });
            let (maps, out) = (dmap, &mut *dmaps);
            isa.run(Outputs { conv, down, maps, range, stride: dmap_stride, out });
            for (across, kind) in down.kinds().enumerate() {
                let (at, width) = ((kind.first - first) * inputs, kind.terms() * inputs);
                let terms = &gathered[at..];
                let terms = MatRef::with_strides(terms, rows, width, stride, 1);
                let dmaps = &dmaps[across * outputs..];
                let dmaps = MatRef::with_strides(dmaps, rows, outputs, dmap_stride, 1);
                let dweights = &mut dweights[at * outputs..][..width * outputs];
                let dweights = MatMut::new(dweights, width, outputs);
                gemm(&single, 1.0, terms.transposed(), dmaps, beta, dweights);
            }
            beta = 1.0;
        }
        for kind in down.kinds() {
            let dweights = dweights.chunks_exact(len).skip(kind.first - first);
            for (term, x) in dweights.take(kind.terms()).enumerate() {
                for tap in kind.taps(term) {
                    add(isa, &mut sums[tap * len..][..len], x);
                }
            }
        }
    }
}
