use super::Pointwise;
use crate::hardware::simd::Simd;
use crate::math;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tanh;

impl Pointwise for Tanh {
    const NAME: &'static str = "tanh";

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        math::tanh(s, x)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, _: S::F, y: S::F, dy: S::F) -> S::F {
        let one = s.splat(1.0);
        // 1 - y^2 without the cancellation near 1
        s.mul(dy, s.mul(s.sub(one, y), s.add(one, y)))
    }
}
