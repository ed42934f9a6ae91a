//! From the image to the map: `map = relu(P W + bias)`.

use super::patches::{Gather, Patches};
use super::{BLOCK, Conv, GATHERED, depthwise, in_place, one_by_one, winograd};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm_fused};
use crate::hardware::parallel::Chunks;

/// Calls `f` with the patches `range` of `patches` as a matrix, gathered into memory of this
/// thread.
pub(super) fn with_patches<R>(
    cx: &Context,
    patches: Patches<'_>,
    range: std::ops::Range<usize>,
    f: impl FnOnce(MatRef<'_>) -> R,
) -> R {
    let (rows, len) = (range.len(), patches.len());
    let stride = row_stride(len);
    let mut gathered = GATHERED.take();
    gathered.ensure(rows * stride);
    cx.isa().run(Gather { patches, range, stride, out: &mut gathered });
    let result = f(MatRef::with_strides(&gathered, rows, len, stride, 1));
    GATHERED.set(gathered);
    result
}

/// The floats from one gathered patch to the next: whole cache lines, an odd number of them, so
/// that patches fall into different sets of a cache.
pub(super) fn row_stride(len: usize) -> usize {
    if len < 32 { len } else { len.div_ceil(16) / 2 * 32 + 16 }
}

/// The patches that a task gathers at a time.
pub(super) fn block_rows(len: usize) -> usize {
    (BLOCK / row_stride(len)).max(1)
}

/// The scratch values of [`forward`].
pub(crate) fn forward_scratch(conv: &Conv) -> usize {
    if winograd::pays(conv) { winograd::weights_len(conv) } else { 0 }
}

/// `map = relu(conv(image) + bias)` for a batch: image: (batch, image), weight as [`Conv::params`]
/// has it, map: (batch, map), to be overwritten. `scratch`: [`forward_scratch`] values of any
/// content.
pub(crate) fn forward(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    weight: &[f32],
    map: &mut [f32],
    epilogue: Epilogue<'_>,
    scratch: &mut [f32],
) {
    if one_by_one::pays(conv) {
        return one_by_one::forward(cx, conv, image, weight, map, epilogue);
    }
    if depthwise::pays(conv) {
        return depthwise::forward(cx, conv, image, weight, map, epilogue);
    }
    if winograd::pays(conv) {
        return winograd::forward(cx, conv, image, weight, map, epilogue, scratch);
    }
    if in_place::pays(cx, conv) {
        return in_place::forward(cx, conv, image, weight, map, epilogue);
    }
    let batch = image.len() / (conv.pixels() * conv.image_channels);
    let (rows, outputs) = (batch * conv.positions(), conv.map_channels);
    let (_, group_outputs) = conv.group_channels();
    let len = conv.patches(image, 0).len();
    let block = block_rows(len);
    cx.for_each_part(rows.div_ceil(block), Chunks::new(map, block * outputs), |i, map| {
        let single = cx.single();
        let map = map.data;
        let range = i * block..i * block + map.len() / outputs;
        for group in 0..conv.groups {
            let columns = group * group_outputs;
            let weight = MatRef::with_strides(&weight[columns..], len, group_outputs, outputs, 1);
            let epilogue = epilogue.columns(columns, group_outputs);
            with_patches(cx, conv.patches(image, group), range.clone(), |patches| {
                let map = MatMut::with_strides(
                    &mut map[columns..],
                    range.len(),
                    group_outputs,
                    outputs,
                    1,
                );
                gemm_fused(&single, 1.0, patches, weight, 0.0, map, epilogue);
            });
        }
    });
}
