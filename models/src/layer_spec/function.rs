//! Functions of single values, as data.

use super::LayerSpec;
use narrows_engine::Layer;
use narrows_engine::layers::{
    Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, Relu, Relu6, Sigmoid, Silu, Tanh,
};
use serde::{Deserialize, Serialize};

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Function {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// That slope below 0.
    LeakyRelu(f32),
    /// `alpha (exp(x) - 1)` below 0.
    Elu(f32),
    /// `x Phi(x)`
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// `x sigmoid(x)`
    Silu,
    /// `x relu6(x + 3) / 6`
    HardSwish,
    /// `relu6(x + 3) / 6`
    HardSigmoid,
}

impl From<Function> for LayerSpec {
    fn from(function: Function) -> LayerSpec {
        LayerSpec::Activation { function }
    }
}

impl Function {
    pub(super) fn layer(self) -> Box<dyn Layer> {
        match self {
            Function::Relu => Box::new(Relu),
            Function::Relu6 => Box::new(Relu6),
            Function::LeakyRelu(slope) => Box::new(LeakyRelu { slope }),
            Function::Elu(alpha) => Box::new(Elu { alpha }),
            Function::Gelu => Box::new(Gelu),
            Function::Tanh => Box::new(Tanh),
            Function::Sigmoid => Box::new(Sigmoid),
            Function::Silu => Box::new(Silu),
            Function::HardSwish => Box::new(HardSwish),
            Function::HardSigmoid => Box::new(HardSigmoid),
        }
    }
}
