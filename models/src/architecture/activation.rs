//! Activations, by the names that options and files use.

use crate::layer_spec::Function;
use crate::names::named;
use narrows_engine::init::Init;

named! {
    /// An activation.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Activation {
        /// None: the layers stay linear.
        None = "none",
        /// `max(x, 0)`
        #[default]
        Relu = "relu",
        /// Slope 0.01 below 0.
        LeakyRelu = "leaky-relu",
        /// `exp(x) - 1` below 0.
        Elu = "elu",
        /// `x Phi(x)`
        Gelu = "gelu",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// The logistic function.
        Sigmoid = "sigmoid",
    }
}

impl Activation {
    pub(super) fn function(self) -> Option<Function> {
        Some(match self {
            Activation::None => return None,
            Activation::Relu => Function::Relu,
            Activation::LeakyRelu => Function::LeakyRelu(0.01),
            Activation::Elu => Function::Elu(1.0),
            Activation::Gelu => Function::Gelu,
            Activation::Tanh => Function::Tanh,
            Activation::Sigmoid => Function::Sigmoid,
        })
    }

    /// The initialisation of a weight before it.
    pub(super) fn init(self) -> Init {
        match self {
            Activation::None | Activation::Tanh | Activation::Sigmoid => Init::XavierUniform,
            _ => Init::HeNormal,
        }
    }
}
