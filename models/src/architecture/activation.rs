//! Activations, by the names that options and files use.

use crate::names::named;
use narrows_engine::Layer;
use narrows_engine::init::Init;
use narrows_engine::layers::{Elu, Gelu, LeakyRelu, Relu, Sigmoid, Tanh};

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
    pub(super) fn layer(self) -> Option<Box<dyn Layer>> {
        Some(match self {
            Activation::None => return None,
            Activation::Relu => Box::new(Relu),
            Activation::LeakyRelu => Box::new(LeakyRelu::default()),
            Activation::Elu => Box::new(Elu::default()),
            Activation::Gelu => Box::new(Gelu),
            Activation::Tanh => Box::new(Tanh),
            Activation::Sigmoid => Box::new(Sigmoid),
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
