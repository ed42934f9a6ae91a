//! Sixteen values at a time.

use std::arch::x86_64::*;

use super::{Divisor, convert_plain};

const LANES: usize = 16;

/// The licence to use AVX-512: only [`Avx512::detect`] builds one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Avx512(()))
    }

    /// `y[i] = x[i] / max`, for two slices of one length.
    pub(super) fn convert(self, divisor: Divisor, x: &[u8], y: &mut [f32]) {
        // SAFETY: `self` exists, so that `detect` found the feature that the function is compiled
        // for.
        unsafe { convert_avx512(divisor, x, y) }
    }
}

#[target_feature(enable = "avx512f")]
fn convert_avx512(divisor: Divisor, x: &[u8], y: &mut [f32]) {
    let high = _mm512_set1_ps(divisor.high);
    let low = _mm512_set1_ps(divisor.low);
    let (x, x_end) = x.as_chunks::<LANES>();
    let (y, y_end) = y.as_chunks_mut::<LANES>();
    for (x, y) in x.iter().zip(y) {
        // SAFETY: `x` is a reference to sixteen bytes, and the load asks for no alignment.
        let bytes = unsafe { _mm_loadu_si128(x.as_ptr().cast()) };
        let x = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
        let quotient = _mm512_fmadd_ps(x, high, _mm512_mul_ps(x, low));
        // SAFETY: `y` is an exclusive reference to sixteen `f32`, and the store asks for no
        // alignment.
        unsafe { _mm512_storeu_ps(y.as_mut_ptr(), quotient) };
    }
    convert_plain(divisor, x_end, y_end);
}
