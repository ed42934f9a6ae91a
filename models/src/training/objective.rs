//! Objectives: what an autoencoder learns, beside giving back its input.
//!
//! | objective | what it asks for | by |
//! |---|---|---|
//! | plain | the sample | |
//! | denoising | the sample, from one with noise on it (Vincent et al., ICML 2008) | a corruption |
//! | masked | the sample, from one of which most is hidden (He et al., CVPR 2022) | a corruption |
//! | sparse | few values of the code far from 0 (Ng 2011; Hoyer, JMLR 2004) | a layer on the code |
//! | variational | normally distributed codes (Kingma, Welling, ICLR 2014) | a layer on the code |
//!
//! A corruption is one of [`Augmentation`]; an objective chooses it where the training does not. A
//! layer on the code stands between encoder and decoder in training alone, and adds its penalty to
//! the loss. To add an objective: a variant below, its arms, its name in the options of the binary,
//! and its case in `tests/objective.rs`.

use crate::architecture::SampleShape;
use narrows_datasets::Augmentation;
use narrows_engine::Layer;
use narrows_engine::layers::{GaussianSample, Sparsity};

/// The task of an autoencoder beside giving back its input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Objective {
    /// Nothing else.
    #[default]
    Plain,
    /// To undo noise: a denoising autoencoder. Unless the training has a corruption of its own,
    /// that is Gaussian noise of a standard deviation of 0.5 and two fifths of the values masked:
    /// what 100 labels of MNIST gained most by (docs/results/few-labels-transfer.md).
    Denoising,
    /// To fill in what is hidden: a masked autoencoder. Unless the training has a corruption of its
    /// own, three quarters of an image are hidden, in squares of a seventh of its shorter side, or
    /// half of the values of samples that are no images.
    ///
    /// Unlike in the paper, the hidden parts are zeros to the encoder and not left out, and the
    /// loss is that of all values, not of the hidden ones alone.
    Masked,
    /// A sparse code: [`Sparsity`].
    Sparse {
        /// The weight of the penalty against the mean loss of a value.
        weight: f32,
    },
    /// A code drawn from normal distributions near the standard one: [`GaussianSample`]. It needs
    /// [`Architecture::variational`](crate::Architecture::variational).
    Variational {
        /// The factor on the divergence; with 1, what is minimised is the negative evidence lower
        /// bound, divided by the values of a sample.
        beta: f32,
        /// The epochs over which that factor grows from almost nothing.
        warm_up: usize,
    },
}

impl Objective {
    /// `augmentation`, and this objective's corruption if it has one and `augmentation` has none.
    pub fn corrupting(self, augmentation: Augmentation, input: SampleShape) -> Augmentation {
        if augmentation.corrupts() {
            return augmentation;
        }
        match (self, input) {
            (Objective::Denoising, _) => Augmentation { gaussian: 0.5, mask: 0.4, ..augmentation },
            (Objective::Masked, SampleShape::Image([h, w, _])) => {
                let patch =
                    if augmentation.patch > 0 { augmentation.patch } else { (h.min(w) / 7).max(1) };
                Augmentation { mask: 0.75, patch, ..augmentation }
            }
            (Objective::Masked, SampleShape::Flat(_)) => Augmentation { mask: 0.5, ..augmentation },
            (Objective::Plain | Objective::Sparse { .. } | Objective::Variational { .. }, _) => {
                augmentation
            }
        }
    }

    /// The layer between encoder and decoder in training, if there is one, for samples of `values`
    /// values and epochs of `steps` steps.
    pub(crate) fn on_code(self, values: usize, steps: u64) -> Option<Box<dyn Layer>> {
        match self {
            Objective::Plain | Objective::Denoising | Objective::Masked => None,
            Objective::Sparse { weight } => Some(Box::new(Sparsity { weight })),
            Objective::Variational { beta, warm_up } => Some(Box::new(GaussianSample {
                // The loss is a mean over the values, the divergence a sum over the code's.
                kl_weight: beta / values as f32,
                warm_up: (warm_up as u64).saturating_mul(steps),
            })),
        }
    }

    pub(crate) fn is_variational(self) -> bool {
        matches!(self, Objective::Variational { .. })
    }
}
