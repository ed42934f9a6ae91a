//! The loops around the micro-kernel, and how they are dealt out to tasks.

use super::kernel::{Ahead, Bias, Finish, LINE, PanelsB, Strips, Tile};
use super::matrix::{Blocks, MatMut, MatRef, part};
use super::operand::OperandB;
use super::pack::{OVERRUN, pack_a_columns, pack_a_rows, packed_strip};
use crate::hardware::caches;
use crate::hardware::memory::Slab;
use crate::hardware::parallel::Context;
use crate::hardware::simd::{Kernel, Simd};
use std::cell::Cell;

/// Rows of B in a block, at most. A micro-panel of A, 14 x 512 floats or 28 KB, fits into a level-1
/// cache of 32 KB, if barely; twice as long blocks read and write C half as often as those of 256
/// rows. The sums depend on it.
pub(super) const KC: usize = 512;

/// The columns of B in a block of `k` rows: a block takes half of a level-2 cache, through which
/// the micro-panels of A and C pass as well.
fn block_columns(k: usize, nr: usize) -> usize {
    (caches::level2() / (2 * size_of::<f32>() * k.max(1)) / nr).max(1) * nr
}

/// Strips of A in a block, where A is packed by columns: 8 x 14 x 512 floats or 224 KB, a quarter
/// of a level-2 cache of 1 MB.
pub(super) const MC: usize = 8;

/// Floats between the rows of a packed micro-panel of A: a cache line more than a block is long, so
/// that the rows fall into different sets of the level-1 cache.
const A_STRIDE: usize = KC + 16;

thread_local! {
    /// The packed micro-panel of A and the packed block of B of this thread. They only grow, up to
    /// 224 KB and half a level-2 cache, so that what was run before allocates nothing.
    static PACKED_A: Cell<Slab> = Cell::default();
    static PACKED_B: Cell<Slab> = Cell::default();
}

/// `c = finish(a b)`, for non-empty C.
pub(super) fn product<S: Tile>(
    simd: S,
    cx: &Context,
    a: MatRef,
    b: MatRef,
    c: MatMut,
    finish: Finish,
) {
    if better_transposed(a, b, &c) {
        let bias = finish.bias.map(Bias::transposed);
        let (a, b) = (b.transposed(), OperandB::Matrix(a.transposed()));
        run(simd, cx, a, b, c.transposed(), Finish { bias, ..finish });
    } else {
        run(simd, cx, a, OperandB::Matrix(b), c, finish);
    }
}

/// Whether to compute `C' = B' A'` instead. Tiles are written by rows, which should be contiguous.
/// But if A and B both lie along k, one of them has to be transposed while packing, and that is B:
/// it pays to write C the slow way if B is much the larger (with a batch of 32; with 128 it no
/// longer is).
fn better_transposed(a: MatRef, b: MatRef, c: &MatMut) -> bool {
    let across = c.row_stride() == 1 && c.col_stride() != 1;
    let both_along_k = a.col_stride() == 1 && b.row_stride() == 1 && b.col_stride() != 1;
    if both_along_k && a.cols() >= 64 {
        let (small, large) = if across { (c.cols(), c.rows()) } else { (c.rows(), c.cols()) };
        return across != (8 * small <= large);
    }
    across
}

/// `c = finish(a b)`, for non-empty C, as it stands.
pub(super) fn run<S: Tile>(
    simd: S,
    cx: &Context,
    a: MatRef,
    b: OperandB,
    c: MatMut,
    finish: Finish,
) {
    let (down, across) = tasks::<S>(a, b, cx.threads());
    let blocks = Blocks::new(c, down, across, S::NR);
    cx.for_each_part(blocks.count(), blocks, |_, block| {
        let (i, j, c) = block.into_first();
        let (a, b) = (a.block(i, c.rows(), 0, a.cols()), b.columns(j, c.cols()));
        simd.vectorize(Task { simd, a, b, c, finish: finish.from(i, j) });
    });
}

/// The tasks that C is dealt out to, vertically and horizontally. The products of an element are
/// summed in the same order whatever the task, so that no bit depends on it.
fn tasks<S: Tile>(a: MatRef, b: OperandB, threads: usize) -> (usize, usize) {
    // Two tasks from 2^20 multiply-adds on, some 20 microseconds: if the other thread needs longer
    // to wake up, this one does both. Larger products have more tasks, but also larger ones, twice
    // as many for eight times the work, and no more than make up for a thread that is held up: each
    // task packs for itself.
    let (m, n, k) = (a.rows(), b.cols(), a.cols());
    let work = m.saturating_mul(n).saturating_mul(k).max(1);
    if threads == 1 || work < 1 << 20 {
        return (1, 1);
    }
    let count = 1 << ((work.ilog2() - 18) / 3).clamp(1, (4 * threads).ilog2());
    let cost = |down: usize| {
        let across = count / down;
        let ragged = m < 2 * S::MR * down || n < 2 * S::NR * across;
        // Rows of blocks read the same columns of B, and columns of blocks the same rows of A. What
        // is read where it is costs less than what each of them packs.
        let a_cost = if LayoutA::of::<S>(a, n).in_place() { 1 } else { 4 };
        let b_cost = if b.ready::<S>(m.div_ceil(down)) { 1 } else { 4 };
        let (b_cost, a_cost) =
            ((b_cost * down).saturating_mul(n), (a_cost * across).saturating_mul(m));
        (ragged, b_cost.saturating_add(a_cost).saturating_mul(k))
    };
    let downs = (0..=count.ilog2()).map(|power| 1 << power);
    let down = downs.min_by_key(|&down| cost(down)).unwrap_or(1);
    (down.min(m.div_ceil(S::MR)), (count / down).min(n.div_ceil(S::NR)))
}

/// Whether rows at this distance fall into the same few sets of a cache, which repeat every 4096
/// bytes in a level-1 cache and at a multiple of that in others.
pub(super) fn collide(stride: usize) -> bool {
    const PERIOD: usize = 1024;
    let shift = stride % PERIOD;
    stride >= 32 && shift.min(PERIOD - shift) < 32
}

/// How the micro-kernel reads A.
#[derive(Clone, Copy, PartialEq)]
enum LayoutA {
    /// By rows, where they are.
    Rows,
    /// By rows, packed strip by strip.
    PackedRows,
    /// By columns, where they are.
    Columns,
    /// By columns, packed block by block.
    PackedColumns,
}

impl LayoutA {
    /// A is read where it is, unless the lines that a strip takes fall into the same few sets of a
    /// cache, and those are too many for it: 7 rows for a level-1 cache, 64 columns for a level-2
    /// cache. Or if a strip takes less than half of each line of a column: AVX2's of 6 rows would
    /// read a line three times. Columns that are read a few times need not be packed for that.
    fn of<S: Tile>(a: MatRef, n: usize) -> LayoutA {
        match (a.col_stride(), a.row_stride()) {
            (1, stride) if !collide(stride) || a.rows() <= S::MR / 2 => LayoutA::Rows,
            (1, _) => LayoutA::PackedRows,
            (stride, 1) if !collide(stride) && 2 * S::MR >= LINE || a.cols() <= 64 || n <= 64 => {
                LayoutA::Columns
            }
            (_, 1) => LayoutA::PackedColumns,
            _ => LayoutA::PackedRows,
        }
    }

    /// Whether it is read where it is.
    fn in_place(self) -> bool {
        matches!(self, LayoutA::Rows | LayoutA::Columns)
    }

    /// How many strips to multiply at once, of those that there are.
    fn strips_at_once(self, strips: usize) -> usize {
        match self {
            LayoutA::Rows | LayoutA::Columns => strips,
            LayoutA::PackedRows => 1,
            LayoutA::PackedColumns => MC,
        }
    }
}

/// The blocks of k: `(start, length)`, of about equal length.
pub(super) fn k_blocks(k: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let count = k.div_ceil(KC).max(1);
    (0..count).map(move |i| (part(i, k, count), part(i + 1, k, count) - part(i, k, count)))
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
        let b_ready = b.ready::<T>(m);
        let longest = k_blocks(k).map(|(_, len)| len).max().unwrap_or(0);
        let nc =
            n.div_ceil(n.div_ceil(block_columns(longest, T::NR)).max(1)).next_multiple_of(T::NR);
        // Taken out while in use. Not lent to a closure, which would be compiled without the ISA.
        let (mut packed_a, mut packed_b) = (PACKED_A.take(), PACKED_B.take());
        packed_a.ensure((MC * T::MR * k.min(KC) + (MC + 1) * OVERRUN).max(T::MR * A_STRIDE));
        packed_b.ensure(k.min(KC) * nc.max(T::NR));
        // Loop jc
        for jc in (0..n).step_by(nc.max(1)) {
            let nc = nc.min(n - jc);
            // Loop pc
            for (pc, kc) in k_blocks(k) {
                let last = pc + kc == k;
                let finish = Finish {
                    alpha: finish.alpha,
                    beta: if pc == 0 { finish.beta } else { 1.0 },
                    bias: finish.bias.filter(|_| last),
                    relu: finish.relu && last,
                };
                let b = b.panels(simd, b_ready, [pc, kc], [jc, nc], &mut packed_b);
                for (height, i, rows) in strips(m, T::MR) {
                    // Loop ic
                    let mc = height * layout.strips_at_once(rows.max(1));
                    for ic in (i..i + rows).step_by(mc.max(1)) {
                        let rows = mc.min(i + rows - ic);
                        let a = a.block(ic, rows, pc, kc);
                        let c = c.block(ic, rows, jc, nc);
                        multiply_strips(
                            simd,
                            a,
                            layout,
                            height,
                            &mut packed_a,
                            b,
                            c,
                            finish.from(ic, jc),
                        );
                    }
                }
            }
        }
        PACKED_A.set(packed_a);
        PACKED_B.set(packed_b);
    }
}

/// The strips of `m` rows: as few as can be, of two heights that differ by 1. For each of them the
/// height, the first row, and the rows of all such strips.
fn strips(m: usize, tallest: usize) -> [(usize, usize, usize); 2] {
    let count = m.div_ceil(tallest).max(1);
    let (low, taller) = (m / count, m % count);
    let rows = taller * (low + 1);
    [(low + 1, 0, rows), (low, rows, m - rows)]
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
    // The next strip, a line of each of its rows in turn.
    let next_rows = Ahead { start: start.wrapping_add(strip), step: row_stride, line: LINE, strip };
    let strips = Strips {
        a: a.data(),
        row_stride,
        col_stride,
        strip_stride: strip,
        height,
        b,
        c,
        finish,
        ahead: next_rows,
    };
    simd.strips(match layout {
        LayoutA::Rows => strips,
        LayoutA::PackedRows => {
            pack_a_rows(simd, a, A_STRIDE, packed_a);
            Strips { a: packed_a, row_stride: A_STRIDE, col_stride: 1, ..strips }
        }
        LayoutA::Columns => {
            // Some columns on: they lie too far apart for the processor to see where this leads.
            let start = start.wrapping_add(col_stride.wrapping_mul(8));
            let line = col_stride.wrapping_mul(LINE);
            Strips { ahead: Ahead { start, step: col_stride, line, strip }, ..strips }
        }
        LayoutA::PackedColumns => {
            pack_a_columns(simd, a, height, packed_a);
            let strip = packed_strip(height, k);
            let start = packed_a.as_ptr().wrapping_add(strip);
            let ahead = Ahead { start, step: LINE, line: LINE * LINE, strip };
            Strips {
                a: packed_a,
                row_stride: 1,
                col_stride: height,
                strip_stride: strip,
                ahead,
                ..strips
            }
        }
    });
}
