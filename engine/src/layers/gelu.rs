use super::Pointwise;
use crate::hardware::simd::Simd;
use crate::math;

/// `x Phi(x)`, Phi the normal distribution function (Hendrycks and Gimpel, arXiv:1606.08415), the
/// exact form and not the tanh approximation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gelu;

impl Pointwise for Gelu {
    const NAME: &'static str = "gelu";

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        s.mul(x, math::normal_cdf(s, x))
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, x: S::F, _: S::F, dy: S::F) -> S::F {
        // Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
        let half_square = s.mul(s.mul(x, x), s.splat(-0.5));
        let density = s.mul(math::exp(s, half_square), s.splat(0.398_942_3));
        s.mul(dy, s.mul_add(x, density, math::normal_cdf(s, x)))
    }
}
