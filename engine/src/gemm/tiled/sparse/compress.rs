//! What is left of a matrix of mostly zeros.

use super::MEMORY;
use crate::gemm::MatRef;
use crate::hardware::memory::{self, FLOATS_PER_LINE};
use crate::hardware::parallel::{Chunks, Context};
use crate::hardware::simd::{Kernel, MAX_LANES, Simd};

/// Rows of A in a task.
const ROWS: usize = 16;

/// Whole vectors are written behind the last non-zero element.
const OVERRUN: usize = MAX_LANES;

/// The elements of A that are not 0, row after row, and in a row by the blocks of k that the loops
/// around them take.
#[derive(Clone, Copy)]
pub struct Nonzeros<'a> {
    /// Where each block begins, and where the last one ends: (blocks + 1).
    bounds: &'a [u32],
    /// Where the elements of a block of a row begin among all, and where those of its last block
    /// end: (rows, blocks + 1).
    starts: &'a [u32],
    /// The column of each element, counted from the beginning of its block.
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
            cx.isa().run(Compress { a, bounds, base, starts, columns, values });
        });
        Nonzeros { bounds, starts, columns, values }
    }

    /// The columns and values of row `i` in block `block`.
    #[inline(always)]
    pub fn row(&self, i: usize, block: usize) -> (&'a [u32], &'a [f32]) {
        let starts = &self.starts[i * self.bounds.len() + block..][..2];
        let range = starts[0] as usize..starts[1] as usize;
        (&self.columns[range.clone()], &self.values[range])
    }
}

/// Compresses the rows of a task.
struct Compress<'a> {
    /// `(up to ROWS, k)`
    a: MatRef<'a>,
    bounds: &'a [u32],
    /// The number of the task's first element.
    base: usize,
    starts: &'a mut [u32],
    columns: &'a mut [u32],
    values: &'a mut [f32],
}

impl Kernel for Compress<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Compress { a, bounds, base, starts, columns, values } = self;
        let (rows, k) = (a.rows(), a.cols());
        let mut transposed;
        let (data, stride) = if a.col_stride() == 1 {
            (a.data(), a.row_stride())
        } else {
            // A cache line more than whole vectors, so that rows fall into different sets of a
            // cache.
            let stride = k.next_multiple_of(MAX_LANES) + FLOATS_PER_LINE;
            transposed = memory::borrow(&MEMORY, ROWS * stride);
            transpose(simd, a, &mut transposed, stride);
            (&transposed[..], stride)
        };
        let mut count = 0;
        for i in 0..rows {
            let row = &data[i * stride..][..k];
            let starts = &mut starts[i * bounds.len()..][..bounds.len()];
            for block in 0..bounds.len() - 1 {
                starts[block] = (base + count) as u32;
                let row = &row[bounds[block] as usize..bounds[block + 1] as usize];
                let whole = row.len() - row.len() % S::LANES;
                let mut p = 0;
                while p < whole {
                    let v = simd.load(&row[p..]);
                    count +=
                        simd.compress(v, p as u32, &mut values[count..], &mut columns[count..]);
                    p += S::LANES;
                }
                if p < row.len() {
                    let v = simd.load_head(&row[p..]);
                    count +=
                        simd.compress(v, p as u32, &mut values[count..], &mut columns[count..]);
                }
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

/// The share of elements that are not 0 in some rows (or columns, whichever lie contiguous) of A:
/// one of sixteen, but four at least. It takes a hundredth of the time that compressing takes.
pub fn sampled_density(cx: &Context, a: MatRef) -> f32 {
    let a = if a.col_stride() == 1 { a } else { a.transposed() };
    assert!(a.col_stride() == 1, "neither rows nor columns are contiguous");
    let step = (a.rows() / 4).clamp(1, 16);
    let sampled = a.rows().div_ceil(step) * a.cols();
    cx.isa().run(CountNonzeros { a, step }) as f32 / sampled.max(1) as f32
}

/// Counts what is not 0 in every `step`th row, which is contiguous.
struct CountNonzeros<'a> {
    a: MatRef<'a>,
    step: usize,
}

impl Kernel for CountNonzeros<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        let (mut count, k) = (0, self.a.cols());
        for i in (0..self.a.rows()).step_by(self.step) {
            let row = &self.a.data()[i * self.a.row_stride()..][..k];
            // The compiler makes vectors of it.
            let mut in_row = 0u32;
            for &x in row {
                in_row += u32::from(x != 0.0);
            }
            count += in_row as usize;
        }
        count
    }
}
