//! The passes of batch norm over a batch, dealt out to threads. The ladder network calls them, too.

use super::kernels::{BackwardInput, BackwardSums, Columns, Moments, Normalise, is_far, sweep};
use crate::Context;
use crate::hardware::parallel::TASK_LEN;
use crate::math::column_sums;

/// The values of a task: whole rows.
fn task_len(channels: usize) -> usize {
    (TASK_LEN / channels).max(1) * channels
}

/// The scratch values for so many rows of that many channels.
pub(crate) fn scratch_len(rows: usize, channels: usize) -> usize {
    column_sums::scratch_len(rows, channels, 2)
}

/// The mean, the biased variance and `1 / sqrt(var + eps)` of the columns of x: (rows, channels),
/// into `saved`: (3, channels).
pub(crate) fn batch_statistics(
    cx: &Context,
    eps: f32,
    x: &[f32],
    saved: &mut [f32],
    scratch: &mut [f32],
) {
    let c = saved.len() / 3;
    let (mean, rest) = saved.split_at_mut(c);
    let (var, inv_std) = rest.split_at_mut(c);
    let rows = x.len() / c;
    let sums = column_sums::sum_blocks(cx, rows, c, 2, scratch, |rows, out| {
        let (sum, squares) = out.split_at_mut(c);
        let (far, part) = (is_far(x.len()), &x[rows.start * c..rows.end * c]);
        sweep(cx.isa(), Moments { x: part, shift: &x[..c], sum, squares }, far, false);
    });
    let n = rows as f32;
    for j in 0..c {
        let shifted_mean = sums[j] / n;
        mean[j] = x[j] + shifted_mean;
        // Rounding can leave a tiny negative number where all values are alike. NaN must stay.
        let biased = sums[c + j] / n - shifted_mean * shifted_mean;
        var[j] = if biased < 0.0 { 0.0 } else { biased };
    }
    inverse_deviations(eps, var, inv_std);
}

/// `1 / sqrt(var + eps)`
pub(crate) fn inverse_deviations(eps: f32, var: &[f32], inv_std: &mut [f32]) {
    for (inv_std, var) in inv_std.iter_mut().zip(var) {
        *inv_std = 1.0 / (var + eps).sqrt();
    }
}

/// y = gamma (x - mean) inv_std + beta, or the ReLU of it; both (rows, channels).
pub(crate) fn normalise(cx: &Context, relu: bool, columns: Columns<'_>, x: &[f32], y: &mut [f32]) {
    let far = is_far(x.len());
    cx.chunks(y, task_len(columns.mean.len()), |range, y| {
        sweep(cx.isa(), Normalise { x: &x[range], y, columns }, far, relu);
    });
}

/// dbeta and dgamma, (2, channels), at the start of `scratch`.
pub(crate) fn parameter_gradients<'s>(
    cx: &Context,
    relu: bool,
    columns: Columns<'_>,
    x: &[f32],
    dy: &[f32],
    scratch: &'s mut [f32],
) -> &'s mut [f32] {
    let (c, far) = (columns.mean.len(), is_far(x.len()));
    column_sums::sum_blocks(cx, x.len() / c, c, 2, scratch, |rows, out| {
        let (dbeta, dgamma) = out.split_at_mut(c);
        let part = rows.start * c..rows.end * c;
        let (x, dy) = (&x[part.clone()], &dy[part]);
        sweep(cx.isa(), BackwardSums { x, dy, columns, dbeta, dgamma }, far, relu);
    })
}

/// dx: (rows, channels). The statistics are those of the batch if there are `sums`, what
/// [`parameter_gradients`] gives, which become means; else they are constants.
pub(crate) fn input_gradient(
    cx: &Context,
    relu: bool,
    columns: Columns<'_>,
    sums: Option<&mut [f32]>,
    (x, dy): (&[f32], &[f32]),
    dx: &mut [f32],
) {
    let (c, far) = (columns.mean.len(), is_far(x.len()));
    let rows = (x.len() / c) as f32;
    let means = sums.map(|sums| {
        sums.iter_mut().for_each(|sum| *sum /= rows);
        let (dbeta, dgamma) = sums.split_at(c);
        (dbeta, dgamma)
    });
    cx.chunks(dx, task_len(c), |range, dx| {
        let (x, dy) = (&x[range.clone()], &dy[range]);
        sweep(cx.isa(), BackwardInput { x, dy, dx, columns, means }, far, relu);
    });
}
