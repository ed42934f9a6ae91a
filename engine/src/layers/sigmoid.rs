use super::Pointwise;
use crate::hardware::simd::Simd;
use crate::math;

/// The logistic function, `1 / (1 + exp(-x))`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigmoid;

impl Pointwise for Sigmoid {
    const NAME: &'static str = "sigmoid";

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        math::sigmoid(s, x)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, _: S::F, y: S::F, dy: S::F) -> S::F {
        s.mul(dy, s.mul(y, s.sub(s.splat(1.0), y)))
    }
}
