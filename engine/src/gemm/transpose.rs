//! The transposition of a square block, one vector wide.

use crate::simd::Simd;
use std::arch::x86_64::*;

/// An ISA that transposes blocks of `LANES` x `LANES` in its registers.
pub(super) trait Transpose: Simd {
    /// `out[r * out_stride + c] = x[c * x_stride + r]` for `r` and `c` below `LANES`.
    ///
    /// # Panics
    /// If either slice is shorter than its block.
    fn transpose(self, x: &[f32], x_stride: usize, out: &mut [f32], out_stride: usize);
}

/// Panics unless `len` floats hold a block.
#[inline(always)]
fn check(len: usize, stride: usize, lanes: usize) {
    assert!(len >= (lanes - 1) * stride + lanes, "a slice too short for the block");
}

impl Transpose for crate::simd::Avx512 {
    #[inline(always)]
    fn transpose(self, x: &[f32], x_stride: usize, out: &mut [f32], out_stride: usize) {
        check(x.len(), x_stride, Self::LANES);
        check(out.len(), out_stride, Self::LANES);
        // SAFETY: the slices hold 16 rows of 16 floats at these strides, as checked; `self` proves the
        // instructions.
        unsafe {
            let zero = _mm512_setzero_ps();
            let (mut rows, mut pairs, mut fours) = ([zero; 16], [zero; 16], [zero; 16]);
            for (r, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(x.as_ptr().add(r * x_stride));
            }
            // In each quarter of a vector: pairs, then groups of four, of one column.
            for (i, pair) in pairs.iter_mut().enumerate() {
                let (a, b) = (rows[i & !1], rows[i | 1]);
                *pair = if i & 1 == 0 { _mm512_unpacklo_ps(a, b) } else { _mm512_unpackhi_ps(a, b) };
            }
            for (i, four) in fours.iter_mut().enumerate() {
                let (group, column) = (i & !3, i & 3);
                let a = _mm512_castps_pd(pairs[group + column / 2]);
                let b = _mm512_castps_pd(pairs[group + 2 + column / 2]);
                let ab = if column & 1 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) };
                *four = _mm512_castpd_ps(ab);
            }
            // `fours[4 g + c]` has, in quarter q, rows 4 g.. of column 4 q + c: transpose the quarters.
            for c in 0..4 {
                let (a, b, d, e) = (fours[c], fours[4 + c], fours[8 + c], fours[12 + c]);
                let ab_even = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
                let ab_odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
                let de_even = _mm512_shuffle_f32x4::<0b10_00_10_00>(d, e);
                let de_odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(d, e);
                let columns = [
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(ab_even, de_even),
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(ab_odd, de_odd),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(ab_even, de_even),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(ab_odd, de_odd),
                ];
                for (q, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(out.as_mut_ptr().add((4 * q + c) * out_stride), column);
                }
            }
        }
    }
}

impl Transpose for crate::simd::Avx2 {
    #[inline(always)]
    fn transpose(self, x: &[f32], x_stride: usize, out: &mut [f32], out_stride: usize) {
        check(x.len(), x_stride, Self::LANES);
        check(out.len(), out_stride, Self::LANES);
        // SAFETY: the slices hold 8 rows of 8 floats at these strides, as checked; `self` proves the
        // instructions.
        unsafe {
            let zero = _mm256_setzero_ps();
            let (mut rows, mut pairs, mut fours) = ([zero; 8], [zero; 8], [zero; 8]);
            for (r, row) in rows.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(x.as_ptr().add(r * x_stride));
            }
            for (i, pair) in pairs.iter_mut().enumerate() {
                let (a, b) = (rows[i & !1], rows[i | 1]);
                *pair = if i & 1 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) };
            }
            for (i, four) in fours.iter_mut().enumerate() {
                let (group, column) = (i & !3, i & 3);
                let a = _mm256_castps_pd(pairs[group + column / 2]);
                let b = _mm256_castps_pd(pairs[group + 2 + column / 2]);
                let ab = if column & 1 == 0 { _mm256_unpacklo_pd(a, b) } else { _mm256_unpackhi_pd(a, b) };
                *four = _mm256_castpd_ps(ab);
            }
            for c in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
                let high = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
                _mm256_storeu_ps(out.as_mut_ptr().add(c * out_stride), low);
                _mm256_storeu_ps(out.as_mut_ptr().add((4 + c) * out_stride), high);
            }
        }
    }
}
