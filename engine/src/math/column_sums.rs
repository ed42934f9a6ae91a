//! Sums down the columns of a row-major matrix, by blocks of rows that depend on its size alone.

use crate::Context;
use crate::hardware::simd::{Kernel, Simd};

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
        cx.isa().run(Add { x: other, y: total });
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
        let x = &dy[rows.start * columns..rows.end * columns];
        cx.isa().run(ColumnSums { x, out });
    });
    if !accumulate {
        db.fill(0.0);
    }
    cx.isa().run(Add { x: sums, y: db });
}

/// `y += x`
pub struct Add<'a> {
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let y = self.y;
        s.for_each(
            self.x,
            #[inline(always)]
            |i, x| s.store_at(s.add(s.load_at(y, i), x), y, i),
        );
    }
}

/// Column sums of `x`: (rows, columns) into `out`, overwritten.
pub struct ColumnSums<'a> {
    pub x: &'a [f32],
    pub out: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let ColumnSums { x, out } = self;
        let columns = out.len();
        let mut j = 0;
        while j < columns {
            let mut sum = s.splat(0.0);
            for row in x.chunks_exact(columns) {
                sum = s.add(sum, s.load_at(row, j));
            }
            s.store_at(sum, out, j);
            j += S::LANES;
        }
    }
}
