//! Rows of A times B, each row by itself and without its zeros: the kernel for a single row, which
//! is bound by reading B, and for rows that are mostly zeros.
//!
//! ```text
//! for each element of the row that is not 0     its value, and where its row of B begins
//!     sums[..8 vectors] += value B[row, 8 vectors]
//! ```
//!
//! On AVX2 that takes 1 load of the place, 1 broadcast, 8 multiply-adds that load B themselves, and
//! a quarter of the loop's 3: 10.75 instructions for 8 multiply-adds, and 10 loads, of which a core
//! does 2 or 3 a cycle. Half precision takes 8 conversions more, bytes 16. A single row asks for
//! its weights a few elements ahead, at 1 instruction a cache line and 1 for the place.
//!
//! The order of the sums is that of the dense products, block of k by block of k: a zero adds
//! nothing to a sum, so that for a finite B the way shows in no bit.

use super::depth::{even_blocks, k_blocks};
use super::nonzeros::compress_row;
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::{Isa, Kernel, MAX_LANES, Simd, kernel};

/// Vectors of sums in registers, at most: enough to hide the latency of a multiply-add.
pub(crate) const VECTORS: usize = 8;

/// The elements of a row of B that lie side by side, where there are as many.
pub(crate) const RUN: usize = 64;

/// Elements of a row from the one that is multiplied to the one whose weights are asked for.
const AHEAD: usize = 8;

/// The type in which an element of B is stored.
pub(crate) trait Weight: bytemuck::Pod {
    /// The next vector.
    fn load<S: Simd>(s: S, x: &[Self]) -> S::F;
}

impl Weight for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, x: &[f32]) -> S::F {
        s.load(x)
    }
}

/// Half precision.
impl Weight for u16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, x: &[u16]) -> S::F {
        s.load_f16(x)
    }
}

impl Weight for i8 {
    #[inline(always)]
    fn load<S: Simd>(s: S, x: &[i8]) -> S::F {
        s.load_i8(x)
    }
}

/// Where some columns of a block of B lie: runs of 64 elements, or one run that is shorter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The first element of the first row.
    pub start: usize,
    /// From a run to the next.
    pub run: usize,
    /// From a row to the next.
    pub row: usize,
}

/// The blocks that a row is cut into: those of k, and those in parts of at most `depth`.
fn parts(k: usize, depth: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    k_blocks(k).flat_map(move |(start, len)| even_blocks(start, len, depth))
}

/// The elements of some rows that are not 0, by blocks of k.
pub(crate) struct Nonzeros<'a> {
    /// The first column of each block, and the end of the last: (blocks + 1).
    bounds: &'a [u32],
    /// Where each block of a row begins among all elements, and where its last one ends: (rows,
    /// blocks + 1).
    starts: &'a [u32],
    /// The column of each element, counted from the first one of its block.
    columns: &'a [u32],
    values: &'a [f32],
    /// The columns times `stride`, and `AHEAD` numbers more.
    offsets: &'a mut [u32],
    stride: usize,
}

impl<'a> Nonzeros<'a> {
    /// The length of the scratch for `x: (rows, k)` and no more blocks than for that depth.
    pub fn scratch_len(rows: usize, k: usize, depth: usize) -> usize {
        (rows + 1) * (parts(k, depth).count() + 1) + 3 * (rows * k + MAX_LANES)
    }

    /// Those of `x: (rows, k)`, or all elements if zeros count as well. Both 0.0 and -0.0 are left
    /// out, NaNs are not.
    pub fn of(
        isa: Isa,
        x: &[f32],
        k: usize,
        depth: usize,
        with_zeros: bool,
        scratch: &'a mut [f32],
    ) -> Nonzeros<'a> {
        let (rows, blocks) = (x.len() / k, parts(k, depth).count());
        let room = rows * k + MAX_LANES;
        assert!(u32::try_from(room).is_ok(), "{rows} rows of {k} values are too many at once");
        let (bounds, rest) = scratch.split_at_mut(blocks + 1);
        let (starts, rest) = rest.split_at_mut(rows * (blocks + 1));
        let (columns, rest) = rest.split_at_mut(room);
        let (offsets, rest) = rest.split_at_mut(room);
        let values = &mut rest[..room];
        let bounds: &mut [u32] = bytemuck::cast_slice_mut(bounds);
        let starts: &mut [u32] = bytemuck::cast_slice_mut(starts);
        let columns: &mut [u32] = bytemuck::cast_slice_mut(columns);
        let offsets: &mut [u32] = bytemuck::cast_slice_mut(offsets);
        bounds[0] = 0;
        for (bound, (start, len)) in bounds[1..].iter_mut().zip(parts(k, depth)) {
            *bound = (start + len) as u32;
        }
        let bounds = &*bounds;
        let count = if with_zeros {
            take_all(x, bounds, starts, columns, values)
        } else {
            compress(isa, x, bounds, starts, columns, values)
        };
        let (columns, values) = (&columns[..count], &values[..count]);
        // Of any content behind the last element: what is prefetched there matters to nobody.
        let offsets = &mut offsets[..count + AHEAD];
        Nonzeros { bounds, starts, columns, values, offsets, stride: 0 }
    }

    /// The length of a block.
    #[inline(always)]
    pub fn block_len(&self, block: usize) -> usize {
        (self.bounds[block + 1] - self.bounds[block]) as usize
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() / self.bounds.len()
    }

    /// For a B whose rows are so far from each other.
    #[inline(always)]
    pub fn set_stride(&mut self, stride: usize) {
        if self.stride != stride {
            // A block is far shorter than 2^32, and rows lie no further apart than B is wide.
            let stride_32 = u32::try_from(stride).expect("rows of B too long for 32 bits");
            for (offset, column) in self.offsets.iter_mut().zip(self.columns) {
                *offset = column.wrapping_mul(stride_32);
            }
            self.stride = stride;
        }
    }
}

kernel! {
    /// Writes what is not 0, and returns how much.
    fn compress(
        s, x: &[f32], bounds: &[u32], starts: &mut [u32], columns: &mut [u32], values: &mut [f32],
    ) -> usize {
        let (k, mut count) = (bounds[bounds.len() - 1] as usize, 0);
        for (x, starts) in x.chunks_exact(k).zip(starts.chunks_exact_mut(bounds.len())) {
            for block in 0..bounds.len() - 1 {
                starts[block] = count as u32;
                let x = &x[bounds[block] as usize..bounds[block + 1] as usize];
                count += compress_row(s, x, &mut values[count..], &mut columns[count..]);
            }
            starts[bounds.len() - 1] = count as u32;
        }
        count
    }
}

/// The same for all elements.
fn take_all(
    x: &[f32],
    bounds: &[u32],
    starts: &mut [u32],
    columns: &mut [u32],
    values: &mut [f32],
) -> usize {
    let k = bounds[bounds.len() - 1] as usize;
    for (row, starts) in starts.chunks_exact_mut(bounds.len()).enumerate() {
        for (start, bound) in starts.iter_mut().zip(bounds) {
            *start = (row * k) as u32 + bound;
        }
        for ends in bounds.windows(2) {
            let columns = &mut columns[row * k..][ends[0] as usize..ends[1] as usize];
            columns.iter_mut().zip(0..).for_each(|(column, p)| *column = p);
        }
    }
    values[..x.len()].copy_from_slice(x);
    x.len()
}

/// One block of all rows, times some columns of B.
pub(crate) struct Block<'a, W> {
    pub nonzeros: &'a Nonzeros<'a>,
    pub block: usize,
    /// B, of which the block's first row is at `place.start`.
    pub b: &'a [W],
    pub place: Place,
    /// The vectors of B: 8, 4, 2 or 1.
    pub vectors: usize,
    /// True if the sums are to begin here.
    pub from_zero: bool,
    /// True if B is far away and read but once.
    pub prefetch: bool,
    /// (rows, vectors)
    pub sums: &'a mut [f32],
}

impl<W: Weight> Block<'_, W> {
    /// Adds to the sums.
    #[inline(always)]
    pub fn add_up<S: Simd>(self, simd: S) {
        match (self.vectors, S::LANES, self.prefetch) {
            (VECTORS, 16, false) => columns::<S, W, 2, 4, false>(simd, self),
            (VECTORS, 16, true) => columns::<S, W, 2, 4, true>(simd, self),
            (VECTORS, _, false) => columns::<S, W, 1, 8, false>(simd, self),
            (VECTORS, _, true) => columns::<S, W, 1, 8, true>(simd, self),
            (4, _, false) => columns::<S, W, 1, 4, false>(simd, self),
            (4, _, true) => columns::<S, W, 1, 4, true>(simd, self),
            (2, _, _) => columns::<S, W, 1, 2, false>(simd, self),
            (1, _, _) => columns::<S, W, 1, 1, false>(simd, self),
            (vectors, _, _) => unreachable!("{vectors} vectors of columns"),
        }
    }
}

/// One function per width: together they would be one that the compiler can no longer keep in
/// registers.
#[inline(never)]
fn columns<S: Simd, W: Weight, const RUNS: usize, const LEN: usize, const PREFETCH: bool>(
    simd: S,
    block: Block<W>,
) {
    simd.vectorize(Columns::<W, RUNS, LEN, PREFETCH>(block));
}

/// Columns whose number is known at compile time.
struct Columns<'a, W, const RUNS: usize, const LEN: usize, const PREFETCH: bool>(Block<'a, W>);

/// Elements that are multiplied in one step of the loop.
const UNROLLED: usize = 4;

impl<W: Weight, const RUNS: usize, const LEN: usize, const PREFETCH: bool> Kernel
    for Columns<'_, W, RUNS, LEN, PREFETCH>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Block { nonzeros, block, b, place, vectors, from_zero, sums, .. } = self.0;
        let Nonzeros { bounds, starts, values, ref offsets, stride, .. } = *nonzeros;
        let depth = nonzeros.block_len(block);
        let width = RUNS * LEN * S::LANES;
        assert!(vectors == RUNS * LEN && place.row == stride && depth > 0);
        let last = (RUNS - 1) * place.run + (depth - 1) * stride + LEN * S::LANES;
        assert!(last <= b.len() - place.start, "columns outside B");
        let runs: [*const W; RUNS] =
            std::array::from_fn(|r| b[place.start + r * place.run..].as_ptr());
        let (offsets, values) = (offsets.as_ptr(), values.as_ptr());
        let rows = starts.chunks_exact(bounds.len());
        for (starts, out) in rows.zip(sums.chunks_exact_mut(width)) {
            let (mut t, end) = (starts[block] as usize, starts[block + 1] as usize);
            let mut sums = [[simd.splat(0.0); LEN]; RUNS];
            if !from_zero {
                for r in 0..RUNS {
                    for v in 0..LEN {
                        sums[r][v] = simd.load(&out[(r * LEN + v) * S::LANES..]);
                    }
                }
            }
            while t + UNROLLED <= end {
                for t in t..t + UNROLLED {
                    // SAFETY: `Nonzeros` alone sets the starts, which count elements that there
                    // are; behind them are `AHEAD` offsets more. It also sets the offsets: the
                    // stride times a column below the depth. The last row's vectors lie within B,
                    // as asserted. A prefetch never faults.
                    unsafe {
                        if PREFETCH {
                            prefetch(simd, runs, LEN * S::LANES, *offsets.add(t + AHEAD));
                        }
                        step(simd, &mut sums, runs, *offsets.add(t), *values.add(t));
                    }
                }
                t += UNROLLED;
            }
            while t < end {
                // SAFETY: as above.
                unsafe { step(simd, &mut sums, runs, *offsets.add(t), *values.add(t)) };
                t += 1;
            }
            for r in 0..RUNS {
                for v in 0..LEN {
                    simd.store(sums[r][v], &mut out[(r * LEN + v) * S::LANES..]);
                }
            }
        }
    }
}

/// Asks for the cache lines of one element.
#[inline(always)]
fn prefetch<S: Simd, W, const RUNS: usize>(
    simd: S,
    runs: [*const W; RUNS],
    len: usize,
    offset: u32,
) {
    for run in runs {
        let start = run.wrapping_add(offset as usize).cast::<f32>();
        for at in (0..len * size_of::<W>() / size_of::<f32>()).step_by(FLOATS_PER_LINE) {
            simd.prefetch(start.wrapping_add(at));
        }
    }
}

/// Adds the products of one element.
///
/// # Safety
/// Each run holds `LEN` vectors from `offset` on.
#[inline(always)]
unsafe fn step<S: Simd, W: Weight, const RUNS: usize, const LEN: usize>(
    simd: S,
    sums: &mut [[S::F; LEN]; RUNS],
    runs: [*const W; RUNS],
    offset: u32,
    value: f32,
) {
    let value = simd.splat(value);
    for (sums, run) in sums.iter_mut().zip(runs) {
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's.
            let b = unsafe {
                std::slice::from_raw_parts(run.add(offset as usize + v * S::LANES), S::LANES)
            };
            *sum = simd.mul_add(value, W::load(simd, b), *sum);
        }
    }
}
