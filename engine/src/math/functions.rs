//! Elementary functions on vectors, written once for all ISAs.
//!
//! Each names its source and its largest error against f64, as `tests/math.rs` measures it over a
//! dense grid: in ulp (units in the last place of the exact value), or absolute. Where two numbers
//! stand, the first is with a fused multiply-add. NaN gives NaN. No function returns a subnormal
//! unless given one.
//!
//! Where a polynomial is said to be fitted, its coefficients are the minimax ones of the Remez
//! exchange (Remez 1934), computed with 40 digits and then rounded to f32.

use crate::hardware::simd::Simd;

/// ln 2 in two parts: with an integer of 15 bits, the first gives an exact product (Cody and Waite
/// 1980).
const LN_2_HI: f32 = 0.693_359_4;
const LN_2_LO: f32 = -2.121_944_4e-4;

/// Below it, [`exp`] is 0: the largest `x` whose result would come near the subnormals.
const EXP_MIN: f32 = -86.9;

/// `(exp(r) - 1 - r) / r^2` for |r| <= ln 2 / 2: fitted to an error of 1.3e-8 of `exp(r) - 1`.
const EXP_POLY: [f32; 5] = [0.5, 0.166_665_44, 0.041_667_2, 8.366_52e-3, 1.388_252_2e-3];

/// `(atanh(w) - w) / w^3` in `w^2`, for |w| <= 1/3: fitted to an error of 4.6e-9 of `atanh(w)`.
const ATANH_POLY: [f32; 4] = [0.333_332_07, 0.200_108_53, 0.139_995_07, 0.140_125_7];

/// The normal tail; see [`normal_cdf`].
const TAIL_P: f32 = 0.35;
const TAIL_POLY: [f32; 9] = [
    0.5,
    -0.639_832,
    0.261_045_57,
    0.102_634_214,
    -0.064_141_475,
    -0.016_170_403,
    -0.063_923_14,
    0.089_134_69,
    -0.029_125_868,
];

/// `c[0] + c[1] x + c[2] x^2 + ...`, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::F, c: [f32; N]) -> S::F {
    let mut y = s.splat(c[N - 1]);
    for &c in c[..N - 1].iter().rev() {
        y = s.mul_add(y, x, s.splat(c));
    }
    y
}

/// `-|x|`
#[inline(always)]
fn minus_abs<S: Simd>(s: S, x: S::F) -> S::F {
    s.copysign(x, s.splat(-1.0))
}

/// `(n, r)` with `x = n ln 2 + r`, `n` integral and |r| <= ln 2 / 2, as long as |n| is below 2^15.
#[inline(always)]
fn reduce<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.mul_add(n, s.splat(-LN_2_HI), x);
    (n, s.mul_add(n, s.splat(-LN_2_LO), r))
}

/// `exp(x)`. 1.0 ulp; 1.3 ulp.
///
/// 0 below -86.9, where the result would come near the subnormals; infinite where it exceeds
/// `f32::MAX` (above 88.72), and only there.
///
/// `exp(n ln 2 + r) = 2^n exp(r)`, with a fitted polynomial for `exp(r)`.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let (n, r) = reduce(s, s.max(s.splat(EXP_MIN), s.min(s.splat(89.0), x)));
    // Twice the coefficients, for half the power of two: 2^128, which the largest results need, is
    // not a float.
    let [c0, c1, c2, c3, c4] = EXP_POLY;
    let twice = polynomial(s, r, [2.0, 2.0, 2.0 * c0, 2.0 * c1, 2.0 * c2, 2.0 * c3, 2.0 * c4]);
    let y = s.mul(twice, s.exp2_int(s.sub(n, s.splat(1.0))));
    s.select_gt(s.splat(EXP_MIN), x, s.splat(0.0), y)
}

/// `exp(x) - 1` for `x <= 0`, without the cancellation near 0. 1.1 ulp.
///
/// The method of [`exp`], with `2^n (exp(r) - 1) + (2^n - 1)` at the end, where 2^n - 1 is exact or
/// -1.
#[inline(always)]
pub fn exp_m1_negative<S: Simd>(s: S, x: S::F) -> S::F {
    // exp(-18) is less than half an ulp of 1.
    let (n, r) = reduce(s, s.max(s.splat(-18.0), x));
    let small = s.mul_add(s.mul(r, r), polynomial(s, r, EXP_POLY), r);
    let scale = s.exp2_int(n);
    s.mul_add(scale, small, s.sub(scale, s.splat(1.0)))
}

/// The hyperbolic tangent. 2.6 ulp.
///
/// `t = exp(-2 |x|) - 1` gives `tanh |x| = -t / (t + 2)`, which is accurate near 0 because `t` is.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let m = minus_abs(s, x);
    let t = exp_m1_negative(s, s.add(m, m));
    s.copysign(s.div(t, s.add(t, s.splat(2.0))), x)
}

/// The logistic function, `1 / (1 + exp(-x))`. 2.4 ulp. 0 below -86.9.
///
/// From `exp(-|x|)`, so that nothing overflows.
#[inline(always)]
pub fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let e = exp(s, minus_abs(s, x));
    s.div(s.select_gt(s.splat(0.0), x, e, one), s.add(one, e))
}

/// `2 atanh(w)` for |w| <= 1/3.
#[inline(always)]
fn twice_atanh<S: Simd>(s: S, w: S::F) -> S::F {
    let square = s.mul(w, w);
    let twice = s.add(w, w);
    s.mul_add(s.mul(twice, square), polynomial(s, square, ATANH_POLY), twice)
}

/// The natural logarithm of a positive `x`. 1.5 ulp.
///
/// Anything less than `f32::MIN_POSITIVE`, the smallest normal, counts as it: about -87.34.
///
/// `x = 2^k m` with `m` within a factor sqrt 2 of 1, and `log(m) = 2 atanh((m - 1) / (m + 1))`,
/// with a fitted polynomial for atanh.
#[inline(always)]
pub fn log<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let x = s.max(s.splat(f32::MIN_POSITIVE), x);
    let (k, m) = (s.exponent(x), s.mantissa(x));
    let limit = s.splat(std::f32::consts::SQRT_2);
    let k = s.select_gt(m, limit, s.add(k, one), k);
    let m = s.select_gt(m, limit, s.mul(m, s.splat(0.5)), m);
    let y = twice_atanh(s, s.div(s.sub(m, one), s.add(m, one)));
    let y = s.add(s.mul(k, s.splat(LN_2_HI)), s.mul_add(k, s.splat(LN_2_LO), y));
    // The bits of an infinity or a NaN say nothing: 0 x turns both into NaN, and infinity is put
    // back.
    let y = s.mul_add(x, s.splat(0.0), y);
    s.select_gt(x, s.splat(f32::MAX), x, y)
}

/// `log(1 + exp(x))`, the smooth form of `max(x, 0)`. 2.6 ulp. 0 below -86.9.
///
/// `max(x, 0) + log(1 + e)` with `e = exp(-|x|)`, which cannot overflow, and `log(1 + e) = 2
/// atanh(e / (2 + e))`, which is accurate for the smallest `e`.
#[inline(always)]
pub fn softplus<S: Simd>(s: S, x: S::F) -> S::F {
    let e = exp(s, minus_abs(s, x));
    let log = twice_atanh(s, s.div(e, s.add(e, s.splat(2.0))));
    s.add(s.max(s.splat(0.0), x), log)
}

/// The normal distribution function, `(1 + erf(x / sqrt 2)) / 2`. 1.2e-7 absolute. 0 below -12.9.
///
/// The tail beyond z = |x| is `exp(-z^2 / 2) (1 - u) P(u)` with `u = 0.35 z / (1 + 0.35 z)`: the
/// form of Hastings 1955 (Abramowitz and Stegun 26.2.17), with P fitted to a relative error of
/// 3.2e-8, so that small results are nearly as exact as the exponential, whose argument is rounded.
/// Hastings' own variable, 1 - u, costs half of the precision near 0, where it is 1 less something
/// small.
#[inline(always)]
pub fn normal_cdf<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    // Limited, where the tail is 0 anyway, for infinity over infinity is none.
    let pz = s.min(s.splat(5.0), s.mul(s.abs(x), s.splat(TAIL_P)));
    let u = s.div(pz, s.add(pz, one));
    let half_square = s.mul(s.mul(x, x), s.splat(-0.5));
    let tail = s.mul(exp(s, half_square), s.mul(s.sub(one, u), polynomial(s, u, TAIL_POLY)));
    let tail = s.select_gt(s.splat(-12.9), x, s.splat(0.0), tail);
    s.select_gt(x, s.splat(0.0), s.sub(one, tail), tail)
}
