//! The micro-kernel: a tile of C held in registers while k runs; and the loops ir and jr around it.

use super::finish;
use super::sums::{Operands, Prefetch};
use super::tile::{Heights, NRV, Tile};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{MatMut, MatRef};

/// A block of B as the micro-kernel takes it, by micro-panels: those that are read where they are,
/// and then those that are packed.
#[derive(Clone, Copy)]
pub struct PanelsB<'a> {
    /// `(k, a multiple of NR)`, with contiguous rows.
    pub in_place: MatRef<'a>,
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors.
    pub packed: &'a [f32],
}

/// Strips of A of the same height, each a micro-panel, times micro-panels of B.
pub struct Strips<'a> {
    /// Strip s has its element `(i, p)` at `s strip_stride + i row_stride + p col_stride`.
    pub a: &'a [f32],
    pub row_stride: usize,
    pub col_stride: usize,
    pub strip_stride: usize,
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
            a, row_stride, col_stride, strip_stride, b, ref mut c, finish, prefetch, ..
        } = *self;
        let (k, n, nr) = (b.in_place.rows(), c.cols(), T::NR);
        let in_place = b.in_place.cols();
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
                let last = j + nr >= n;
                if j < in_place {
                    // The rows of the next panel lie too far apart for the processor to see where
                    // this leads.
                    let stride = b.in_place.row_stride();
                    let b = b.in_place.block(0, k, j, nr);
                    let next_panel = Prefetch::along(b.data().as_ptr().wrapping_add(nr), stride);
                    let prefetch = if last { next_strip } else { next_panel };
                    tile::<T, MR, NRV>(simd, a, b, &mut c, finish, prefetch);
                } else {
                    let width = w.next_multiple_of(T::LANES);
                    let b = &b.packed[(j - in_place) * k..][..k * width];
                    let b = MatRef::with_strides(b, k, width, width, 1);
                    // The next strip during the last tile: earlier, it would be in the way.
                    let nothing = Prefetch::nothing(a.data().as_ptr());
                    let prefetch = if last { next_strip } else { nothing };
                    if width > T::LANES {
                        tile::<T, MR, NRV>(simd, a, b, &mut c, finish, prefetch);
                    } else {
                        tile::<T, MR, 1>(simd, a, b, &mut c, finish, prefetch);
                    }
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `a: (MR, k)`, `b: (k, NV vectors)` with contiguous rows,
/// and `c: (MR, w)`, where `w` is at most the width of `b`.
#[inline(always)]
fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
    prefetch: Prefetch,
) {
    assert!(c.rows() == MR && c.cols() <= NV * T::LANES);
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
    assert!(b.cols() == NV * T::LANES && b.col_stride() == 1);
    let operands = Operands {
        a: a.data().as_ptr(),
        row_stride: by.0,
        col_stride: by.1,
        b: b.data().as_ptr(),
        b_stride: b.row_stride(),
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
