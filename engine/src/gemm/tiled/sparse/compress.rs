//! The elements of a matrix that are not zero.

use super::MEMORY;
use crate::gemm::MatRef;
use crate::gemm::nonzeros::compress_row;
use crate::hardware::memory::{self, FLOATS_PER_LINE};
use crate::hardware::parallel::{Chunks, Context};
use crate::hardware::simd::{MAX_LANES, Simd, kernel};

/// Rows of A in a task.
const ROWS: usize = 16;

/// Whole vectors are written behind the last non-zero element.
const OVERRUN: usize = MAX_LANES;

/// The elements of A that are not 0, row after row, and in a row by the blocks of k that the loops
/// around them take.
#[derive(Clone, Copy)]
pub struct Nonzeros<'a> {
    rows: usize,
    /// Where each block begins, and where the last one ends: (blocks + 1).
    bounds: &'a [u32],
    /// Where the elements of a block of a row begin among all, and where those of its last block
    /// end: (rows, blocks + 1).
    starts: &'a [u32],
    /// The column of each element, counted from the beginning of its block, whose depth it is
    /// below: unsafe code relies on it.
    columns: &'a [u32],
    values: &'a [f32],
}

/// The length that [`Nonzeros::of`] needs for `a: (m, k)` in so many blocks.
pub fn scratch_len(m: usize, k: usize, blocks: usize) -> usize {
    blocks + 1 + m.div_ceil(ROWS) * (ROWS * (blocks + 1) + 2 * capacity(k))
}

/// Room for the elements of a task, should none be 0.
fn capacity(k: usize) -> usize {
    ROWS * k + OVERRUN
}

/// The floats of this thread's memory that compressing a row of tasks takes, if A lies by columns.
pub fn memory_len(k: usize) -> usize {
    ROWS * transposed_stride(k)
}

/// The floats between transposed rows: a cache line more than whole vectors, so that the rows fall
/// into different sets of a cache.
fn transposed_stride(k: usize) -> usize {
    k.next_multiple_of(MAX_LANES) + FLOATS_PER_LINE
}

impl<'a> Nonzeros<'a> {
    /// Compresses `a: (m, k)`, whose rows or columns are contiguous, by blocks `(start, length)` of
    /// k, into `scratch`. Columns of 0.0 and -0.0 are left out, NaNs are not.
    pub fn of(
        cx: &Context,
        a: MatRef,
        blocks: impl Iterator<Item = (usize, usize)> + Clone,
        scratch: &'a mut [f32],
    ) -> Nonzeros<'a> {
        let (m, k, stride) = (a.rows(), a.cols(), blocks.clone().count() + 1);
        let (tasks, capacity) = (m.div_ceil(ROWS), capacity(k));
        assert!(
            u32::try_from(tasks * capacity).is_ok(),
            "a matrix of {m} x {k} has too many elements"
        );
        let (bounds, rest) = scratch.split_at_mut(stride);
        let (starts, rest) = rest.split_at_mut(tasks * ROWS * stride);
        let (columns, rest) = rest.split_at_mut(tasks * capacity);
        let values = &mut rest[..tasks * capacity];
        let bounds: &mut [u32] = bytemuck::cast_slice_mut(bounds);
        let starts: &mut [u32] = bytemuck::cast_slice_mut(starts);
        let columns: &mut [u32] = bytemuck::cast_slice_mut(columns);
        bounds[0] = 0;
        for (bound, (start, len)) in bounds[1..].iter_mut().zip(blocks) {
            *bound = (start + len) as u32;
        }
        let bounds = &*bounds;
        let parts = (
            Chunks::new(&mut *starts, ROWS * stride),
            Chunks::new(&mut *columns, capacity),
            Chunks::new(&mut *values, capacity),
        );
        cx.for_each_part(tasks, parts, |task, (starts, columns, values)| {
            let a = a.block(task * ROWS, ROWS.min(m - task * ROWS), 0, k);
            let base = task * capacity;
            compress(cx.isa(), a, bounds, base, starts, columns, values);
        });
        Nonzeros { rows: m, bounds, starts, columns, values }
    }

    /// The depth of block `block`, which the columns of its elements are below.
    pub fn depth(&self, block: usize) -> usize {
        (self.bounds[block + 1] - self.bounds[block]) as usize
    }

    /// The columns and values of row `i` in block `block`, as many of one as of the other, if there
    /// is such a row.
    #[inline(always)]
    pub fn row(&self, i: usize, block: usize) -> Option<(&'a [u32], &'a [f32])> {
        if i >= self.rows {
            return None;
        }
        let starts = &self.starts[i * self.bounds.len() + block..][..2];
        let range = starts[0] as usize..starts[1] as usize;
        Some((&self.columns[range.clone()], &self.values[range]))
    }
}

kernel! {
    /// Compresses the rows of a task, a: (up to ROWS, k), whose first element has number `base`.
    fn compress(
        s, a: MatRef<'_>, bounds: &[u32], base: usize, starts: &mut [u32], columns: &mut [u32],
        values: &mut [f32],
    ) {
        let (rows, k) = (a.rows(), a.cols());
        let mut transposed;
        let (data, stride) = if a.col_stride() == 1 {
            (a.data(), a.row_stride())
        } else {
            let stride = transposed_stride(k);
            transposed = memory::borrow(&MEMORY, memory_len(k));
            transpose(s, a, &mut transposed, stride);
            (&transposed[..], stride)
        };
        let mut count = 0;
        for i in 0..rows {
            let row = &data[i * stride..][..k];
            let starts = &mut starts[i * bounds.len()..][..bounds.len()];
            for block in 0..bounds.len() - 1 {
                starts[block] = (base + count) as u32;
                let row = &row[bounds[block] as usize..bounds[block + 1] as usize];
                count += compress_row(s, row, &mut values[count..], &mut columns[count..]);
            }
            starts[bounds.len() - 1] = (base + count) as u32;
        }
    }
}

/// Copies `a`, whose columns are contiguous, to rows of `out`, `stride` apart.
#[inline(always)]
fn transpose<S: Simd>(simd: S, a: MatRef, out: &mut [f32], stride: usize) {
    assert!(a.row_stride() == 1, "neither rows nor columns are contiguous");
    let mut edge = [0.0; MAX_LANES * MAX_LANES];
    let (rows, k) = (a.rows(), a.cols());
    for p in (0..k).step_by(S::LANES) {
        for i in (0..rows).step_by(S::LANES) {
            let (height, width) = (S::LANES.min(k - p), S::LANES.min(rows - i));
            let block = &a.data()[p * a.col_stride() + i..];
            let out = &mut out[i * stride + p..];
            if height == S::LANES && width == S::LANES {
                simd.transpose(block, a.col_stride(), out, stride);
            } else {
                for r in 0..height {
                    edge[r * S::LANES..][..width]
                        .copy_from_slice(&block[r * a.col_stride()..][..width]);
                }
                simd.transpose(&edge, S::LANES, out, stride);
            }
        }
    }
}
