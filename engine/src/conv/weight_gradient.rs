//! The gradient of the weight: `dW = P' dmap`.

use super::depthwise::{self, WeightGradient};
use super::forward::{block_rows, with_patches};
use super::{Conv, in_place, one_by_one, winograd};
use crate::Context;
use crate::gemm::{MatMut, MatRef, gemm};
use crate::hardware::parallel::Chunks;
use crate::math::column_sums::Add;
use std::ops::Range;

/// The positions that are summed up by one task, at least: their gradient is written once, and read
/// once.
const MIN_PART: usize = 1024;
/// The parts that the positions are cut into, at most.
const MAX_PARTS: usize = 8;
/// The values of a patch above which a window's rows are summed up apart.
const WIDE: usize = 256;

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

/// The gradient of the weight, added to `grad` or in its place. `scratch`:
/// [`weight_gradient_scratch`] values of any content.
///
/// The positions are cut into parts by their number alone, each of which has sums of its own; these
/// are added in order.
pub(crate) fn weight_gradient(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    grad: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    if one_by_one::pays(conv) {
        return one_by_one::weight_gradient(cx, conv, image, dmap, grad, accumulate);
    }
    let (image_len, map_len) =
        (conv.pixels() * conv.image_channels, conv.positions() * conv.map_channels);
    let batch = image.len() / image_len;
    let rows = batch * conv.positions();
    let by_images = depthwise::pays(conv) || in_place::pays(cx, conv);
    // A part without an image would have nothing to write its sums by.
    let parts = if by_images { parts(rows).min(batch) } else { parts(rows) };
    let partial = if parts == 1 { &mut *grad } else { &mut scratch[..parts * conv.weight_len()] };
    let add = accumulate && parts == 1;
    if winograd::pays(conv) {
        // A tile is 2x2 positions.
        let tiles = rows / 4;
        cx.for_each_part(parts, Chunks::new(partial, conv.weight_len()), |part, sums| {
            let range = part * tiles / parts..(part + 1) * tiles / parts;
            winograd::weight_gradient(cx, conv, image, dmap, range, sums.data, add);
        });
    } else if by_images {
        cx.for_each_part(parts, Chunks::new(partial, conv.weight_len()), |part, sums| {
            let images = part * batch / parts..(part + 1) * batch / parts;
            let image = &image[images.start * image_len..images.end * image_len];
            let dmap = &dmap[images.start * map_len..images.end * map_len];
            let sums = sums.data;
            if depthwise::pays(conv) {
                cx.isa().run(WeightGradient { conv, image, dmap, sums, accumulate: add });
            } else {
                in_place::weight_gradient(cx, conv, image, dmap, sums, add);
            }
        });
    } else {
        // The rows of a large window, which are rows of the weight, are summed up apart from each
        // other: so a task gathers more patches at a time, and writes its sums less often.
        let slices = if parts == MAX_PARTS && conv.weight_len() / conv.map_channels <= WIDE {
            1
        } else {
            conv.window.kernel.0
        };
        let taps = conv.window.kernel.0 / slices;
        cx.for_each_part(
            parts * slices,
            Chunks::new(partial, conv.weight_len() / slices),
            |i, sums| {
                let (part, t) = (i / slices, i % slices * taps);
                let range = part * rows / parts..(part + 1) * rows / parts;
                sum_up(cx, conv, image, dmap, t..t + taps, range, sums.data, add);
            },
        );
    }
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
    window_rows: Range<usize>,
    range: Range<usize>,
    sums: &mut [f32],
    accumulate: bool,
) {
    let single = cx.single();
    let (_, group_outputs) = conv.group_channels();
    let outputs = conv.map_channels;
    for group in 0..conv.groups {
        let patches = conv.patches(image, group).window_rows(window_rows.clone());
        let columns = group * group_outputs;
        let block = block_rows(patches.len());
        let mut beta = if accumulate { 1.0 } else { 0.0 };
        for start in range.clone().step_by(block) {
            let rows = block.min(range.end - start);
            let dmap = MatRef::with_strides(
                &dmap[start * outputs + columns..],
                rows,
                group_outputs,
                outputs,
                1,
            );
            with_patches(cx, patches, start..start + rows, |gathered| {
                let sums = MatMut::with_strides(
                    &mut sums[columns..],
                    patches.len(),
                    group_outputs,
                    outputs,
                    1,
                );
                gemm(&single, 1.0, gathered.transposed(), dmap, beta, sums);
            });
            beta = 1.0;
        }
    }
}
