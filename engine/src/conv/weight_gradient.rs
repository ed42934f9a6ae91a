//! The gradient of the weight: `dW = P' dmap`.

use super::Conv;
use super::forward::{block_rows, with_patches};
use crate::Context;
use crate::gemm::{MatMut, MatRef, gemm};
use crate::layers::columns::Add;
use crate::parallel::Chunks;

/// The positions that are summed up by one task, at least: their gradient is written once, and read once.
const MIN_PART: usize = 1024;
/// The parts that the positions are cut into, at most.
const MAX_PARTS: usize = 8;

fn parts(rows: usize) -> usize {
    (rows / MIN_PART).clamp(1, MAX_PARTS)
}

/// The scratch values of [`weight_gradient`] for batches of at most that many images.
pub(crate) fn weight_gradient_scratch(conv: &Conv, batch: usize) -> usize {
    match parts(batch.saturating_mul(conv.positions())) {
        1 => 0,
        parts => parts * conv.weight_len(),
    }
}

/// The gradient of the weight, added to `grad` or in its place. `scratch`: [`weight_gradient_scratch`] values of any content.
///
/// The positions are cut into parts by their number alone, each of which has sums of its own; these are added in order.
pub(crate) fn weight_gradient(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    grad: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    let batch = image.len() / (conv.pixels() * conv.image_channels);
    let rows = batch * conv.positions();
    let parts = parts(rows);
    // The rows of the window, which are rows of the weight, are summed up apart from each other.
    let window_rows = conv.window.kernel.0;
    let slice = conv.weight_len() / window_rows;
    let partial = if parts == 1 { &mut *grad } else { &mut scratch[..parts * conv.weight_len()] };
    let add = accumulate && parts == 1;
    cx.for_each_part(parts * window_rows, Chunks::new(partial, slice), |i, sums| {
        let (part, t) = (i / window_rows, i % window_rows);
        let range = part * rows / parts..(part + 1) * rows / parts;
        sum_up(cx, conv, image, dmap, t, range, sums.data, add);
    });
    if parts > 1 {
        if !accumulate {
            grad.fill(0.0);
        }
        for partial in scratch[..parts * conv.weight_len()].chunks_exact(conv.weight_len()) {
            cx.isa().run(Add { x: partial, y: grad });
        }
    }
}

/// The sums over some positions, for one row of the window.
#[allow(clippy::too_many_arguments)]
fn sum_up(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    window_row: usize,
    range: std::ops::Range<usize>,
    sums: &mut [f32],
    accumulate: bool,
) {
    let single = cx.single();
    let (_, group_outputs) = conv.group_channels();
    let outputs = conv.map_channels;
    for group in 0..conv.groups {
        let patches = conv.patches(image, group).window_rows(window_row..window_row + 1);
        let columns = group * group_outputs;
        let block = block_rows(patches.len());
        let mut beta = if accumulate { 1.0 } else { 0.0 };
        for start in range.clone().step_by(block) {
            let rows = block.min(range.end - start);
            let dmap =
                MatRef::with_strides(&dmap[start * outputs + columns..], rows, group_outputs, outputs, 1);
            with_patches(cx, patches, start..start + rows, |gathered| {
                let sums =
                    MatMut::with_strides(&mut sums[columns..], patches.len(), group_outputs, outputs, 1);
                gemm(&single, 1.0, gathered.transposed(), dmap, beta, sums);
            });
            beta = 1.0;
        }
    }
}
