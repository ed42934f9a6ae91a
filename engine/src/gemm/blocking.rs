//! The loops around the micro-kernel.

use super::kernel::{Finish, Strip, Tile};
use super::matrix::{Blocks, MatMut, MatRef};
use super::pack::{pack_a, pack_b};
use crate::memory::Slab;
use crate::parallel::{Context, Split};
use crate::simd::{Kernel, Simd};
use std::cell::Cell;

/// Rows of B in a block: a micro-panel of A, 14 x 400 floats or 22 KB, stays in a level-1 cache of 32 KB
/// while the micro-panels of B run past it.
pub(super) const KC: usize = 400;

/// Columns of B in a block: 400 x 384 floats or 600 KB, which stay in a level-2 cache of 1 MB while the
/// micro-panels of A run past them.
const NC: usize = 384;

/// Rows of C in a task, at least: 8 strips, over which reading the block of B into the level-2 cache is spread.
const MC: usize = 112;

/// The multiply-adds that are worth a task of their own: some 20 microseconds.
const TASK: usize = 1 << 20;

/// Floats between the rows of a packed micro-panel of A. Not a multiple of 4096 bytes by far, so that
/// the 14 rows fall into different sets of the level-1 cache.
const A_STRIDE: usize = KC + 16;

/// Floats of packed B, at most (16 MB), as long as that is room for one micro-panel.
const PACKED: usize = 1 << 22;

thread_local! {
    /// The packed micro-panel of A of this thread, and the packed B of the products started on it.
    /// Both only grow, so that a training step that was run before allocates nothing. They are taken
    /// out while in use: a thread that waits for others may start a second product meanwhile.
    static PACKED_A: Cell<Slab> = Cell::default();
    static PACKED_B: Cell<Slab> = Cell::default();
}

/// Lends the thread's slab, of at least `len` floats, to `f`.
fn with_slab<R>(
    slab: &'static std::thread::LocalKey<Cell<Slab>>,
    len: usize,
    f: impl FnOnce(&mut [f32]) -> R,
) -> R {
    let mut lent = slab.take();
    lent.ensure(len);
    let result = f(&mut lent[..len]);
    slab.set(lent);
    result
}

/// `c = finish(a b)`, for non-empty C.
pub(super) fn product<S: Tile>(simd: S, cx: &Context, a: MatRef, b: MatRef, mut c: MatMut, finish: Finish) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let nc = (PACKED / k.max(1) / S::NR).max(1) * S::NR;
    for jc in (0..n).step_by(nc) {
        let w = nc.min(n - jc);
        let packed_width = w.next_multiple_of(S::LANES);
        let c = c.block(0, m, jc, w);
        let b = b.block(0, k, jc, w);
        with_slab(&PACKED_B, packed_width * k, |packed| {
            pack_all(simd, cx, b, packed_width, packed);
            let packed = &*packed;
            let (rows, cols) = task_shape::<S>(m, w, k);
            let blocks = Blocks::new(c, rows, cols);
            cx.for_each_part(blocks.count(), blocks, |_, block| {
                let (i, j, c) = block.into_first();
                let a = a.block(i, c.rows(), 0, k);
                let finish = finish.from(i, jc + j);
                simd.vectorize(Task { simd, a, b: packed, packed_width, j, c, finish });
            });
        });
    }
}

/// Rows and columns of C that one task computes. By size alone; what is more, each element is summed in
/// the same order whatever the shape, so no bit depends on it.
fn task_shape<S: Tile>(m: usize, n: usize, k: usize) -> (usize, usize) {
    let tasks = (m * n * k / TASK).max(1);
    let down = tasks.min(m.div_ceil(MC));
    let across = (tasks / down).clamp(1, n.div_ceil(4 * S::NR));
    (m.div_ceil(down), n.div_ceil(across).next_multiple_of(S::NR))
}

/// The blocks of k: `(start, length)`, of equal length but for the last ones, which are shorter by one.
fn k_blocks(k: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = k.div_ceil(KC).max(1);
    (0..count).map(move |i| (i * k / count, (i + 1) * k / count - i * k / count))
}

/// The packed B, as the parts that the packing tasks write.
struct Panels<'a> {
    out: &'a mut [f32],
    /// The number of the first panel, counted along the columns first, then along k.
    first: usize,
    k: usize,
    width: usize,
    nr: usize,
}

impl Panels<'_> {
    /// Where the panel of that number is in B, and its width: `(p, j, k, width)`.
    fn place(&self, number: usize) -> (usize, usize, usize, usize) {
        let across = self.width.div_ceil(self.nr);
        let j = number % across * self.nr;
        let (p, k) = k_blocks(self.k).nth(number / across).unwrap_or((self.k, 0));
        (p, j, k, self.nr.min(self.width - j))
    }

    /// Where the panel of that number starts in the packed B.
    fn start(&self, number: usize) -> usize {
        let (p, j, k, _) = self.place(number);
        p * self.width + j * k
    }
}

impl Split for Panels<'_> {
    fn split(self, tasks: usize) -> (Self, Self) {
        let middle = self.first + tasks;
        let at = self.start(middle) - self.start(self.first);
        let (left, right) = self.out.split_at_mut(at);
        (Panels { out: left, ..self }, Panels { out: right, first: middle, ..self })
    }
}

/// Packs B, `(k, n)`, into blocks of k, and these into micro-panels. `width` is n rounded up to vectors.
fn pack_all<S: Tile>(simd: S, cx: &Context, b: MatRef, width: usize, packed: &mut [f32]) {
    let (k, n) = (b.rows(), b.cols());
    let count = k_blocks(k).count() * width.div_ceil(S::NR);
    let panels = Panels { out: packed, first: 0, k, width, nr: S::NR };
    let pack = |_: usize, panels: Panels| {
        let (p, j, k, width) = panels.place(panels.first);
        let b = b.block(p, k, j, width.min(n - j));
        simd.vectorize(PackB { b, width, out: &mut panels.out[..k * width] });
    };
    if k * n < TASK / 16 {
        cx.single().for_each_part(count, panels, pack);
    } else {
        cx.for_each_part(count, panels, pack);
    }
}

struct PackB<'a> {
    b: MatRef<'a>,
    width: usize,
    out: &'a mut [f32],
}

impl Kernel for PackB<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        pack_b(simd, self.b, self.width, self.out);
    }
}

/// One block of C, for all of k.
struct Task<'a, T> {
    simd: T,
    /// `(m, k)`
    a: MatRef<'a>,
    /// Packed, all columns.
    b: &'a [f32],
    packed_width: usize,
    /// The first column of B that is ours.
    j: usize,
    /// `(m, n)`
    c: MatMut<'a>,
    finish: Finish<'a>,
}

impl<T: Tile> Kernel for Task<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Task { simd, a, b, packed_width, j: first, mut c, finish } = self;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        let nc = NC.next_multiple_of(T::NR);
        // Not lent to a closure, which would be compiled without the ISA's instructions.
        let mut packed_a = PACKED_A.take();
        packed_a.ensure(T::MR * A_STRIDE);
        // Loop jc: the block of B is read into the level-2 cache as it is used first.
        for jc in (0..n).step_by(nc) {
            let width = nc.min(n - jc);
            // Loop pc
            for (pc, kc) in k_blocks(k) {
                let finish = Finish {
                    beta: if pc == 0 { finish.beta } else { 1.0 },
                    bias: finish.bias.filter(|_| pc + kc == k),
                    relu: finish.relu && pc + kc == k,
                    ..finish
                };
                let b = &b[pc * packed_width + (first + jc) * kc..];
                // Loop ir: the micro-panel of A stays in the level-1 cache.
                let strips = m.div_ceil(T::MR);
                for strip in 0..strips {
                    let (i, end) = (strip * m / strips, (strip + 1) * m / strips);
                    let a = a.block(i, end - i, pc, kc);
                    let a = pack_a(simd, a, A_STRIDE, &mut packed_a);
                    let c = c.block(i, end - i, jc, width);
                    // Loop jr and the micro-kernel
                    simd.strip(Strip { a, b, c, finish: finish.from(i, jc) });
                }
            }
        }
        PACKED_A.set(packed_a);
    }
}
