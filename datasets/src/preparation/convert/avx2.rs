//! Eight values at a time.

use std::arch::x86_64::*;

use super::{Divisor, convert_plain};

const LANES: usize = 8;

/// The licence to use AVX2 and FMA: only [`Avx2::detect`] builds one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    /// `y[i] = x[i] / max`, for two slices of one length.
    pub(super) fn convert(self, divisor: Divisor, x: &[u8], y: &mut [f32]) {
        // SAFETY: `self` exists, so that `detect` found the features that the function is compiled
        // for.
        unsafe { convert_avx2(divisor, x, y) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn convert_avx2(divisor: Divisor, x: &[u8], y: &mut [f32]) {
    let high = _mm256_set1_ps(divisor.high);
    let low = _mm256_set1_ps(divisor.low);
    let (x, x_end) = x.as_chunks::<LANES>();
    let (y, y_end) = y.as_chunks_mut::<LANES>();
    for (x, y) in x.iter().zip(y) {
        let bytes = _mm_cvtsi64_si128(i64::from_le_bytes(*x));
        let x = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
        let quotient = _mm256_fmadd_ps(x, high, _mm256_mul_ps(x, low));
        // SAFETY: `y` is an exclusive reference to eight `f32`, and the store asks for no
        // alignment.
        unsafe { _mm256_storeu_ps(y.as_mut_ptr(), quotient) };
    }
    convert_plain(divisor, x_end, y_end);
}
