//! How the autoencoder is trained.

use super::augmentation::AugmentOption;
use super::objective::ObjectiveOptions;
use super::training::{LossName, OptimizerName, ScheduleName};
use super::values::{Auto, auto, count, name, not_negative, positive};
use crate::cli::defaults;
use crate::error::Error;
use clap::Args;
use narrows_models::{Activation, Architecture, Training};
use serde::Serialize;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Pretraining")]
pub struct Pretraining {
    #[command(flatten)]
    #[serde(flatten)]
    pub objective: ObjectiveOptions,
    #[arg(long, help = defaults::EPOCHS_HELP, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub epochs: Auto,
    #[arg(long, help = defaults::HELD_OUT_HELP, value_name = "N", default_value = "auto", value_parser = auto(count(0, u32::MAX as usize)))]
    pub held_out: Auto,
    #[arg(long, help = defaults::BATCH_HELP, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub batch: Auto,
    #[arg(long, help = defaults::LR_HELP, value_name = "RATE", default_value = "auto", value_parser = auto(positive))]
    pub lr: Auto<f32>,
    /// How the learning rate changes: constant, step (a tenth after each third of the steps),
    /// cosine, warm-up (over the first twentieth, then cosine), one-cycle (up for three tenths,
    /// then down)
    #[arg(long, value_name = "NAME", default_value = defaults::SCHEDULE, hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// What turns gradients into steps: sgd (with momentum 0.9), nesterov, adam, adamw
    #[arg(long, value_name = "NAME", default_value = defaults::OPTIMIZER, hide_possible_values = true)]
    pub optimizer: OptimizerName,
    #[arg(long, help = defaults::LOSS_HELP, value_name = "NAME", default_value = "auto",
          value_parser = auto(name(&LossName::ALL)))]
    pub loss: Auto<LossName>,
    /// How strongly weights are pulled towards 0
    #[arg(long, value_name = "X", default_value_t = defaults::WEIGHT_DECAY, value_parser = not_negative::<f64>)]
    pub weight_decay: f64,
    /// Scale gradients down to this norm; 0: leave them
    #[arg(long, value_name = "NORM", default_value_t = defaults::CLIP_NORM, value_parser = not_negative::<f32>)]
    pub clip_norm: f32,
    /// Stop after so many epochs without a better one; 0: never
    #[arg(long, value_name = "EPOCHS", default_value_t = defaults::PATIENCE, value_parser = count(0, 1_000_000))]
    pub patience: usize,
    #[command(flatten)]
    #[serde(flatten)]
    pub augmentation: AugmentOption,
}

impl Pretraining {
    /// Puts numbers in place of `auto`, for a training set of `samples` samples, and the
    /// objective's corruption in its place.
    pub fn resolve(&mut self, samples: usize, architecture: &Architecture) {
        self.epochs = Auto::Given(self.epochs.or(defaults::epochs(samples, architecture)));
        self.batch = Auto::Given(self.batch.or(defaults::batch(samples, architecture)));
        self.held_out = Auto::Given(self.held_out.or(defaults::held_out(samples)));
        self.lr = Auto::Given(self.lr.or(defaults::lr(architecture)));
        self.loss = Auto::Given(self.loss.or(defaults::loss(architecture)));
        self.objective.resolve();
        let augment = &mut self.augmentation.augment.0;
        *augment = self.objective.objective().corrupting(*augment, architecture.input);
    }

    /// Refuses what does not go together, by the names of the options.
    pub fn check(&self, architecture: &Architecture, samples: usize) -> Result<(), Error> {
        self.objective.check()?;
        if self.loss == Auto::Given(LossName::Bce) && architecture.output != Activation::Sigmoid {
            return Err(Error::new("the loss bce is that of a sigmoid: set --output to sigmoid"));
        }
        // PCA, which is measured beside the autoencoder, has no more components.
        let (latent, values) =
            (architecture.latent, architecture.input.checked_len().unwrap_or(usize::MAX));
        if latent > values {
            return Err(Error::new(format!(
                "a latent code of {latent} is longer than a sample, which has {values} values: set --latent lower"
            )));
        }
        match self.held_out(samples) {
            n if n < samples => Ok(()),
            n => Err(Error::new(format!(
                "holding {n} of {samples} training samples out leaves none: set --held-out lower"
            ))),
        }
    }

    /// The samples held out of `samples`.
    pub fn held_out(&self, samples: usize) -> usize {
        self.held_out.or(defaults::held_out(samples))
    }

    /// The training of an autoencoder on `samples` samples, less those held out.
    pub fn training(&self, samples: usize, architecture: &Architecture, seed: u64) -> Training {
        let epochs = self.epochs.or(defaults::epochs(samples, architecture));
        let batch = self.batch.or(defaults::batch(samples, architecture));
        let kept = samples.saturating_sub(self.held_out(samples));
        Training {
            epochs,
            batch,
            lr: self.lr.or(defaults::lr(architecture)),
            schedule: self.schedule.schedule((epochs * kept.div_ceil(batch)) as u64),
            optimizer: self.optimizer.optimizer(self.weight_decay),
            loss: self.loss.or(defaults::loss(architecture)).loss(),
            objective: self.objective.objective(),
            clip_norm: (self.clip_norm > 0.0).then_some(self.clip_norm),
            patience: self.patience,
            seed,
            augmentation: self.augmentation.augment.0,
            ..Training::default()
        }
    }
}
