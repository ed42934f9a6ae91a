use super::{Pointwise, Relu6};
use crate::hardware::simd::Simd;

/// `x relu6(x + 3) / 6`, which is near `x sigmoid(x)` (Howard et al., ICCV 2019). Its derivative is
/// 0 up to -3, and 1 from 3 on.
#[derive(Clone, Copy, Debug, Default)]
pub struct HardSwish;

impl Pointwise for HardSwish {
    const NAME: &'static str = "hard swish";

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        let gate = Relu6.forward(s, s.add(x, s.splat(3.0)));
        s.mul(s.mul(x, gate), s.splat(1.0 / 6.0))
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, x: S::F, _: S::F, dy: S::F) -> S::F {
        let between = s.mul(dy, s.mul_add(x, s.splat(1.0 / 3.0), s.splat(0.5)));
        let up_to_3 = s.select_gt(s.splat(3.0), x, between, dy);
        s.select_gt(x, s.splat(-3.0), up_to_3, s.splat(0.0))
    }
}
