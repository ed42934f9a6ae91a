//! AVX-512 (F, VL, BW, DQ): sixteen lanes, thirty-two registers, masks in registers of their own.
//! Intel servers since Skylake-SP (2017), AMD since Zen 4 (2022).

use super::x86::{memory, registers};
use super::{Kernel, Simd, check_block, check_places};
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 F, VL, BW and DQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// The token, if the processor and the operating system support the instructions.
    pub fn detect() -> Option<Avx512> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        all.then_some(Avx512(()))
    }
}

const LANES: usize = 16;

/// Enables the first `n` lanes. Panics if there are not so many.
#[inline(always)]
fn head_mask(n: usize) -> __mmask16 {
    assert!(n <= LANES, "a head of {n} lanes, of {LANES}");
    ((1u32 << n) - 1) as __mmask16
}

impl Simd for Avx512 {
    type F = __m512;
    const LANES: usize = LANES;
    const NAME: &'static str = "avx512";

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn enabled<K: Kernel>(simd: Avx512, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self`, built by detection alone, proves that the processor has the features.
        unsafe { enabled(self, kernel) }
    }

    memory! {
        splat(x) = _mm512_set1_ps(x);
        load(x) = _mm512_loadu_ps(x);
        load_head(x, mask) = _mm512_maskz_loadu_ps(mask, x);
        store(v, out) = _mm512_storeu_ps(out, v);
        store_head(v, out, mask) = _mm512_mask_storeu_ps(out, mask, v);
        load_f16(x) = _mm512_cvtph_ps(_mm256_loadu_si256(x));
        load_i8(x) = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(x)));
    }

    registers! {
        add(a, b) = _mm512_add_ps(a, b);
        sub(a, b) = _mm512_sub_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        div(a, b) = _mm512_div_ps(a, b);
        mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        min(a, b) = _mm512_min_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        sqrt(a) = _mm512_sqrt_ps(a);
        abs(a) = _mm512_abs_ps(a);
        copysign(magnitude, sign) = {
            let bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign))
        };
        round(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        select_gt(a, b, yes, no) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes);
        exp2_int(n) = {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        };
        exponent(a) = _mm512_getexp_ps(a);
        mantissa(a) = _mm512_getmant_ps::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_ZERO>(a);
        sum(a) -> f32 = {
            let b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps::<1>(b));
            let d = _mm_add_ps(c, _mm_movehl_ps(c, c));
            _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps::<1>(d, d)))
        };
        max_lane(a) -> f32 = _mm512_reduce_max_ps(a);
    }

    #[inline(always)]
    fn compress(self, v: __m512, first: u32, values: &mut [f32], places: &mut [u32]) -> usize {
        let (values, places) = (&mut values[..LANES], &mut places[..LANES]);
        // SAFETY: the slices hold sixteen values each; `self` proves the instructions.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(v, _mm512_setzero_ps());
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let numbers = _mm512_add_epi32(lanes, _mm512_set1_epi32(first as i32));
            // Compressed in a register, then stored whole: Zen 4 takes over 100 cycles for a
            // compressing store.
            _mm512_storeu_ps(values.as_mut_ptr(), _mm512_maskz_compress_ps(mask, v));
            let numbers = _mm512_maskz_compress_epi32(mask, numbers);
            _mm512_storeu_si512(places.as_mut_ptr().cast(), numbers);
            mask.count_ones() as usize
        }
    }
    #[inline(always)]
    fn transpose_head(
        self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
    ) {
        check_block(x.len(), x_stride, rows, Self::LANES);
        check_block(out.len(), out_stride, Self::LANES, Self::LANES);
        // SAFETY: the slices hold `rows` and 16 rows of 16 floats at these strides, as checked;
        // `self` proves the instructions.
        unsafe {
            let last = rows - 1;
            let quarter = |row: usize, column: usize| {
                _mm_loadu_ps(x.as_ptr().add(row.min(last) * x_stride + column))
            };
            for column in (0..LANES).step_by(4) {
                // Vector i has, in its quarter q, four columns of row 4 q + i. So transposing the
                // quarters, each by itself, leaves the rows of a column in order; and few registers
                // are alive at a time.
                let gather = |i: usize| {
                    let v = _mm512_castps128_ps512(quarter(i, column));
                    let v = _mm512_insertf32x4::<1>(v, quarter(4 + i, column));
                    let v = _mm512_insertf32x4::<2>(v, quarter(8 + i, column));
                    _mm512_insertf32x4::<3>(v, quarter(12 + i, column))
                };
                let (a, b, c, d) = (gather(0), gather(1), gather(2), gather(3));
                let ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                let columns = [
                    _mm512_unpacklo_pd(ab_low, cd_low),
                    _mm512_unpackhi_pd(ab_low, cd_low),
                    _mm512_unpacklo_pd(ab_high, cd_high),
                    _mm512_unpackhi_pd(ab_high, cd_high),
                ];
                for (c, v) in columns.into_iter().enumerate() {
                    _mm512_storeu_pd(out.as_mut_ptr().add((column + c) * out_stride).cast(), v);
                }
            }
        }
    }
}
