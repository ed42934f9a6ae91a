//! Activations, by the names that options and files use.

use narrows_engine::Layer;
use narrows_engine::init::Init;
use narrows_engine::layers::{Elu, Gelu, LeakyRelu, Relu, Sigmoid, Tanh};
use serde::{Deserialize, Serialize};

/// An activation by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// None: the layers stay linear.
    None,
    /// `max(x, 0)`
    #[default]
    Relu,
    /// Slope 0.01 below 0.
    LeakyRelu,
    /// `exp(x) - 1` below 0.
    Elu,
    /// `x Phi(x)`
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
}

impl Activation {
    /// All of them, by the names that options and files use.
    pub const ALL: [(&str, Activation); 7] = [
        ("none", Activation::None),
        ("relu", Activation::Relu),
        ("leaky-relu", Activation::LeakyRelu),
        ("elu", Activation::Elu),
        ("gelu", Activation::Gelu),
        ("tanh", Activation::Tanh),
        ("sigmoid", Activation::Sigmoid),
    ];

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
