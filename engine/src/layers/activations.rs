//! The activations: functions of one value, with their derivatives.
//!
//! To add one, write it here, and its reference and case in `tests/layers/cases/activations.rs`.

use super::Pointwise;
use crate::Error;
use crate::error::ensure;
use crate::gemm::Rectifier;
use crate::hardware::simd::Simd;
use crate::math;

/// Declares an activation without settings: its name in messages, `f(x)`, and `f'(x) dy`, given x,
/// y = f(x) and dy.
macro_rules! activation {
    (
        $(#[$doc:meta])*
        $Activation:ident, $name:literal:
        |$s:ident, $x:ident| $f:expr;
        |$t:ident, $at:pat_param, $y:pat_param, $dy:ident| $gradient:expr;
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $Activation;

        impl Pointwise for $Activation {
            const NAME: &'static str = $name;

            #[inline(always)]
            fn forward<S: Simd>(self, $s: S, $x: S::F) -> S::F {
                $f
            }

            #[inline(always)]
            fn backward<S: Simd>(self, $t: S, $at: S::F, $y: S::F, $dy: S::F) -> S::F {
                $gradient
            }
        }
    };
}

/// `max(x, 0)`. Its derivative at 0 is 0. NaN stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Pointwise for Relu {
    const NAME: &'static str = "relu";
    const RECTIFIER: Rectifier = Rectifier::Relu;

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

/// `min(max(x, 0), 6)` (Howard et al., arXiv:1704.04861). Its derivative at 0 and at 6 is 0. NaN
/// stays NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu6;

impl Pointwise for Relu6 {
    const NAME: &'static str = "relu6";
    const RECTIFIER: Rectifier = Rectifier::Relu6;

    #[inline(always)]
    fn forward<S: Simd>(self, s: S, x: S::F) -> S::F {
        Rectifier::Relu6.apply(s, x)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, _: S::F, y: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        s.select_gt(y, zero, s.select_gt(s.splat(6.0), y, dy, zero), zero)
    }
}

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
        ensure!(self.slope.is_finite(), setting, "needs a finite slope, not {}", self.slope);
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
        ensure!(self.alpha.is_finite(), setting, "needs a finite alpha, not {}", self.alpha);
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

activation! {
    /// `x Phi(x)`, Phi the normal distribution function (Hendrycks and Gimpel, arXiv:1606.08415),
    /// the exact form and not the tanh approximation.
    Gelu, "gelu":
    |s, x| s.mul(x, math::normal_cdf(s, x));
    |s, x, _, dy| {
        // Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
        let half_square = s.mul(s.mul(x, x), s.splat(-0.5));
        let density = s.mul(math::exp(s, half_square), s.splat(0.398_942_3));
        s.mul(dy, s.mul_add(x, density, math::normal_cdf(s, x)))
    };
}

activation! {
    /// `x relu6(x + 3) / 6`, which is near `x sigmoid(x)` (Howard et al., ICCV 2019). Its
    /// derivative is 0 up to -3, and 1 from 3 on.
    HardSwish, "hard swish":
    |s, x| {
        let gate = Relu6.forward(s, s.add(x, s.splat(3.0)));
        s.mul(s.mul(x, gate), s.splat(1.0 / 6.0))
    };
    |s, x, _, dy| {
        let between = s.mul(dy, s.mul_add(x, s.splat(1.0 / 3.0), s.splat(0.5)));
        let up_to_3 = s.select_gt(s.splat(3.0), x, between, dy);
        s.select_gt(x, s.splat(-3.0), up_to_3, s.splat(0.0))
    };
}

activation! {
    /// `relu6(x + 3) / 6`, which is near the logistic function (Howard et al., ICCV 2019). Its
    /// derivative at -3 and at 3 is 0.
    HardSigmoid, "hard sigmoid":
    |s, x| s.mul(Relu6.forward(s, s.add(x, s.splat(3.0))), s.splat(1.0 / 6.0));
    |s, x, _, dy| {
        let between = s.select_gt(s.splat(3.0), x, s.mul(dy, s.splat(1.0 / 6.0)), s.splat(0.0));
        s.select_gt(x, s.splat(-3.0), between, s.splat(0.0))
    };
}

activation! {
    /// `x sigmoid(x)`, also called swish (Elfwing, Uchibe and Doya, arXiv:1702.03118).
    Silu, "silu":
    |s, x| s.mul(x, math::sigmoid(s, x));
    |s, x, y, dy| {
        // sigmoid(x) + y (1 - sigmoid(x))
        let gate = math::sigmoid(s, x);
        s.mul(dy, s.mul_add(y, s.sub(s.splat(1.0), gate), gate))
    };
}

activation! {
    /// The logistic function, `1 / (1 + exp(-x))`.
    Sigmoid, "sigmoid":
    |s, x| math::sigmoid(s, x);
    |s, _, y, dy| s.mul(dy, s.mul(y, s.sub(s.splat(1.0), y)));
}

activation! {
    /// The hyperbolic tangent.
    Tanh, "tanh":
    |s, x| math::tanh(s, x);
    |s, _, y, dy| {
        let one = s.splat(1.0);
        // 1 - y^2 without the cancellation near 1
        s.mul(dy, s.mul(s.sub(one, y), s.add(one, y)))
    };
}
