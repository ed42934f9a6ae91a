//! The micro-kernel for an A that is made of windows: [`tile`](super::tile) with one more loop in
//! k.

use super::{Finish, NRV, Tile, finish};
use crate::gemm::matrix::MatMut;
use crate::gemm::windows::Windows;
use crate::hardware::simd::{Kernel, Simd};

/// Strips of one height, in each line of A from row `first` on, times all of B.
pub(in crate::gemm) struct WindowStrips<'a> {
    pub first: usize,
    pub strips: usize,
    pub a: Windows<'a>,
    /// Micro-panels (k, NR), the last of which may be narrower by whole vectors.
    pub packed: &'a [f32],
    /// (rows, n), with contiguous rows; line l of A begins at row `l line`.
    pub c: MatMut<'a>,
    pub line: usize,
    pub finish: Finish<'a>,
}

/// One function per height, as for the strips of a matrix.
#[inline(never)]
pub(super) fn height<S: Tile, const MR: usize>(simd: S, strips: &mut WindowStrips) {
    simd.vectorize(Height::<MR>(strips));
}

/// Strips whose height is known at compile time.
struct Height<'a, 'b, const MR: usize>(&'a mut WindowStrips<'b>);

impl<const MR: usize> Kernel for Height<'_, '_, MR> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let WindowStrips { first, strips, a, packed, ref mut c, line: c_line, finish } = *self.0;
        let (_, [lines, _, runs, columns]) = a.parts();
        let (k, n, nr) = (runs.count * columns.count, c.cols(), NRV * S::LANES);
        for line in 0..lines.count {
            for strip in 0..strips {
                let i = first + strip * MR;
                for j in (0..n).step_by(nr) {
                    let w = nr.min(n - j);
                    let width = w.next_multiple_of(S::LANES);
                    let b = &packed[j * k..][..k * width];
                    let mut c = c.block(line * c_line + i, MR, j, w);
                    let finish = finish.from(line * c_line + i, j);
                    if width > S::LANES {
                        finish::write(
                            simd,
                            sums::<S, MR, NRV>(simd, a, line, i, b),
                            &mut c,
                            finish,
                        );
                    } else {
                        finish::write(simd, sums::<S, MR, 1>(simd, a, line, i, b), &mut c, finish);
                    }
                }
            }
        }
    }
}

/// The sums over k of the products for `MR` rows from row `i` of a line on; `b`: (k, NV vectors).
#[inline(always)]
fn sums<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: Windows,
    line: usize,
    i: usize,
    b: &[f32],
) -> [[S::F; NV]; MR] {
    // As in `products`: one stride is 1 at compile time.
    let (_, [_, rows, _, columns]) = a.parts();
    if columns.stride == 1 {
        sum_up::<S, MR, NV>(simd, a, line, i, b, rows.stride, 1)
    } else {
        sum_up::<S, MR, NV>(simd, a, line, i, b, 1, columns.stride)
    }
}

#[inline(always)]
fn sum_up<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: Windows,
    line: usize,
    i: usize,
    b: &[f32],
    row_stride: usize,
    col_stride: usize,
) -> [[S::F; NV]; MR] {
    let (data, [lines, rows, runs, columns]) = a.parts();
    assert!(line < lines.count && i + MR <= rows.count);
    assert!(row_stride == rows.stride && col_stride == columns.stride);
    let width = NV * S::LANES;
    let mut b = b.chunks_exact(width);
    let start = line * lines.stride + i * rows.stride;
    let mut sums = [[simd.splat(0.0); NV]; MR];
    for run in 0..runs.count {
        let run = data[start + run * runs.stride..].as_ptr();
        for (p, b) in (0..columns.count).zip(&mut b) {
            let mut row = [simd.splat(0.0); NV];
            for (v, row) in row.iter_mut().enumerate() {
                *row = simd.load(&b[v * S::LANES..]);
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: it is the element of line `line`, row `i + r`, which is one, as asserted,
                // and of a run and a column that there are; `Windows::new` has seen that all
                // elements lie in its memory.
                let a = simd.splat(unsafe { *run.add(r * row_stride + p * col_stride) });
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum = simd.mul_add(a, b, *sum);
                }
            }
        }
    }
    sums
}
