//! The micro-kernel: a tile of C held in registers while k runs; and the loops ir and jr around it.

use super::finish;
use super::sums::{Operands, Prefetch};
use super::tile::{Heights, NRV, Tile};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{MatMut, MatRef};

/// A block of B as the micro-kernel takes it, by micro-panels.
#[derive(Clone, Copy)]
pub enum PanelsB<'a> {
    /// `(k, n)`, with contiguous rows, read where they are.
    InPlace(MatRef<'a>),
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors.
    Packed(&'a [f32]),
}

/// Strips of A of the same height, each a micro-panel, times micro-panels of B.
pub struct Strips<'a> {
    /// Strip s has its element `(i, p)` at `s strip_stride + i row_stride + p col_stride`.
    pub a: &'a [f32],
    pub row_stride: usize,
    pub col_stride: usize,
    pub strip_stride: usize,
    pub k: usize,
    /// `(k, n)`
    pub b: PanelsB<'a>,
    /// `(a multiple of the height, n)`
    pub c: MatMut<'a>,
    pub finish: Finish<'a>,
    pub prefetch: Prefetch,
}

impl Heights for Strips<'_> {
    #[inline(always)]
    fn run<T: Tile, const MR: usize>(&mut self, simd: T) {
        let Strips {
            a, row_stride, col_stride, strip_stride, k, b, ref mut c, finish, prefetch, ..
        } = *self;
        let (n, nr) = (c.cols(), T::NR);
        // Loop ir
        for strip in 0..c.rows() / MR {
            let i = strip * MR;
            let a = MatRef::with_strides(&a[strip * strip_stride..], MR, k, row_stride, col_stride);
            let next_strip = prefetch.of_strip(strip);
            // Loop jr
            for j in (0..n).step_by(nr) {
                let w = nr.min(n - j);
                let finish = finish.from(i, j);
                let mut c = c.block(i, MR, j, w);
                let (b, next_panel) = match b {
                    // The rows of the next panel lie too far apart for the processor to see where
                    // this leads.
                    PanelsB::InPlace(b) => {
                        let (stride, b) = (b.row_stride(), b.block(0, k, j, w));
                        (b, Prefetch::along(b.data().as_ptr().wrapping_add(nr), stride))
                    }
                    // The next strip during the last tile: earlier, it would be in the way.
                    PanelsB::Packed(b) => {
                        let width = w.next_multiple_of(T::LANES);
                        let b = MatRef::with_strides(&b[j * k..][..k * width], k, w, width, 1);
                        (b, Prefetch::nothing(a.data().as_ptr()))
                    }
                };
                let prefetch = if j + nr >= n { next_strip } else { next_panel };
                if w > T::LANES {
                    tile::<T, MR, NRV>(simd, a, b, &mut c, finish, prefetch);
                } else {
                    tile::<T, MR, 1>(simd, a, b, &mut c, finish, prefetch);
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `a: (MR, k)`, `b: (k, w)` with contiguous rows, and
/// `c: (MR, w)`, where `w` columns take NV vectors.
#[inline(always)]
fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
    prefetch: Prefetch,
) {
    let w = c.cols();
    assert!(c.rows() == MR && w.div_ceil(T::LANES) == NV);
    if c.col_stride() == 1 {
        let (start, stride) = (c.as_mut_ptr(), c.row_stride());
        for i in 0..MR {
            for v in 0..NV {
                simd.prefetch(start.wrapping_add(i * stride + v * T::LANES));
            }
        }
    }
    let by = (a.row_stride(), a.col_stride());
    assert!(by.0 == 1 || by.1 == 1, "an A neither by rows nor by columns has to be packed");
    assert!(a.rows() == MR && b.rows() == a.cols());
    assert!(b.cols() == w && b.col_stride() == 1);
    let operands = Operands {
        a: a.data().as_ptr(),
        row_stride: by.0,
        col_stride: by.1,
        b: b.data().as_ptr(),
        b_stride: b.row_stride(),
        width: w,
        k: a.cols(),
        prefetch: Some(prefetch),
    };
    let zero = [[simd.splat(0.0); NV]; MR];
    // SAFETY: the sizes are as asserted, and a `MatRef` holds its elements.
    let sums = unsafe { simd.add_up::<MR, NV>(zero, operands) };
    finish::write(simd, sums, c, finish);
}

#[cfg(test)]
mod tests;
