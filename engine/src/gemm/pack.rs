//! Packing: copies of blocks of A and B in the order in which the micro-kernel reads them.

use super::matrix::MatRef;
use crate::simd::Simd;

/// Copies `b: (k, w)`, one micro-panel of B, to `out: (k, width)`, and fills it up with zeros.
///
/// The zeros only ever meet the columns of a tile that are not stored, so that an infinity in A cannot
/// turn them into NaNs that anyone sees.
#[inline(always)]
pub(super) fn pack_b<S: Simd>(simd: S, b: MatRef, width: usize, out: &mut [f32]) {
    let (k, w) = (b.rows(), b.cols());
    if b.col_stride() == 1 {
        for (p, out) in out.chunks_exact_mut(width).enumerate().take(k) {
            let row = &b.data()[p * b.row_stride()..][..w];
            for (v, out) in out.chunks_exact_mut(S::LANES).enumerate() {
                let start = w.min(v * S::LANES);
                simd.store(simd.load_at(row, start), out);
            }
        }
    } else {
        // Eight rows at a time, so that a cache line of B is used while it is at hand.
        const ROWS: usize = 8;
        for p in (0..k).step_by(ROWS) {
            let rows = ROWS.min(k - p);
            let out = &mut out[p * width..][..rows * width];
            for j in 0..width {
                if j >= w {
                    (0..rows).for_each(|r| out[r * width + j] = 0.0);
                } else if b.row_stride() == 1 && rows == ROWS {
                    let column = &b.data()[j * b.col_stride() + p..][..ROWS];
                    (0..ROWS).for_each(|r| out[r * width + j] = column[r]);
                } else {
                    (0..rows).for_each(|r| out[r * width + j] = b.at(p + r, j));
                }
            }
        }
    }
}

/// Copies `a: (rows, k)`, one micro-panel of A, and returns the copy as a view into `out`: by columns if
/// that is how `a` lies in memory, else by rows of `stride` floats.
#[inline(always)]
pub(super) fn pack_a<'o, S: Simd>(simd: S, a: MatRef, stride: usize, out: &'o mut [f32]) -> MatRef<'o> {
    let (rows, k) = (a.rows(), a.cols());
    if a.row_stride() == 1 && a.col_stride() != 1 {
        for (p, out) in out.chunks_exact_mut(rows).enumerate().take(k) {
            out.copy_from_slice(&a.data()[p * a.col_stride()..][..rows]);
        }
        return MatRef::with_strides(out, rows, k, 1, rows);
    }
    for (i, out) in out.chunks_exact_mut(stride).enumerate().take(rows) {
        let out = &mut out[..k];
        if k == 0 {
            break;
        }
        if a.col_stride() == 1 {
            let row = &a.data()[i * a.row_stride()..][..k];
            simd.for_each(row, |p, v| simd.store_at(v, out, p));
        } else {
            out.iter_mut().enumerate().for_each(|(p, out)| *out = a.at(i, p));
        }
    }
    MatRef::with_strides(out, rows, k, stride, 1)
}
