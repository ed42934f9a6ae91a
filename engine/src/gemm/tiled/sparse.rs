//! Products of an A that is mostly zeros, which are skipped: `C = relu(A B + beta C + bias)`.
//!
//! ```text
//! compress A                                its non-zero elements, row after row (`compress.rs`)
//! for pc in 0..k by KC                      as in the dense product
//!     for jc in 0..n by 8 vectors           columns of B and C
//!         pack B[pc.., jc..]                KC x 8 vectors: stays in the level-2 cache
//!         for ic in 0..m by GROUP           rows of A and C
//!             for p in pc.. by DEPTH        DEPTH x 8 vectors of B: about a level-1 cache
//!                 for i in ic..             sums[i] += A[i, p] B[p, jc..] where A[i, p] is not 0
//!             C[ic.., jc..] += sums         (`sums.rs`)
//! ```
//!
//! 1. A row of sums is in registers while its elements run past: 8 accumulators cover the latency
//!    of a multiplication, and 8 multiplications share the loads of one element and of its column.
//! 2. The order of the sums is the dense product's: over each block of k by ascending p, from 0 on,
//!    and then block after block. A zero adds nothing to a sum of finite numbers, so the result has
//!    the same bits, and the choice between the two products, which is made by looking at A, shows
//!    in no result. Two exceptions: where B holds an infinity or a NaN, 0 times it is a NaN in the
//!    dense product only; and a sum of products all of which are too small for an f32 may be -0.0
//!    here and 0.0 there.
//! 3. So columns of A that are 0 throughout (67 of MNIST's 784 pixels) cost nothing, either, and
//!    need no treatment of their own. An optimiser may not skip their weights: moments and weight
//!    decay move them on.
//! 4. All columns of C run past the elements of a block of k, which so stay in the level-2 cache:
//!    those of 128 rows of 1,200, half of them zeros, would fill one of 512 KB.
//!
//! Slower variants: panels of 4 or 2 vectors (10 to 35 % slower) and of 16 (10 to 40 %); blocks of
//! B as deep as those of k (10 % at a fifth of non-zero elements, 40 % at two fifths); packing
//! block by block (a quarter of a layer's forward pass, since blocks do not end at whole vectors).
mod compress;
#[allow(unsafe_code)]
mod sums;
#[cfg(test)]
mod tests;

use super::pack::{lies_far, pack_b};
use super::tile::Tile;
use crate::gemm::depth::{KC, even_blocks, k_blocks};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{Blocks, MatMut, MatRef};
use crate::gemm::nonzeros::sampled_density;
use crate::hardware::memory::{self, FLOATS_PER_LINE, Slab};
use crate::hardware::parallel::Context;
use crate::hardware::simd::{MAX_LANES, Simd, kernel};
use compress::Nonzeros;
use std::cell::Cell;
use sums::Rows;

/// Vectors of C in registers.
const VECTORS: usize = 8;

/// Rows of B in a block.
const DEPTH: usize = 96;

/// Rows of C whose sums wait for the next block.
const GROUP: usize = 256;

/// Rows of C from the one that is written to the one whose lines are fetched: too few columns of
/// each are written at a time for the processor to see where this leads.
const AHEAD: usize = 8;

thread_local! {
    /// The packed block of B and the sums of a group, and before that rows of A. It only grows.
    static MEMORY: Cell<Slab> = Cell::default();
}

/// The floats that a task needs for a packed block of B and for sums.
fn memory_len(k: usize, lanes: usize) -> [usize; 2] {
    [k.min(KC) * VECTORS * lanes, GROUP * VECTORS * lanes]
}

/// Allocates what this thread will need if a later A of that many columns has more zeros.
pub fn reserve(cx: &Context, k: usize) {
    let product: usize = memory_len(k, cx.isa().lanes()).iter().sum();
    memory::borrow(&MEMORY, product.max(compress::memory_len(k)));
}

/// The blocks of a block of k: `(start, length)`, of about equal length.
fn parts((pc, kc): (usize, usize)) -> impl Iterator<Item = (usize, usize)> + Clone {
    even_blocks(pc, kc, DEPTH)
}

/// The length of the scratch that a product with `a: (m, k)` needs.
pub fn scratch_len(m: usize, k: usize) -> usize {
    // The parts of `count` blocks, at most: unlike their number it never falls as k grows.
    let count = k_blocks(k).count();
    compress::scratch_len(m, k, (k + (DEPTH - 1) * count) / DEPTH)
}

/// True if [`product`] can take these and may be faster, by their size and layout alone.
pub fn suits(a: MatRef, b: MatRef, c: &MatMut, finish: Finish) -> bool {
    let (m, n, k) = (a.rows(), b.cols(), a.cols());
    let by_rows = c.col_stride() == 1;
    let by_columns = c.row_stride() == 1 && finish.epilogue.is_empty();
    let large = m >= LEAST && k >= LEAST && n >= LEAST;
    // Elements are numbered by 32 bits.
    let numbered = scratch_len(m, k) <= u32::MAX as usize;
    (by_rows || by_columns) && (a.col_stride() == 1 || a.row_stride() == 1) && large && numbered
}

/// True if A has so many zeros that [`product`] is faster, by a look at some of its rows.
pub fn is_sparse<T: Tile>(cx: &Context, a: MatRef) -> bool {
    sampled_density(cx.isa(), a) < T::SPARSE
}

/// Rows, columns and depth of a product below which packing and compressing eat up what is gained.
const LEAST: usize = 32;

/// `c = finish(a b)`, for `a: (m, k)` and `c: (m, n)` of which rows or columns are contiguous. If
/// it is the columns of C, there is no epilogue. Alpha does not count.
pub fn product(
    cx: &Context,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
    scratch: &mut [f32],
) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    assert!(
        c.col_stride() == 1 || c.row_stride() == 1 && finish.epilogue.is_empty(),
        "an epilogue for columns"
    );
    if m == 0 || n == 0 {
        return;
    }
    let nonzeros = Nonzeros::of(cx, a, k_blocks(k).flat_map(parts), scratch);
    // By columns if they suffice: rows of tasks pack the same B. How many there are shows in no
    // bit.
    let work = m.saturating_mul(n).saturating_mul(k).max(1);
    let count = if cx.threads() == 1 || work < 1 << 22 { 1 } else { 4 * cx.threads() };
    let width = VECTORS * cx.isa().lanes();
    let across = n.div_ceil(width).min(count);
    let down = (count / across).clamp(1, m.div_ceil(4 * LEAST));
    let blocks = Blocks::new(c.block(0, m, 0, n), down, across, width);
    cx.for_each_part(blocks.count(), blocks, |_, (i, j, c)| {
        let b = b.block(0, k, j, c.cols());
        multiply(cx.isa(), nonzeros, i, b, c, finish.from(i, j));
    });
}

kernel! {
    /// One block of C: (m, n), for all of k, b: (k, n). Its first row belongs to row `first` of A.
    fn multiply(
        s, nonzeros: Nonzeros<'_>, first: usize, b: MatRef<'_>, c: MatMut<'_>, finish: Finish<'_>,
    ) {
        let mut c = c;
        let (m, n, k) = (c.rows(), c.cols(), b.rows());
        let [packed_len, sums_len] = memory_len(k, S::LANES);
        let mut memory = memory::borrow(&MEMORY, packed_len + sums_len);
        let (packed, sums) = memory.split_at_mut(packed_len);
        // Some columns at a time, between which sums run: all of B counts.
        let far = lies_far(b);
        let mut first_part = 0;
        for (pc, kc) in k_blocks(k) {
            let finish = finish.of_block(pc == 0, pc + kc == k);
            for j in (0..n).step_by(VECTORS * S::LANES) {
                let w = (VECTORS * S::LANES).min(n - j);
                let width = w.next_multiple_of(S::LANES);
                pack_b(s, b.block(pc, kc, j, w), width, far, packed);
                for i in (0..m).step_by(GROUP) {
                    let group = GROUP.min(m - i);
                    for (part, (p, depth)) in parts((pc, kc)).enumerate() {
                        let b = &packed[(p - pc) * width..][..depth * width];
                        let (part, from_zero) = (first_part + part, part == 0);
                        let first = first + i;
                        Rows { nonzeros, first, group, part, b, width, from_zero, sums }.add_up(s);
                    }
                    let (mut c, finish) = (c.block(i, group, j, w), finish.from(i, j));
                    if c.col_stride() == 1 {
                        write_rows(s, sums, width, &mut c, finish);
                    } else {
                        write_columns(s, sums, width, &mut c, finish.beta);
                    }
                }
            }
            first_part += parts((pc, kc)).count();
        }
    }
}

/// Asks for the lines of row `i` of C, if there is one.
#[inline(always)]
fn prefetch_row<S: Simd>(simd: S, c: &mut MatMut, i: usize) {
    if i < c.rows() {
        let n = c.cols();
        let row = c.row(i, 0, n).as_ptr();
        for j in (0..n).step_by(FLOATS_PER_LINE) {
            simd.prefetch(row.wrapping_add(j));
        }
    }
}

/// `c = finish(sums)`, for `sums: (m, width)` and a C whose rows are contiguous.
#[inline(always)]
fn write_rows<S: Simd>(simd: S, sums: &[f32], width: usize, c: &mut MatMut, finish: Finish) {
    let (n, beta) = (c.cols(), simd.splat(finish.beta));
    let bias = finish.epilogue.bias.map(|bias| &bias[..n]);
    for i in 0..c.rows() {
        prefetch_row(simd, c, i + AHEAD);
        let (sums, out) = (&sums[i * width..][..width], c.row(i, 0, n));
        for j in (0..n).step_by(S::LANES) {
            let mut x = simd.load(&sums[j..]);
            if finish.beta != 0.0 {
                x = simd.mul_add(beta, simd.load_at(out, j), x);
            }
            if let Some(bias) = bias {
                x = simd.add(x, simd.load_at(bias, j));
            }
            x = finish.epilogue.rectifier.apply(simd, x);
            simd.store_at(x, out, j);
        }
    }
}

/// `c = sums + beta c`, for `sums: (m, width)` and a C whose columns are contiguous.
#[inline(always)]
fn write_columns<S: Simd>(simd: S, sums: &[f32], width: usize, c: &mut MatMut, beta: f32) {
    let (m, n, factor) = (c.rows(), c.cols(), simd.splat(beta));
    let mut c = c.block(0, m, 0, n).transposed();
    let mut block = [0.0; MAX_LANES * MAX_LANES];
    for j in (0..n).step_by(S::LANES) {
        for i in (0..m).step_by(S::LANES) {
            // A row of the next block, for each block of this one.
            if i / S::LANES < S::LANES {
                prefetch_row(simd, &mut c, j + S::LANES + i / S::LANES);
            }
            simd.transpose(&sums[i * width + j..], width, &mut block, S::LANES);
            for r in 0..S::LANES.min(n - j) {
                let out = c.row(j + r, i, S::LANES.min(m - i));
                let mut x = simd.load(&block[r * S::LANES..]);
                if beta != 0.0 {
                    x = simd.mul_add(factor, simd.load_at(out, 0), x);
                }
                simd.store_at(x, out, 0);
            }
        }
    }
}
