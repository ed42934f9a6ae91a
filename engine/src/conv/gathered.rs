//! Patches gathered by blocks, for any convolution.

use super::geometry::Conv;
use super::partial_sums;
use super::patches::{Lines, Patches, block_rows, copy_lines, with_patches};
use super::phases::{Phase, images_of_task, phases, weight_by_phases};
use super::{Operands, PRODUCTS, WeightSums};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_fused};
use crate::hardware::memory;
use crate::hardware::simd::kernel;
use std::ops::Range;

/// The values of a patch above which a window's rows are summed up apart.
const WIDE: usize = 256;

/// From images to maps.
pub(super) fn forward(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, from: image, weight, to: map, epilogue, .. } = io;
    let outputs = conv.map_channels;
    let (_, group_outputs) = conv.group_channels();
    let len = conv.patches(image, 0).len();
    cx.chunks(map, block_rows(len) * outputs, |range, map| {
        let single = cx.single();
        let range = range.start / outputs..range.end / outputs;
        for group in 0..conv.groups {
            let first = group * group_outputs;
            let weight = MatRef::with_strides(&weight[first..], len, group_outputs, outputs, 1);
            let epilogue = epilogue.columns(first, group_outputs);
            with_patches(cx, conv.patches(image, group), range.clone(), |patches| {
                let (rows, map) = (range.len(), &mut map[first..]);
                let map = MatMut::with_strides(map, rows, group_outputs, outputs, 1);
                gemm_fused(&single, 1.0, patches, weight, 0.0, map, epilogue);
            });
        }
    });
}

/// From maps to images.
pub(super) fn input_gradient(conv: &Conv, mut io: Operands<'_>) {
    let Operands { cx, epilogue, .. } = io;
    let weights = weight_by_phases(conv, io.weight, std::mem::take(&mut io.scratch));
    let lens = [conv.map_len(), conv.image_len()];
    io.by_samples(images_of_task(conv), lens, |map, image| {
        let mut rest = weights;
        for phase in phases(conv) {
            let taps = phase.0.axis.taps * phase.1.axis.taps;
            let weights;
            (weights, rest) = rest.split_at(taps * conv.weight_len() / conv.taps());
            phase_of_images(cx, conv, phase, map, weights, image, epilogue);
        }
    });
}

/// The pixels of one phase in some images. `weights`: by groups, (taps map channels, image
/// channels).
fn phase_of_images(
    cx: &Context,
    conv: &Conv,
    phase: (Phase, Phase),
    map: &[f32],
    weights: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let single = cx.single();
    let (inputs, outputs) = conv.group_channels();
    let batch = map.len() / (conv.positions() * conv.map_channels);
    let (rows, columns) = (phase.0.axis, phase.1.axis);
    let pixels = batch * rows.positions * columns.positions;
    for group in 0..conv.groups {
        let patches = Patches {
            data: map,
            rows,
            columns,
            pixel: conv.map_channels,
            first: group * outputs,
            channels: outputs,
        };
        let len = patches.len();
        let weights = MatRef::new(&weights[group * len * inputs..][..len * inputs], len, inputs);
        let epilogue = epilogue.columns(group * inputs, inputs);
        let block = block_rows(len.max(inputs));
        for start in (0..pixels).step_by(block) {
            let count = block.min(pixels - start);
            let mut values = memory::borrow(&PRODUCTS, count * inputs);
            with_patches(cx, patches, start..start + count, |patches| {
                let values = MatMut::new(&mut values, count, inputs);
                gemm_fused(&single, 1.0, patches, weights, 0.0, values, epilogue);
            });
            let channels = group * inputs..(group + 1) * inputs;
            spread(cx.isa(), conv, phase, start, &values, channels, image);
        }
    }
}

kernel! {
    /// Puts the pixels of a phase, from number `start` on, where they belong in the images.
    /// `values`: (pixels, some channels).
    fn spread(
        s, conv: &Conv, phase: (Phase, Phase), start: usize, values: &[f32], channels: Range<usize>,
        image: &mut [f32],
    ) {
        let (down, across) = phase;
        let (len, pixel) = (channels.len(), conv.image_channels);
        let (rows, columns) = (down.axis.positions, across.axis.positions);
        let end = start + values.len() / len;
        let mut at = start;
        // The pixels of one row of an image.
        while at < end {
            let (n, i, j) = (at / (rows * columns), at / columns % rows, at % columns);
            let count = (columns - j).min(end - at);
            let (i, j) = (down.first + i * down.stride, across.first + j * across.stride);
            let out =
                &mut image[((n * conv.image.0 + i) * conv.image.1 + j) * pixel + channels.start..];
            let lines = Lines { step: len, len, count };
            copy_lines(s, lines, &values[(at - start) * len..], across.stride * pixel, out);
            at += count;
        }
    }
}

/// The gradient of the weight.
pub(super) fn weight_gradient(conv: &Conv, sums: WeightSums<'_>) {
    let WeightSums { cx, image, dmap, .. } = sums;
    let rows = dmap.len() / conv.map_channels;
    let parts = partial_sums::parts(rows);
    // The rows of a large window, which are rows of the weight, are summed up apart from each
    // other: so a task gathers more patches at a time, and writes its sums less often.
    let narrow = conv.weight_len() / conv.map_channels <= WIDE;
    let slices = if parts == partial_sums::MAX_PARTS && narrow { 1 } else { conv.window.kernel.0 };
    let taps = conv.window.kernel.0 / slices;
    sums.sum_parts(parts, slices, |part, slice, sums, accumulate| {
        let range = part * rows / parts..(part + 1) * rows / parts;
        let window_rows = slice * taps..(slice + 1) * taps;
        sum_up(cx, conv, image, dmap, window_rows, range, sums, accumulate);
    });
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
            let dmap = &dmap[start * outputs + columns..];
            let dmap = MatRef::with_strides(dmap, rows, group_outputs, outputs, 1);
            with_patches(cx, patches, start..start + rows, |gathered| {
                let (len, sums) = (patches.len(), &mut sums[columns..]);
                let sums = MatMut::with_strides(sums, len, group_outputs, outputs, 1);
                gemm(&single, 1.0, gathered.transposed(), dmap, beta, sums);
            });
            beta = 1.0;
        }
    }
}
