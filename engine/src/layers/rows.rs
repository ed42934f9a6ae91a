//! Work on the samples of a batch one by one, dealt out to threads.

use crate::Context;
use crate::hardware::parallel::{MAX_SUMS, TASK_LEN};

/// Calls `f(row, its values)` for each row of `out`: (batch, n).
pub(super) fn for_each_row(
    cx: &Context,
    out: &mut [f32],
    n: usize,
    f: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = (TASK_LEN / n).max(1);
    cx.chunks(out, rows * n, |range, out| {
        for (row, out) in (range.start / n..).zip(out.chunks_exact_mut(n)) {
            f(row, out);
        }
    });
}

/// The sum of `f` over the rows of x: (batch, n). Any number of threads gives the same bits.
pub(super) fn sum_rows(cx: &Context, x: &[f32], n: usize, f: impl Fn(&[f32]) -> f64 + Sync) -> f64 {
    let batch = x.len() / n;
    let rows = (TASK_LEN / n).max(batch.div_ceil(MAX_SUMS)).max(1);
    cx.sum_parts(batch.div_ceil(rows), (), |task, ()| {
        x[task * rows * n..batch.min((task + 1) * rows) * n].chunks_exact(n).map(&f).sum()
    })
}
