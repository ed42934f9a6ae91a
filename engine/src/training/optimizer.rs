//! Optimisers, which turn gradients into steps.
//!
//! A step is one pass over four slabs (parameters, gradients, two moments), in blocks of fixed
//! size. The trainer makes it layer by layer, right behind each layer's gradient, which saves most
//! of that traffic.

mod adam;
mod clip;
mod pull_to_pretrained;
mod sgd;
mod slabs;
mod state;

pub use clip::clip_grad_norm;
pub use state::OptimizerState;

use super::range::{below_one, not_negative};
use crate::Error;
use crate::error::ensure;
use crate::hardware::simd::Isa;
use adam::Adam;
use slabs::Slabs;

/// An optimiser and its settings, with the semantics of PyTorch's class of the same name.
///
/// Settings are f64 because differences are computed from them: 1 - 0.999 in f32 is off by 1e-5 of
/// itself. Weight decay reaches weights alone, not biases nor a normalisation's gamma and beta.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// `buffer = momentum buffer + g`, then `p -= lr buffer`.
    Sgd {
        /// Fraction of the last step's direction that goes on; 0 for none.
        momentum: f64,
        /// Steps along `g + momentum buffer` instead (Sutskever et al., ICML 2013).
        nesterov: bool,
        /// `weight_decay p` is added to the gradient.
        weight_decay: f64,
    },
    /// Kingma and Ba, ICLR 2015.
    Adam {
        /// The decay of the gradient's running mean.
        beta1: f64,
        /// The decay of the squared gradient's running mean.
        beta2: f64,
        /// Added to the root of the squared gradient's mean, after its correction.
        eps: f64,
        /// `weight_decay p` is added to the gradient.
        weight_decay: f64,
    },
    /// Adam with the decay apart from the gradient (Loshchilov and Hutter, ICLR 2019).
    AdamW {
        /// The same as in [`Optimizer::Adam`].
        beta1: f64,
        /// The same as in [`Optimizer::Adam`].
        beta2: f64,
        /// The same as in [`Optimizer::Adam`].
        eps: f64,
        /// `p` shrinks by `lr weight_decay p` before each step.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// Plain gradient descent: no momentum, no decay.
    pub fn sgd() -> Optimizer {
        Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with betas 0.9 and 0.999, epsilon 1e-8, no decay.
    pub fn adam() -> Optimizer {
        Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with betas 0.9 and 0.999, epsilon 1e-8, decay 1e-2.
    pub fn adamw() -> Optimizer {
        Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        match *self {
            Optimizer::Sgd { momentum, nesterov, .. } => {
                below_one("the momentum", momentum)?;
                ensure!(!nesterov || momentum > 0.0, setting, "nesterov needs a momentum above 0");
            }
            Optimizer::Adam { beta1, beta2, eps, .. }
            | Optimizer::AdamW { beta1, beta2, eps, .. } => {
                below_one("beta1", beta1)?;
                below_one("beta2", beta2)?;
                // An epsilon that is 0 as f32 divides 0 by 0 where a gradient has always been 0.
                let fits = eps >= f64::from(f32::MIN_POSITIVE) && eps.is_finite();
                ensure!(fits, setting, "the epsilon must be positive and finite, not {eps}");
            }
        }
        not_negative("the weight decay", self.weight_decay())
    }

    /// The number of moments that it keeps for a parameter.
    fn moments(&self) -> usize {
        match *self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => 2,
        }
    }

    fn weight_decay(&self) -> f64 {
        match *self {
            Optimizer::Sgd { weight_decay, .. }
            | Optimizer::Adam { weight_decay, .. }
            | Optimizer::AdamW { weight_decay, .. } => weight_decay,
        }
    }

    /// Updates a part of one parameter, whose weights decay by `decay`, at its own rate `lr`.
    fn update(&self, isa: Isa, decay: f64, updates: u64, lr: f64, slabs: Slabs<'_>) {
        match *self {
            Optimizer::Sgd { momentum: 0.0, .. } => {
                sgd::plain(isa, slabs.p, slabs.g, lr as f32, decay as f32);
            }
            Optimizer::Sgd { momentum, nesterov, .. } => {
                let (lr, momentum, decay) = (lr as f32, momentum as f32, decay as f32);
                sgd::momentum(isa, slabs, lr, momentum, nesterov, decay);
            }
            Optimizer::Adam { beta1, beta2, eps, .. }
            | Optimizer::AdamW { beta1, beta2, eps, .. } => {
                let adam = Adam::new([beta1, beta2], eps, updates, lr);
                let adam = match self {
                    Optimizer::Adam { .. } => adam.with_decay_in_gradient(decay),
                    _ => adam.with_decay_apart(decay),
                };
                adam::update(isa, adam, slabs);
            }
        }
    }
}
