//! The gradient of a weight, summed over parts of the batch.
//!
//! The positions are cut into parts by their number alone, each of which has sums of its own; these
//! are added in order.

use super::geometry::Conv;
use crate::Context;
use crate::hardware::parallel::Chunks;
use crate::math::column_sums::add;

/// The positions that are summed up by one task, at least: their gradient is written once, and read
/// once.
const MIN_PART: usize = 1024;
/// The parts that the positions are cut into, at most.
pub(super) const MAX_PARTS: usize = 8;

/// The parts of so many positions.
pub(super) fn parts(positions: usize) -> usize {
    (positions / MIN_PART).clamp(1, MAX_PARTS)
}

/// The scratch values of a gradient over at most so many images.
pub(super) fn scratch_len(conv: &Conv, batch: usize) -> usize {
    match parts(batch.saturating_mul(conv.positions())) {
        1 => 0,
        parts => parts * conv.weight_len(),
    }
}

/// The operands of a weight's gradient, for a batch.
pub(crate) struct WeightSums<'a> {
    pub cx: &'a Context,
    pub image: &'a [f32],
    pub dmap: &'a [f32],
    pub grad: &'a mut [f32],
    /// True to add to the gradient that is there, false to replace it.
    pub accumulate: bool,
    /// [`Convolution::scratch_len`](super::Convolution::scratch_len) values of any content.
    pub scratch: &'a mut [f32],
}

impl WeightSums<'_> {
    /// Calls `sum(part, slice, sums, accumulate)` for each part, and each of the slices that the
    /// weight is cut into: `sums` of the slice are to be overwritten, or added to.
    pub(super) fn sum_parts(
        self,
        parts: usize,
        slices: usize,
        sum: impl Fn(usize, usize, &mut [f32], bool) + Sync,
    ) {
        let WeightSums { cx, grad, accumulate, scratch, .. } = self;
        let len = grad.len();
        let partial = if parts == 1 { &mut *grad } else { &mut scratch[..parts * len] };
        let into_sums = accumulate && parts == 1;
        cx.for_each_part(parts * slices, Chunks::new(partial, len / slices), |i, sums| {
            sum(i / slices, i % slices, sums, into_sums);
        });
        if parts > 1 {
            if !accumulate {
                grad.fill(0.0);
            }
            for partial in scratch[..parts * len].chunks_exact(len) {
                add(cx.isa(), grad, partial);
            }
        }
    }

    /// Calls `sum(image, dmap, sums, accumulate)` for the images of each part.
    pub(super) fn sum_images(
        self,
        conv: &Conv,
        sum: impl Fn(&[f32], &[f32], &mut [f32], bool) + Sync,
    ) {
        let (image, dmap) = (self.image, self.dmap);
        let (image_len, map_len) = (conv.image_len(), conv.map_len());
        let batch = image.len() / image_len;
        // An empty part would leave its sums unwritten.
        let parts = parts(batch * conv.positions()).min(batch);
        self.sum_parts(parts, 1, |part, _, sums, accumulate| {
            let (start, end) = (part * batch / parts, (part + 1) * batch / parts);
            let image = &image[start * image_len..end * image_len];
            sum(image, &dmap[start * map_len..end * map_len], sums, accumulate);
        });
    }
}
