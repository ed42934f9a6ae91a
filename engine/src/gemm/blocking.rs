//! The loops around the micro-kernel, and how they are dealt out to tasks.

use super::kernel::{Bias, Finish, PanelsB, Strip, Tile};
use super::matrix::{Blocks, MatMut, MatRef, part};
use super::pack::{OVERRUN, pack_a_columns, pack_a_rows, pack_b, strip_start};
use crate::memory::Slab;
use crate::parallel::Context;
use crate::simd::{Kernel, Simd};
use std::cell::Cell;

/// Rows of B in a block. A micro-panel of A, 14 x 256 floats or 14 KB, and the part of B that runs past
/// it share a level-1 cache of 32 KB. Longer blocks write C less often, but up to 400 rows were no faster.
pub(super) const KC: usize = 256;

/// Columns of B in a block: 256 x 512 floats or 512 KB, half of a level-2 cache of 1 MB, through which the
/// micro-panels of A and C pass as well.
pub(super) const NC: usize = 512;

/// Strips of A in a block, where A is packed by columns: 8 x 14 x 256 floats or 112 KB, an eighth of the
/// level-2 cache.
pub(super) const MC: usize = 8;

/// Floats between the rows of a packed micro-panel of A: a cache line more than a block is long, so that
/// the rows fall into different sets of the level-1 cache.
const A_STRIDE: usize = KC + 16;

/// Strips that make up for packing B, if it lies by rows: up to so many, they read it where it is.
const STRIPS: usize = 12;

thread_local! {
    /// The packed micro-panel of A and the packed block of B of this thread. They only grow, up to 116 KB
    /// and 512 KB, so that what was run before allocates nothing.
    static PACKED_A: Cell<Slab> = Cell::default();
    static PACKED_B: Cell<Slab> = Cell::default();
}

/// `c = finish(a b)`, for non-empty C.
pub(super) fn product<S: Tile>(simd: S, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish) {
    if better_transposed(a, b, &c) {
        let bias = finish.bias.map(Bias::transposed);
        run(simd, cx, b.transposed(), a.transposed(), c.transposed(), Finish { bias, ..finish });
    } else {
        run(simd, cx, a, b, c, finish);
    }
}

/// Whether to compute `C' = B' A'` instead. Tiles are written by rows, which should be contiguous. But if
/// A and B both lie along k, one of them has to be transposed while packing, and that is B: it pays to
/// write C the slow way if B is much the larger (with a batch of 32; with 128 it no longer is).
fn better_transposed(a: MatRef, b: MatRef, c: &MatMut) -> bool {
    let across = c.row_stride() == 1 && c.col_stride() != 1;
    let both_along_k = a.col_stride() == 1 && b.row_stride() == 1 && b.col_stride() != 1;
    if both_along_k && a.cols() >= 64 {
        let (small, large) = if across { (c.cols(), c.rows()) } else { (c.rows(), c.cols()) };
        return across != (8 * small <= large);
    }
    across
}

fn run<S: Tile>(simd: S, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish) {
    let (down, across) = tasks::<S>(a, b);
    let blocks = Blocks::new(c, down, across, S::NR);
    cx.for_each_part(blocks.count(), blocks, |_, block| {
        let (i, j, c) = block.into_first();
        let (a, b) = (a.block(i, c.rows(), 0, a.cols()), b.block(0, b.rows(), j, c.cols()));
        simd.vectorize(Task { simd, a, b, c, finish: finish.from(i, j) });
    });
}

/// The tasks that C is dealt out to, vertically and horizontally. By size alone; besides, the products
/// of an element are summed in the same order whatever the task, so that no bit depends on it.
fn tasks<S: Tile>(a: MatRef, b: MatRef) -> (usize, usize) {
    // Two tasks from 2^22 multiply-adds on, some 80 microseconds: a thread needs 5 to 20 to wake up. Larger
    // products have more tasks, but also larger ones, twice as many for eight times the work: each
    // task packs for itself. With 32 tasks a product of 1024 cubed took a fifth longer than with 16.
    let (m, n, k) = (a.rows(), b.cols(), a.cols());
    let work = m.saturating_mul(n).saturating_mul(k).max(1);
    let count = if work < 1 << 22 { 1 } else { 1 << ((work.ilog2() - 18) / 3).clamp(1, 10) };
    let cost = |down: usize| {
        let across = count / down;
        let ragged = m < 2 * S::MR * down || n < 2 * S::NR * across;
        // Rows of blocks read the same columns of B, and columns of blocks the same rows of A. What is read
        // where it is costs less than what each of them packs.
        let a_cost = if LayoutA::of::<S>(a) == LayoutA::InPlace { 1 } else { 4 };
        let b_cost = if reads_b_in_place::<S>(b, m.div_ceil(down)) { 1 } else { 4 };
        let (b_cost, a_cost) = ((b_cost * down).saturating_mul(n), (a_cost * across).saturating_mul(m));
        (ragged, b_cost.saturating_add(a_cost).saturating_mul(k))
    };
    let downs = (0..=count.ilog2()).map(|power| 1 << power);
    let down = downs.min_by_key(|&down| cost(down)).unwrap_or(1);
    (down.min(m.div_ceil(S::MR)), (count / down).min(n.div_ceil(S::NR)))
}

/// Whether rows at this distance fall into the same few sets of a cache, which repeat every 4096 bytes in a
/// level-1 cache and at a multiple of that in others.
fn collide(stride: usize) -> bool {
    const PERIOD: usize = 1024;
    let shift = stride % PERIOD;
    stride >= 32 && shift.min(PERIOD - shift) < 32
}

/// Whether the micro-kernel reads B where it is, for `m` rows of C.
fn reads_b_in_place<S: Tile>(b: MatRef, m: usize) -> bool {
    let strips = m.div_ceil(S::MR);
    // An eighth of a level-2 cache is at hand for any number of strips.
    let small = b.rows().saturating_mul(b.row_stride()) <= 1 << 15;
    b.col_stride() == 1 && (strips <= 3 || !collide(b.row_stride()) && (small || strips <= STRIPS))
}

/// How the micro-kernel reads A.
#[derive(Clone, Copy, PartialEq)]
enum LayoutA {
    /// By rows, where they are.
    InPlace,
    /// By rows, packed strip by strip.
    Rows,
    /// By columns, packed block by block.
    Columns,
}

impl LayoutA {
    /// Rows that are contiguous are read where they are, unless they are so placed that all rows of a strip
    /// fall into the same sets of a level-1 cache, which repeats every 4096 bytes.
    fn of<S: Tile>(a: MatRef) -> LayoutA {
        let apart = !collide(a.row_stride()) || a.rows() <= S::MR / 2;
        match (a.col_stride(), a.row_stride()) {
            (1, _) if apart => LayoutA::InPlace,
            (1, _) => LayoutA::Rows,
            (_, 1) => LayoutA::Columns,
            _ => LayoutA::Rows,
        }
    }
}

/// The blocks of k: `(start, length)`, of about equal length.
fn k_blocks(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = k.div_ceil(KC).max(1);
    (0..count).map(move |i| (part(i, k, count), part(i + 1, k, count) - part(i, k, count)))
}

/// One block of C, for all of k.
struct Task<'a, T> {
    simd: T,
    /// `(m, k)`
    a: MatRef<'a>,
    /// `(k, n)`
    b: MatRef<'a>,
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
        let strips = m.div_ceil(T::MR);
        let layout = LayoutA::of::<T>(a);
        // The ragged last micro-panel of B is packed in any case: vectors would reach beyond it.
        let b_in_place = reads_b_in_place::<T>(b, m);
        let nc = n.div_ceil(n.div_ceil(NC).max(1)).next_multiple_of(T::NR);
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
                let b = b.block(pc, kc, jc, nc);
                let in_place = if b_in_place { nc - nc % T::NR } else { 0 };
                let rest = b.block(0, kc, in_place, nc - in_place);
                pack_b(simd, rest, T::NR, &mut packed_b);
                let b = PanelsB { in_place: b.block(0, kc, 0, in_place), packed: &packed_b };
                // Loop ic
                for ic in (0..strips).step_by(MC) {
                    let count = MC.min(strips - ic);
                    let (i, end) = (part(ic, m, strips), part(ic + count, m, strips));
                    let a = a.block(i, end - i, pc, kc);
                    let c = c.block(i, end - i, jc, nc);
                    strips_of_block(simd, a, layout, count, &mut packed_a, b, c, finish.from(i, jc));
                }
            }
        }
        PACKED_A.set(packed_a);
        PACKED_B.set(packed_b);
    }
}

/// Loops ir and jr, and the micro-kernel: `c = finish(a b)` for blocks `a: (m, k)`, `b: (k, n)` and `c: (m, n)`.
/// The strip of A stays in the level-1 cache, and B in the level-2 cache.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn strips_of_block<T: Tile>(
    simd: T,
    a: MatRef,
    layout: LayoutA,
    strips: usize,
    packed_a: &mut [f32],
    b: PanelsB,
    mut c: MatMut,
    finish: Finish,
) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    if layout == LayoutA::Columns {
        pack_a_columns(simd, a, strips, packed_a);
    }
    for strip in 0..strips {
        let (i, end) = (part(strip, m, strips), part(strip + 1, m, strips));
        let rows = end - i;
        let a = a.block(i, rows, 0, k);
        let a = match layout {
            LayoutA::InPlace => a,
            LayoutA::Rows => {
                pack_a_rows(simd, a, A_STRIDE, packed_a);
                MatRef::with_strides(packed_a, rows, k, A_STRIDE, 1)
            }
            LayoutA::Columns => MatRef::with_strides(&packed_a[strip_start(strip, i, k)..], rows, k, 1, rows),
        };
        simd.strip(Strip { a, b, c: c.block(i, rows, 0, n), finish: finish.from(i, 0) });
    }
}
