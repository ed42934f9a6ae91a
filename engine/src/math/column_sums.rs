//! Sums down the columns of a row-major matrix, by blocks of rows that depend on its size alone.

use crate::Context;
use crate::hardware::simd::{Simd, elementwise, kernel};

/// The rows of a block, at least.
const MIN_BLOCK: usize = 32;
/// The blocks of a matrix, at most: what the partial sums may take.
const MAX_BLOCKS: usize = 64;

/// The number of rows that one task sums.
pub fn block_rows(rows: usize) -> usize {
    rows.div_ceil(MAX_BLOCKS).max(MIN_BLOCK)
}

/// The scratch values that `sums` partial sums for each of `columns` need, for up to that many
/// rows.
pub fn scratch_len(rows: usize, columns: usize, sums: usize) -> usize {
    // Not the number of blocks: with more rows the blocks grow, and there can be fewer of them.
    rows.div_ceil(MIN_BLOCK).min(MAX_BLOCKS) * columns * sums
}

/// Calls `sum(rows, partial)` for each block of rows, `partial` being `sums x columns` values to be
/// overwritten, and adds the blocks up in their order. The totals are at the start of `scratch`.
pub fn sum_blocks<'s>(
    cx: &Context,
    rows: usize,
    columns: usize,
    sums: usize,
    scratch: &'s mut [f32],
    sum: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> &'s mut [f32] {
    let block = block_rows(rows);
    let len = columns * sums;
    let blocks = rows.div_ceil(block);
    let scratch = &mut scratch[..blocks * len];
    cx.chunks(scratch, len, |range, partial| {
        let first = range.start / len * block;
        sum(first..rows.min(first + block), partial);
    });
    add_blocks(cx, scratch, len)
}

/// Adds up the blocks of `len` sums in `scratch`, in their order; the totals are at its start.
pub fn add_blocks<'s>(cx: &Context, scratch: &'s mut [f32], len: usize) -> &'s mut [f32] {
    let (total, others) = scratch.split_at_mut(len);
    for other in others.chunks(len) {
        add(cx.isa(), total, other);
    }
    total
}

/// The gradient of a bias: db (columns) = or += the column sums of dy (rows, columns). `scratch`:
/// [`scratch_len`] for one sum.
pub fn bias_gradient(
    cx: &Context,
    dy: &[f32],
    db: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    let columns = db.len();
    let sums = sum_blocks(cx, dy.len() / columns, columns, 1, scratch, |rows, out| {
        column_sums(cx.isa(), &dy[rows.start * columns..rows.end * columns], out);
    });
    if !accumulate {
        db.fill(0.0);
    }
    add(cx.isa(), db, sums);
}

elementwise! {
    /// `y += x`
    pub fn add(s, y, [x]) { s.add(y, x) }
}

kernel! {
    fn column_sums(s, x: &[f32], out: &mut [f32]) { sum_columns(s, x, out) }
}

/// Column sums of `x`: (rows, columns) into `out`, overwritten.
#[inline(always)]
pub fn sum_columns<S: Simd>(s: S, x: &[f32], out: &mut [f32]) {
    let columns = out.len();
    for j in (0..columns).step_by(S::LANES) {
        let mut sum = s.splat(0.0);
        for row in x.chunks_exact(columns) {
            sum = s.add(sum, s.load_at(row, j));
        }
        s.store_at(sum, out, j);
    }
}
