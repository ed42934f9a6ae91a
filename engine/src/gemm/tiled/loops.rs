//! The loops jc, pc and ic, and how they are dealt out to tasks.

use super::blocks::{A_STRIDE, LayoutA, LayoutB, MC, block_columns, even_strips};
use super::kernel::{PanelsB, Strips};
use super::pack::{OVERRUN, lies_far, pack_a_columns, pack_a_rows, pack_b, packed_strip};
use super::packed::Panels;
use super::sums::Prefetch;
use super::tile::Tile;
use crate::gemm::depth::{KC, k_blocks};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{Blocks, MatMut, MatRef};
use crate::hardware::memory::{self, FLOATS_PER_LINE, Slab};
use crate::hardware::parallel::Context;
use crate::hardware::simd::{Kernel, Simd};
use std::cell::Cell;

thread_local! {
    /// The packed micro-panel of A and the packed block of B of this thread. They only grow, up to
    /// 224 KB and half a level-2 cache, so that what was run before allocates nothing.
    static PACKED_A: Cell<Slab> = Cell::default();
    static PACKED_B: Cell<Slab> = Cell::default();
}

/// `c = finish(a b)`, for a C and a k that are not empty.
pub fn product<T: Tile>(simd: T, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish) {
    if better_transposed(a, b, &c) {
        let finish = Finish { transposed: !finish.transposed, ..finish };
        run(simd, cx, b.transposed(), OperandB::Matrix(a.transposed()), c.transposed(), finish);
    } else {
        run(simd, cx, a, OperandB::Matrix(b), c, finish);
    }
}

/// The same for a B that is packed.
pub fn packed_product<T: Tile>(
    simd: T,
    cx: &Context,
    a: MatRef,
    b: Panels,
    c: MatMut,
    finish: Finish,
) {
    run(simd, cx, a, OperandB::Packed(b), c, finish);
}

/// B, or columns of it.
#[derive(Clone, Copy)]
enum OperandB<'a> {
    /// Read where it is, or packed block by block.
    Matrix(MatRef<'a>),
    /// Packed beforehand.
    Packed(Panels<'a>),
}

impl<'a> OperandB<'a> {
    /// `n` columns from `j` on, a multiple of the tile's width.
    fn columns(self, j: usize, n: usize) -> OperandB<'a> {
        match self {
            OperandB::Matrix(b) => OperandB::Matrix(b.block(0, b.rows(), j, n)),
            OperandB::Packed(panels) => OperandB::Packed(panels.from(j)),
        }
    }

    /// The way in which a task of `m` rows reads it.
    fn layout<T: Tile>(self, m: usize) -> LayoutB {
        match self {
            OperandB::Matrix(b) => LayoutB::of::<T>(b, m),
            OperandB::Packed(_) => LayoutB::InPlace,
        }
    }
}

/// True if `C' = B' A'` is to be computed instead. Tiles are written by rows, which should
/// be contiguous. But if A and B both lie along k, one of them has to be transposed while packing,
/// and that is B: it pays to write C the slow way, number by number, if B is much the larger (with
/// a batch of 32; with 128 it no longer is), and its columns are not short. With 128 rows of 64
/// inputs for 1568 outputs, writing took two thirds as many instructions as multiplying. 6 to 32
/// rows of 64 inputs for 256 outputs took 1.1 to 1.7 times as long.
fn better_transposed(a: MatRef, b: MatRef, c: &MatMut) -> bool {
    let across = c.row_stride() == 1 && c.col_stride() != 1;
    let both_along_k = a.col_stride() == 1 && b.row_stride() == 1 && b.col_stride() != 1;
    if both_along_k && a.cols() > 64 {
        let (small, large) = if across { (c.cols(), c.rows()) } else { (c.rows(), c.cols()) };
        return across != (8 * small <= large && 4 * small <= a.cols());
    }
    across
}

/// The same as it stands.
fn run<T: Tile>(simd: T, cx: &Context, a: MatRef, b: OperandB, c: MatMut, finish: Finish) {
    let (down, across) = tasks::<T>(a, b, c.cols(), cx.threads());
    if down * across == 1 {
        // A tenth of the time of 32 x 10 x 32.
        return simd.vectorize(Task { simd, a, b, c, finish });
    }
    let blocks = Blocks::new(c, down, across, T::NR);
    cx.for_each_part(blocks.count(), blocks, |_, (i, j, c)| {
        let (a, b) = (a.block(i, c.rows(), 0, a.cols()), b.columns(j, c.cols()));
        simd.vectorize(Task { simd, a, b, c, finish: finish.from(i, j) });
    });
}

/// The tasks that C is dealt out to, vertically and horizontally. The products of an element are
/// summed in the same order whatever the task, so that no bit depends on it.
fn tasks<T: Tile>(a: MatRef, b: OperandB, n: usize, threads: usize) -> (usize, usize) {
    // Two tasks from 2^20 multiply-adds on, some 20 microseconds: if the other thread needs longer
    // to wake up, this one does both. Larger products have more tasks, but also larger ones, twice
    // as many for eight times the work, and no more than make up for a thread that is held up: each
    // task packs for itself.
    let (m, k) = (a.rows(), a.cols());
    let work = m.saturating_mul(n).saturating_mul(k).max(1);
    if threads == 1 || work < 1 << 20 {
        return (1, 1);
    }
    let count = 1 << ((work.ilog2() - 18) / 3).clamp(1, (4 * threads).ilog2());
    let cost = |down: usize| {
        let across = count / down;
        let ragged = m < 2 * T::MR * down || n < 2 * T::NR * across;
        // Rows of blocks read the same columns of B, and columns of blocks the same rows of A. What
        // is read where it is costs less than what each of them packs.
        let a_cost = if LayoutA::of::<T>(a, n).in_place() { 1 } else { 4 };
        let b_cost = if b.layout::<T>(m.div_ceil(down)) == LayoutB::InPlace { 1 } else { 4 };
        let (b_cost, a_cost) =
            ((b_cost * down).saturating_mul(n), (a_cost * across).saturating_mul(m));
        (ragged, b_cost.saturating_add(a_cost).saturating_mul(k))
    };
    let downs = (0..=count.ilog2()).map(|power| 1 << power);
    let down = downs.min_by_key(|&down| cost(down)).unwrap_or(1);
    (down.min(m.div_ceil(T::MR)), (count / down).min(n.div_ceil(T::NR)))
}

/// One block of C, for all of k.
struct Task<'a, T> {
    simd: T,
    /// `(m, k)`
    a: MatRef<'a>,
    /// `(k, n)`
    b: OperandB<'a>,
    /// `(m, n)`
    c: MatMut<'a>,
    finish: Finish<'a>,
}

impl<T: Tile> Kernel for Task<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Task { simd, a, b, mut c, finish } = self;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        let layout = LayoutA::of::<T>(a, n);
        let layout_b = b.layout::<T>(m);
        let longest = k_blocks(k).map(|(_, len)| len).max().unwrap_or(0);
        let nc = block_columns(n, longest, T::NR, layout_b.shares());
        // Not lent to a closure, which would be compiled without the ISA.
        let a_len = (MC * T::MR * k.min(KC) + (MC + 1) * OVERRUN).max(T::MR * A_STRIDE);
        let mut packed_a =
            if layout.in_place() { None } else { Some(memory::borrow(&PACKED_A, a_len)) };
        let mut packed_b = match layout_b {
            LayoutB::InPlace => None,
            _ => Some(memory::borrow(&PACKED_B, longest * nc)),
        };
        // Loop jc
        // Not `step_by`, here and below: it divides, which in small products shows.
        let mut jc = 0;
        while jc < n {
            let (next, nc) = (jc + nc, nc.min(n - jc));
            // Loop pc
            for (pc, kc) in k_blocks(k) {
                let last = pc + kc == k;
                let finish = finish.of_block(pc == 0, last);
                let b = match b {
                    OperandB::Matrix(all) => {
                        let b = all.block(pc, kc, jc, nc);
                        let out = packed_b.as_deref_mut().unwrap_or_default();
                        match layout_b {
                            LayoutB::InPlace => PanelsB::InPlace(b),
                            LayoutB::Packed => {
                                pack_b(simd, b, T::NR, lies_far(b), out);
                                PanelsB::Packed(out, None)
                            }
                            LayoutB::PackedAhead => {
                                pack_b(simd, b, T::NR, false, out);
                                let (p, j) = if last { (0, next) } else { (pc + kc, jc) };
                                let ahead = all.block(p, k - p, j.min(n), n - j.min(n));
                                PanelsB::Packed(out, (j < n).then_some(ahead))
                            }
                        }
                    }
                    OperandB::Packed(panels) => panels.block(pc, kc, jc),
                };
                for (height, i, rows) in even_strips(m, T::MR) {
                    // Loop ic
                    let mc = height * layout.strips_at_once(rows.max(1));
                    let (mut ic, end) = (i, i + rows);
                    while ic < end {
                        let rows = mc.min(end - ic);
                        let a = a.block(ic, rows, pc, kc);
                        let c = c.block(ic, rows, jc, nc);
                        multiply_strips(
                            simd,
                            a,
                            layout,
                            height,
                            packed_a.as_deref_mut().unwrap_or_default(),
                            b,
                            c,
                            finish.from(ic, jc),
                        );
                        ic += rows;
                    }
                }
            }
            jc += nc;
        }
    }
}

/// Loops ir and jr, and the micro-kernel: `c = finish(a b)` for blocks `a: (m, k)`, `b: (k, n)` and
/// `c: (m, n)`. A strip of A stays in the level-1 cache, and B in the level-2 cache.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn multiply_strips<T: Tile>(
    simd: T,
    a: MatRef,
    layout: LayoutA,
    height: usize,
    packed_a: &mut [f32],
    b: PanelsB,
    c: MatMut,
    finish: Finish,
) {
    let (k, start) = (a.cols(), a.data().as_ptr());
    let (row_stride, col_stride) = (a.row_stride(), a.col_stride());
    // Strides that no element needs may be any number.
    let strip = height.wrapping_mul(row_stride);
    let strips = Strips {
        a: a.data(),
        row_stride,
        col_stride,
        strip_stride: strip,
        k,
        b,
        c,
        finish,
        prefetch: Prefetch::rows(start.wrapping_add(strip), row_stride).with_strips(strip),
    };
    let strips = match layout {
        LayoutA::Rows => strips,
        LayoutA::PackedRows => {
            pack_a_rows(simd, a, A_STRIDE, packed_a);
            Strips { a: packed_a, row_stride: A_STRIDE, col_stride: 1, ..strips }
        }
        LayoutA::Columns => {
            // Some columns on: they lie too far apart for the processor to see where this leads.
            let ahead = start.wrapping_add(col_stride.wrapping_mul(8));
            let prefetch = Prefetch::along(ahead, col_stride).with_strips(strip);
            Strips { prefetch, ..strips }
        }
        LayoutA::PackedColumns => {
            pack_a_columns(simd, a, height, packed_a);
            let strip = packed_strip(height, k);
            let next = packed_a.as_ptr().wrapping_add(strip);
            Strips {
                a: packed_a,
                row_stride: 1,
                col_stride: height,
                strip_stride: strip,
                prefetch: Prefetch::along(next, FLOATS_PER_LINE).with_strips(strip),
                ..strips
            }
        }
    };
    simd.at_height(height, strips);
}
