use super::Pointwise;
use crate::Error;
use crate::hardware::simd::Simd;

/// `x` where positive, `slope x` elsewhere (Maas et al., ICML 2013).
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu {
    /// The slope below 0; PyTorch's `negative_slope`.
    pub slope: f32,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        LeakyRelu { slope: 0.01 }
    }
}

impl Pointwise for LeakyRelu {
    const NAME: &'static str = "leaky relu";

    fn check(self) -> Result<(), Error> {
        if !self.slope.is_finite() {
            return Err(Error::new(format!("needs a finite slope, not {}", self.slope)));
        }
        Ok(())
    }

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        s.select_gt(x, s.splat(0.0), x, s.mul(x, s.splat(self.slope)))
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, x: S::F, _: S::F, dy: S::F) -> S::F {
        s.select_gt(x, s.splat(0.0), dy, s.mul(dy, s.splat(self.slope)))
    }
}
