//! Products of a matrix whose rows and columns are windows into memory that overlap: the patches of
//! an image that are not copied, because the image has too few channels for that to pay.

use super::Epilogue;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
use super::kernel::{Bias, Finish, Tile, WindowStrips};
use super::matrix::{MatMut, MatRef};
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
use super::pack::pack_b;
use crate::hardware::memory::Slab;
use crate::hardware::parallel::Context;
use crate::hardware::simd::{Isa, Kernel, Simd};
use std::cell::Cell;

#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
thread_local! {
    /// The packed B of this thread. It only grows.
    static PACKED: Cell<Slab> = Cell::default();
}

/// How many there are of something, and how far apart they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub count: usize,
    pub stride: usize,
}

/// A matrix to read whose rows come in lines, and whose columns come in runs. Row `(line, i)` and
/// column `(run, p)` is at `line lines.stride + i rows.stride + run runs.stride + p
/// columns.stride`. One of the strides of rows and columns is 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows<'a> {
    data: &'a [f32],
    lines: Steps,
    rows: Steps,
    runs: Steps,
    columns: Steps,
}

impl<'a> Windows<'a> {
    /// # Panics
    /// If an element lies outside `data`, there is none, or neither rows nor columns are
    /// neighbours.
    pub fn new(data: &'a [f32], lines: Steps, rows: Steps, runs: Steps, columns: Steps) -> Self {
        let last = [lines, rows, runs, columns].into_iter().try_fold(0usize, |sum, steps| {
            steps.count.checked_sub(1)?.checked_mul(steps.stride)?.checked_add(sum)
        });
        assert!(last.is_some_and(|last| last < data.len()), "windows outside their memory");
        assert!(rows.stride == 1 || columns.stride == 1, "windows of scattered floats");
        Windows { data, lines, rows, runs, columns }
    }

    pub(super) fn parts(self) -> (&'a [f32], [Steps; 4]) {
        (self.data, [self.lines, self.rows, self.runs, self.columns])
    }
}

/// Whether there is a kernel for [`gemm_windows`].
pub(crate) fn takes_windows(isa: Isa) -> bool {
    !matches!(isa, Isa::Plain(_))
}

/// `c = relu(a b + beta c + bias)` on this thread, as [`gemm_fused`](super::gemm_fused), for a C
/// with contiguous rows, of which a line of A begins each `line`: those between the lines are left
/// alone. The sums over k are not cut into blocks, so this is for a B that stays in a level-2
/// cache. It is packed each time.
///
/// # Panics
/// If the shapes do not match, lines overlap, or the ISA is none that [`takes_windows`].
pub(crate) fn gemm_windows(
    cx: &Context,
    a: Windows<'_>,
    b: MatRef<'_>,
    beta: f32,
    c: MatMut<'_>,
    line: usize,
    epilogue: Epilogue<'_>,
) {
    match cx.isa() {
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx512(simd) => simd.vectorize(Product { simd, a, b, beta, c, line, epilogue }),
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx2(simd) => simd.vectorize(Product { simd, a, b, beta, c, line, epilogue }),
        Isa::Plain(_) => panic!("the plain ISA has no kernel for windows"),
    }
}

#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
struct Product<'a, T> {
    simd: T,
    a: Windows<'a>,
    b: MatRef<'a>,
    beta: f32,
    c: MatMut<'a>,
    line: usize,
    epilogue: Epilogue<'a>,
}

#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
impl<T: Tile> Kernel for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Product { simd, a, b, beta, mut c, line, epilogue } = self;
        let [lines, rows, runs, columns] = a.parts().1;
        let (k, n) = (runs.count * columns.count, c.cols());
        let reached = (lines.count - 1) * line + rows.count;
        assert!(
            b.rows() == k && b.cols() == n && rows.count <= line && reached <= c.rows(),
            "cannot multiply windows of {k} by {} x {} into {} x {n}",
            b.rows(),
            b.cols(),
            c.rows()
        );
        let mut memory = PACKED.take();
        // A single micro-panel of whole vectors is what B is as it stands, if its rows lie side by
        // side.
        let panel =
            n <= T::NR && n.is_multiple_of(T::LANES) && b.row_stride() == n && b.col_stride() == 1;
        let packed = if panel {
            b.data()
        } else {
            memory.ensure(k * n.next_multiple_of(T::NR));
            pack_b(simd, b, T::NR, &mut memory);
            &memory
        };
        let bias = epilogue.bias.map(Bias::Columns);
        let finish = Finish { alpha: 1.0, beta, bias, relu: epilogue.relu };
        // The rows of a line by strips of two heights that differ by 1.
        let count = rows.count.div_ceil(T::MR);
        let (low, taller) = (rows.count / count, rows.count % count);
        for (height, first, strips) in
            [(low + 1, 0, taller), (low, taller * (low + 1), count - taller)]
        {
            if strips > 0 {
                let c = c.block(0, reached, 0, n);
                simd.window_strips(
                    height,
                    WindowStrips { first, strips, a, packed, c, line, finish },
                );
            }
        }
        PACKED.set(memory);
    }
}
