//! The training of the autoencoder.

use super::architecture::{ArchitectureOptions, check_batch};
use super::augmentation::{AUGMENT_HELP, Items, augmentation, check};
use super::objective::ObjectiveOptions;
use super::prefixed::Named;
use super::training::{LossName, OptimizerName, ScheduleName};
use super::values::{Auto, auto, count, not_negative, positive, variant};
use crate::error::{Error, ensure};
use clap::Args;
use narrows_datasets::{Dataset, TrainTest};
use narrows_models::{Activation, Architecture, Model, Pretraining, SampleShape, Training};
use serde::Serialize;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PretrainingOptions<T: Args = AutoencoderTraining> {
    #[command(flatten)]
    #[serde(flatten)]
    pub objective: ObjectiveOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub training: T,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Pretraining")]
pub struct AutoencoderTraining {
    /// Epochs: passes over all samples. auto: 1,200,000 / samples, within 20 to 100. conv and
    /// resnet pass over at most 1,200,000,000 values, but at least 5 times: 7 times over 50,000
    /// colour images of 32x32
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub epochs: Auto,
    /// Training samples held out to choose the best epoch. Data with samples for validation use
    /// those instead. auto: one in 20, at most 1,000
    #[arg(long, value_name = "N", default_value = "auto",
          value_parser = auto(count(0, u32::MAX as usize)))]
    pub held_out: Auto,
    /// Batch: samples per step. auto: samples / 16, within 32 to 256 (128 for conv and resnet)
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub batch: Auto,
    /// Learning rate. auto: 0.002 for dense, 0.01 for conv and resnet
    #[arg(long, value_name = "RATE", default_value = "auto", value_parser = auto(positive))]
    pub lr: Auto<f32>,
    /// Course of the learning rate: constant, step (divided by 10 after each third of the steps),
    /// cosine (down to 0), warm-up (up in the first twentieth of the steps, then cosine), one-cycle
    /// (up in the first three tenths, then down)
    #[arg(long, value_name = "NAME", default_value = "one-cycle", hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// Optimiser: sgd (with momentum 0.9), nesterov (sgd with Nesterov's momentum), adam, adamw
    #[arg(long, value_name = "NAME", default_value = "adam", hide_possible_values = true)]
    pub optimizer: OptimizerName,
    /// Loss of the reconstruction: l2 (squared error), l1 (absolute error), huber (l2 below 0.1, l1
    /// above), bce (binary cross-entropy of a sigmoid output). auto: l2, or bce for the variational
    /// objective with a sigmoid output
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = auto(variant::<LossName>))]
    pub loss: Auto<LossName>,
    /// Weight decay: strength with which weights are pulled towards 0
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f64>)]
    pub weight_decay: f64,
    /// Largest norm of the gradients; larger ones are scaled down. 0: no limit
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub clip_norm: f32,
    /// Epochs without improvement until training stops early; 0: it never does
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, value_parser = count(0, 1_000_000))]
    pub patience: usize,
    #[arg(long, help = AUGMENT_HELP.as_str(), value_name = "LIST", default_value = "none",
          value_parser = augmentation)]
    pub augment: Items,
}

impl<T: Named<AutoencoderTraining>> PretrainingOptions<T> {
    /// The architecture of `options` for `train`, variational where the objective is.
    pub fn architecture(&self, options: &mut ArchitectureOptions, train: &Dataset) -> Architecture {
        Architecture {
            variational: self.objective.is_variational(),
            ..options.resolve(SampleShape::of(train), train.in_unit_range())
        }
    }

    /// The training of an autoencoder on `train`, less the samples held out; what it settles takes
    /// the place of `auto`, and the objective's corruption its place.
    pub fn resolve(&mut self, train: &Dataset, architecture: &Architecture, seed: u64) -> Training {
        let samples = train.learnt();
        let objective = self.objective.resolve();
        let this = self.training.options_mut();
        let epochs = this.epochs.settle(epochs(samples, architecture));
        let batch = this.batch.settle(batch(samples, architecture));
        let held_out = this.held_out.settle(held_out(train));
        let augment = &mut this.augment.0;
        *augment = objective.corrupting(*augment, architecture.input);
        let steps = epochs * samples.saturating_sub(held_out).div_ceil(batch);
        Training {
            epochs,
            batch,
            lr: this.lr.settle(lr(architecture)),
            schedule: this.schedule.schedule(steps as u64),
            optimizer: this.optimizer.optimizer(this.weight_decay),
            loss: this.loss.settle(loss(architecture)).loss(),
            objective,
            clip_norm: (this.clip_norm > 0.0).then_some(this.clip_norm),
            patience: this.patience,
            seed,
            augmentation: this.augment.0,
            ..Training::default()
        }
    }

    /// The pretraining of `architecture` on `data`.
    ///
    /// # Errors
    /// If options do not go together, or do not fit the data; by the names of the options.
    pub fn of<'a>(
        &self,
        data: &'a TrainTest,
        architecture: &'a Architecture,
        training: &'a Training,
    ) -> Result<Pretraining<'a>, Error> {
        self.check(architecture, &data.train)?;
        check_batch(architecture, &T::name("batch"), training.batch)?;
        let held_out = self.held_out(&data.train);
        Ok(Pretraining { data, architecture, training, held_out, seed: training.seed })
    }

    fn held_out(&self, train: &Dataset) -> usize {
        self.training.options().held_out.or(held_out(train))
    }

    /// Refuses what does not go together, or what `train` cannot take, by the names of the options.
    fn check(&self, architecture: &Architecture, train: &Dataset) -> Result<(), Error> {
        self.objective.check()?;
        ensure!(
            self.training.options().loss != Auto::Given(LossName::Bce)
                || architecture.output == Activation::Sigmoid,
            "the loss bce needs a sigmoid output: set --output to sigmoid"
        );
        // PCA, which is measured beside the autoencoder, has no more components.
        let (latent, values) =
            (architecture.latent, architecture.input.checked_len().unwrap_or(usize::MAX));
        ensure!(
            latent <= values,
            "a latent code of {latent} is longer than a sample, which has {values} values: set \
                 --latent lower"
        );
        let samples = train.learnt();
        let held_out = self.held_out(train);
        ensure!(
            held_out < samples,
            "holding {held_out} of {samples} training samples out leaves none: set {} \
                 lower",
            T::name("held-out")
        );
        check(&T::name("augment"), self.training.options().augment, train)
    }
}

/// The epochs of pretraining for so many samples: about as many steps, however many samples there
/// are. What convolutions cost grows with the pixels, and minutes should be enough.
fn epochs(samples: usize, architecture: &Architecture) -> usize {
    let epochs = (1_200_000 / samples.max(1)).clamp(20, 100);
    match (architecture.model, architecture.input) {
        (Model::Dense, _) | (_, SampleShape::Flat(_)) => epochs,
        (_, SampleShape::Image(sizes)) => {
            let values =
                sizes.iter().fold(samples.max(1), |values, size| values.saturating_mul(*size));
            epochs.min((1_200_000_000 / values.max(1)).max(5))
        }
    }
}

/// The batch size of pretraining: large for speed, but so that an epoch has more than a handful of
/// steps. A convolution is as fast on few samples, each of which has many pixels.
fn batch(samples: usize, architecture: &Architecture) -> usize {
    let most = if architecture.model == Model::Dense { 256 } else { 128 };
    (samples / 16).clamp(32, most)
}

/// The training samples held out to choose pretraining's epoch: none if the data have others for
/// it.
fn held_out(train: &Dataset) -> usize {
    if train.validation().is_empty() { (train.len() / 20).min(1000) } else { 0 }
}

/// The learning rate of pretraining. Batch-normalised convolutions, whose weights are used at many
/// places, bear a larger one.
fn lr(architecture: &Architecture) -> f32 {
    if architecture.model == Model::Dense { 2e-3 } else { 1e-2 }
}

/// The loss of pretraining. A normal distribution with the variance of 1/2 that l2 stands for
/// leaves pixels in [0, 1] next to nothing to say, against the divergence.
fn loss(architecture: &Architecture) -> LossName {
    match architecture.variational && architecture.output == Activation::Sigmoid {
        true => LossName::Bce,
        false => LossName::L2,
    }
}
