use super::Pointwise;
use crate::hardware::simd::Simd;

/// `min(max(x, 0), 6)` (Howard et al., arXiv:1704.04861). Its derivative at 0 and at 6 is 0. NaN
/// stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu6;

impl Pointwise for Relu6 {
    const NAME: &'static str = "relu6";

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        s.min(s.splat(6.0), s.max(s.splat(0.0), x))
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, x: S::F, _: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        s.select_gt(x, zero, s.select_gt(s.splat(6.0), x, dy, zero), zero)
    }
}
