use super::Pointwise;
use crate::hardware::simd::Simd;

/// `max(x, 0)`. Its derivative at 0 is 0. NaN stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Pointwise for Relu {
    const NAME: &'static str = "relu";
    const IS_RELU: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        s.max(s.splat(0.0), x)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, _: S::F, y: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        s.select_gt(y, zero, dy, zero)
    }
}
