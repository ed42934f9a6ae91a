use super::Pointwise;
use crate::Context;
use crate::simd::Simd;

/// `max(x, 0)`. Its derivative at 0 is 0. NaN stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Pointwise for Relu {
    const NAME: &'static str = "relu";

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

impl Relu {
    /// `dx = dy` where `y` is positive, else 0: the gradient from the output alone, for fused layers.
    pub(super) fn gradient(self, cx: &Context, y: &[f32], dy: &[f32], dx: &mut [f32]) {
        super::pointwise::gradient(self, cx, y, y, dy, dx);
    }
}
