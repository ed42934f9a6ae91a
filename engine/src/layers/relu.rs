use super::Pointwise;
use crate::Context;
use crate::hardware::simd::Simd;

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
    /// The gradient in front of a ReLU that a layer has taken in, from the `y` and `dy` behind it:
    /// at the start of `scratch` if there is one, else `dy` itself; and the rest of the scratch.
    pub(super) fn behind<'a>(
        self,
        there: bool,
        cx: &Context,
        y: &[f32],
        dy: &'a [f32],
        scratch: &'a mut [f32],
    ) -> (&'a [f32], &'a mut [f32]) {
        if !there {
            return (dy, scratch);
        }
        let (dz, scratch) = scratch.split_at_mut(dy.len());
        self.gradient(cx, y, dy, dz);
        (dz, scratch)
    }

    /// `dx = dy` where `y` is positive, else 0: the gradient from the output alone, for fused
    /// layers.
    fn gradient(self, cx: &Context, y: &[f32], dy: &[f32], dx: &mut [f32]) {
        super::pointwise::gradient(self, cx, y, y, dy, dx);
    }
}
