use super::Pointwise;
use crate::Error;
use crate::hardware::simd::Simd;
use crate::math;

/// `x` where positive, `alpha (exp(x) - 1)` elsewhere (Clevert et al., ICLR 2016).
#[derive(Clone, Copy, Debug)]
pub struct Elu {
    /// The depth of the negative side.
    pub alpha: f32,
}

impl Default for Elu {
    fn default() -> Self {
        Elu { alpha: 1.0 }
    }
}

impl Pointwise for Elu {
    const NAME: &'static str = "elu";

    fn check(self) -> Result<(), Error> {
        if !self.alpha.is_finite() {
            return Err(Error::new(format!("needs a finite alpha, not {}", self.alpha)));
        }
        Ok(())
    }

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        let zero = s.splat(0.0);
        let below = s.mul(s.splat(self.alpha), math::exp_m1_negative(s, s.min(zero, x)));
        s.select_gt(x, zero, x, below)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, x: S::F, y: S::F, dy: S::F) -> S::F {
        // alpha exp(x) = y + alpha
        let below = s.mul(dy, s.add(y, s.splat(self.alpha)));
        s.select_gt(x, s.splat(0.0), dy, below)
    }
}
