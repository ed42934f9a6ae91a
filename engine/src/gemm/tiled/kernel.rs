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
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors. And
    /// the matrix that begins with the block to be packed next, if it is to be fetched meanwhile.
    Packed(&'a [f32], Option<MatRef<'a>>),
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
            a,
            row_stride,
            col_stride,
            strip_stride,
            k,
            b,
            ref mut c,
            finish,
            prefetch,
            ..
        } = *self;
        let (strips, n, nr) = (c.rows() / MR, c.cols(), T::NR);
        let panels = n.div_ceil(nr);
        if strips == 0 || n == 0 {
            return;
        }
        assert!(k > 0, "a product of nothing");
        assert!(row_stride == 1 || col_stride == 1, "an A neither by rows nor by columns");
        let last = [(strips - 1, strip_stride), (MR - 1, row_stride), (k - 1, col_stride)];
        let last = last
            .into_iter()
            .try_fold(0usize, |sum, (count, stride)| sum.checked_add(count.checked_mul(stride)?));
        assert!(last.is_some_and(|last| last < a.len()), "strips outside of A");
        if let PanelsB::InPlace(b) = b {
            assert!(b.rows() == k && b.cols() == n && b.col_stride() == 1, "another B");
        }
        // Loop ir
        for strip in 0..strips {
            let i = strip * MR;
            let a = a[strip * strip_stride..].as_ptr();
            let next_strip = prefetch.of_strip(strip);
            // Loop jr
            for j in (0..n).step_by(nr) {
                let w = nr.min(n - j);
                let (b, b_stride, next_panel) = match b {
                    // The rows of the next panel lie too far apart for the processor to see where
                    // this leads.
                    PanelsB::InPlace(b) => {
                        let (b, stride) = (b.data()[j..].as_ptr(), b.row_stride());
                        (b, stride, Prefetch::along(b.wrapping_add(nr), stride))
                    }
                    // The next strip during the last tile: earlier, it would be in the way.
                    PanelsB::Packed(b, ahead) => {
                        let width = w.next_multiple_of(T::LANES);
                        // Each of the first tiles fetches half of a panel.
                        let tile = strip * (panels - 1) + j / nr;
                        let prefetch = match ahead {
                            Some(b) if tile < 2 * panels => {
                                let strides = [b.row_stride(), b.col_stride()];
                                Prefetch::half_panel(b.data().as_ptr(), strides, nr, tile)
                            }
                            _ => Prefetch::nothing(a),
                        };
                        (b[j * k..][..k * width].as_ptr(), width, prefetch)
                    }
                };
                let prefetch = Some(if j + nr >= n { next_strip } else { next_panel });
                let operands =
                    Operands { a, row_stride, col_stride, b, b_stride, width: w, k, prefetch };
                let (mut c, finish) = (c.block(i, MR, j, w), finish.from(i, j));
                // SAFETY: the last element of the last strip lies in A, as asserted. B in place is
                // a `MatRef` of `k` rows and at least `j + w` contiguous columns, or its panel has
                // `k` rows of whole vectors.
                unsafe {
                    if w > T::LANES {
                        tile::<T, MR, NRV>(simd, operands, &mut c, finish);
                    } else {
                        tile::<T, MR, 1>(simd, operands, &mut c, finish);
                    }
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `c: (MR, w)`, where `w` columns take NV vectors.
///
/// # Safety
/// `operands` holds what it says.
#[inline(always)]
unsafe fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    operands: Operands,
    c: &mut MatMut,
    finish: Finish,
) {
    if c.col_stride() == 1 {
        let (start, stride) = (c.as_mut_ptr(), c.row_stride());
        for i in 0..MR {
            for v in 0..NV {
                simd.prefetch(start.wrapping_add(i * stride + v * T::LANES));
            }
        }
    }
    let zero = [[simd.splat(0.0); NV]; MR];
    // SAFETY: the caller's.
    let sums = unsafe { simd.add_up::<MR, NV>(zero, operands) };
    finish::write(simd, sums, c, finish);
}

#[cfg(test)]
mod tests;
