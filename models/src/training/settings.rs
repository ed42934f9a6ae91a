//! The settings of a training.

use super::ema::Ema;
use super::mixup::Mixup;
use super::objective::Objective;
use crate::error::{Error, bail, ensure};
use crate::evaluation::Metric;
use narrows_datasets::Augmentation;
use narrows_engine::{Loss, Optimizer, Schedule};

/// The usual [`Training::finetuning_factor`].
pub const FINE_TUNING_FACTOR: f32 = 0.1;

/// The settings of a training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The number of passes over the samples.
    pub epochs: usize,
    /// The samples of a step.
    pub batch: usize,
    /// The base learning rate.
    pub lr: f32,
    /// The course of the learning rate over the steps.
    pub schedule: Schedule,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The loss.
    pub loss: Loss,
    /// The task of an autoencoder beside that. [`Pretraining`](crate::Pretraining) sees to it.
    pub objective: Objective,
    /// Gradients are scaled down to this norm, if set.
    pub clip_norm: Option<f32>,
    /// The measure that chooses a classifier's best epoch; among equals the smaller loss does.
    pub metric: Metric,
    /// Stop after so many epochs without a better validation; 0 to train to the end.
    pub patience: usize,
    /// Decides the shuffle, the dropout and the augmentation.
    pub seed: u64,
    /// The augmentation of the samples to train on; validation sees them unchanged.
    /// Towards [`Goal::Reconstruct`](crate::Goal::Reconstruct) the output should be the sample
    /// transformed, but not corrupted.
    pub augmentation: Augmentation,
    /// Validate and keep a moving average of the weights, of which each step leaves this part
    /// ([`Ema`]); 0 for the weights themselves.
    pub ema: f32,
    /// Mix pairs of samples by parts from Beta(alpha, alpha), towards
    /// [`Goal::Classify`](crate::Goal::Classify) with cross-entropy (Zhang et al., ICLR 2018). It
    /// follows augmentation. 0 for none.
    pub mixup: f32,
    /// A pretrained encoder's blocks learn slower from block to block, by this factor from the head
    /// down (discriminative rates: Howard and Ruder, ACL 2018, section 3.1); 1 for one rate.
    /// [`Transfer::train`](crate::Transfer::train) sees to it.
    pub lr_decay: f32,
    /// The strength that pulls a pretrained encoder's weights towards their first values, in place
    /// of their decay towards 0 (L2-SP: Li, Grandvalet and Davoine, ICML 2018); 0 for not at all.
    /// [`Transfer::pull_to_pretrained`](crate::Transfer::pull_to_pretrained) sees to it.
    pub l2_sp: f32,
    /// The factor on the learning rate in the second half of
    /// [`Transfer::LpFt`](crate::Transfer::LpFt), in which the encoder learns. An encoder that
    /// others trained on many samples bears a smaller one.
    pub finetuning_factor: f32,
    /// In [`Transfer::LpFt`](crate::Transfer::LpFt) the head is first fitted to the end, as a
    /// logistic regression, and all epochs are of the second half. That is for encoders that others
    /// trained: on many codes, steps fit the head to the labels alone.
    pub exact_probe: bool,
    /// Estimate the running statistics of batch norm anew when [`Run::train`](super::Run::train)
    /// ends, on all rows of the data, without their labels
    /// ([`reestimate_statistics`](crate::reestimate_statistics)).
    pub reestimate_bn: bool,
}

/// Adam with a decay apart from the gradient, at a constant rate of 1e-3, one epoch in batches of
/// 32, mean squared error; everything else is off.
impl Default for Training {
    fn default() -> Training {
        Training {
            epochs: 1,
            batch: 32,
            lr: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::adamw(),
            loss: Loss::L2,
            objective: Objective::Plain,
            clip_norm: None,
            metric: Metric::Accuracy,
            patience: 0,
            seed: 0,
            augmentation: Augmentation::default(),
            ema: 0.0,
            mixup: 0.0,
            lr_decay: 1.0,
            l2_sp: 0.0,
            finetuning_factor: FINE_TUNING_FACTOR,
            exact_probe: false,
            reestimate_bn: false,
        }
    }
}

impl Training {
    /// A training of an autoencoder that suits some thousand samples: 30 epochs in batches of 64,
    /// Adam, a learning rate up to 2e-3 and down again.
    pub fn autoencoder() -> Training {
        Training {
            epochs: 30,
            batch: 64,
            lr: 2e-3,
            schedule: Schedule::one_cycle(),
            optimizer: Optimizer::adam(),
            ..Training::default()
        }
    }

    /// A training of a classifier that suits some hundred labels: 50 epochs in batches of 25,
    /// Adam, a learning rate up to 1e-2 and down again, cross-entropy.
    pub fn classifier() -> Training {
        Training {
            epochs: 50,
            batch: 25,
            lr: 1e-2,
            loss: Loss::cross_entropy(),
            ..Training::autoencoder()
        }
    }

    /// # Errors
    /// If a setting makes no sense; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        check_course(self.epochs, self.lr)?;
        ensure!(self.batch != 0, "a batch needs at least 1 sample");
        if let Some(norm) = self.clip_norm.filter(|norm| norm.is_nan() || *norm <= 0.0) {
            bail!("the gradient norm to clip to must be positive, not {norm}");
        }
        self.schedule.check()?;
        self.optimizer.check()?;
        self.loss.check()?;
        self.augmentation.check()?;
        Mixup::check(self.mixup, &self.loss)?;
        ensure!(
            self.lr_decay > 0.0 && self.lr_decay <= 1.0,
            "the factor of the learning rate from block to block must be above 0 and at most \
                 1, not {}",
            self.lr_decay
        );
        if !(self.l2_sp >= 0.0 && self.l2_sp.is_finite()) {
            bail!(
                "the pull towards the pretrained weights must be finite and not negative, not {}",
                self.l2_sp
            );
        }
        Ema::check(self.ema)
    }
}

/// Refuses epochs and learning rates that nothing can be trained by.
///
/// # Errors
/// If there are no epochs, or the rate is not positive and finite.
pub(crate) fn check_course(epochs: usize, lr: f32) -> Result<(), Error> {
    ensure!(epochs != 0, "training needs at least 1 epoch");
    match lr > 0.0 && lr.is_finite() {
        true => Ok(()),
        false => {
            bail!("the learning rate must be positive and finite, not {lr}")
        }
    }
}
