//! AVX2 with FMA and F16C: eight lanes, sixteen registers. Intel since Haswell (2013), AMD since
//! Zen (2017).

use super::x86::{memory, registers};
use super::{Kernel, Simd, check_block, check_places};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The token, if the processor and the operating system support the instructions.
    pub fn detect() -> Option<Avx2> {
        let all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        all.then_some(Avx2(()))
    }
}

const LANES: usize = 8;

/// Sixteen values whose window of eight starting at `8 - n` masks the first `n` lanes.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn head_mask(n: usize) -> __m256i {
    let window = &MASKS[LANES - n..][..LANES];
    // SAFETY: `window` holds eight values; the callers below hold an `Avx2`.
    unsafe { _mm256_loadu_si256(window.as_ptr().cast()) }
}

/// For each mask the lanes that it names, in order, then zeros: 2 KB.
static COMPRESSED: [[u8; LANES]; 256] = {
    let mut table = [[0; LANES]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < LANES {
            if mask >> lane & 1 == 1 {
                table[mask][count] = lane as u8;
                count += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
};

impl Simd for Avx2 {
    type F = __m256;
    const LANES: usize = LANES;
    const NAME: &'static str = "avx2";

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn enabled<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self`, built by detection alone, proves that the processor has the features.
        unsafe { enabled(self, kernel) }
    }

    memory! {
        splat(x) = _mm256_set1_ps(x);
        load(x) = _mm256_loadu_ps(x);
        load_head(x, mask) = _mm256_maskload_ps(x, mask);
        store(v, out) = _mm256_storeu_ps(out, v);
        store_head(v, out, mask) = _mm256_maskstore_ps(out, mask, v);
        load_f16(x) = _mm256_cvtph_ps(_mm_loadu_si128(x));
        load_i8(x) = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(x)));
    }

    registers! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        min(a, b) = _mm256_min_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        sqrt(a) = _mm256_sqrt_ps(a);
        abs(a) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        copysign(magnitude, sign) = {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign))
        };
        round(a) = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        select_gt(a, b, yes, no) = _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b));
        exp2_int(n) = {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        };
        exponent(a) = {
            let biased = _mm256_srli_epi32::<23>(_mm256_castps_si256(a));
            _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)))
        };
        mantissa(a) = {
            let fraction = _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(0x007f_ffff)));
            _mm256_or_ps(fraction, _mm256_set1_ps(1.0))
        };
        sum(a) -> f32 = {
            let b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let c = _mm_add_ps(b, _mm_movehl_ps(b, b));
            _mm_cvtss_f32(_mm_add_ss(c, _mm_shuffle_ps::<1>(c, c)))
        };
        max_lane(a) -> f32 = {
            let b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let c = _mm_max_ps(b, _mm_movehl_ps(b, b));
            _mm_cvtss_f32(_mm_max_ss(c, _mm_shuffle_ps::<1>(c, c)))
        };
    }

    #[inline(always)]
    fn compress(self, v: __m256, first: u32, values: &mut [f32], places: &mut [u32]) -> usize {
        let (values, places) = (&mut values[..LANES], &mut places[..LANES]);
        // SAFETY: the slices hold eight values each, a row of the table eight bytes; `self` proves
        // the instructions.
        unsafe {
            let mask =
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(v, _mm256_setzero_ps())) as usize;
            let order = _mm_loadl_epi64(COMPRESSED[mask].as_ptr().cast());
            let order = _mm256_cvtepu8_epi32(order);
            _mm256_storeu_ps(values.as_mut_ptr(), _mm256_permutevar8x32_ps(v, order));
            let numbers = _mm256_add_epi32(order, _mm256_set1_epi32(first as i32));
            _mm256_storeu_si256(places.as_mut_ptr().cast(), numbers);
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
        // SAFETY: the slices hold `rows` and 8 rows of 8 floats at these strides, as checked;
        // `self` proves the instructions.
        unsafe {
            let zero = _mm256_setzero_ps();
            let (mut lines, mut pairs, mut fours) = ([zero; 8], [zero; 8], [zero; 8]);
            let last = rows - 1;
            for (r, row) in lines.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(x.as_ptr().add(r.min(last) * x_stride));
            }
            for (i, pair) in pairs.iter_mut().enumerate() {
                let (a, b) = (lines[i & !1], lines[i | 1]);
                *pair =
                    if i & 1 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) };
            }
            for (i, four) in fours.iter_mut().enumerate() {
                let (group, column) = (i & !3, i & 3);
                let a = _mm256_castps_pd(pairs[group + column / 2]);
                let b = _mm256_castps_pd(pairs[group + 2 + column / 2]);
                let ab = if column & 1 == 0 {
                    _mm256_unpacklo_pd(a, b)
                } else {
                    _mm256_unpackhi_pd(a, b)
                };
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
