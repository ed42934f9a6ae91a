//! Fine-tuning: a classifier from the labelled samples alone, from a pretrained encoder or from
//! scratch.

use super::augmentation::{self, Items};
use super::classifier::ClassifierTraining;
use super::prefixed::Named;
use super::training::OptimizerName;
use super::values::{Auto, count, fraction, not_negative, positive_to_one};
use crate::error::Error;
use clap::Args;
use narrows_datasets::{Augmentation, Dataset};
use narrows_engine::Loss;
use narrows_models::training::FINE_TUNING_FACTOR;
use narrows_models::{Metric, Training};
use serde::Serialize;

/// The most samples that `auto` epochs see, repetitions counted.
const MOST_SEEN: usize = 600_000;

/// The same of an encoder that others trained on photographs, which takes a hundred times as long.
const MOST_SEEN_BY_OTHERS: usize = 20_000;

/// The factor on the learning rate in the second half of lp-ft for such an encoder: rates of 1e-4
/// did better than those of 3e-4 on photographs, by validation labels.
const FACTOR_OF_OTHERS: f32 = 0.01;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct FinetuningOptions {
    /// Largest norm of the gradients; larger ones are scaled down. 0: no limit
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub clip_norm: f32,
    /// Epochs without improvement until training stops early; 0: it never does
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, value_parser = count(0, 1_000_000))]
    pub patience: usize,
    /// Label smoothing: share of each label that is spread over all classes
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub label_smoothing: f32,
    /// Factor between the learning rates of neighbouring blocks of a pretrained encoder: blocks
    /// further from the head, the last layer, learn slower. 1: one rate for all
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive_to_one)]
    pub lr_decay: f32,
    /// L2-SP: strength with which a pretrained encoder's weights are pulled towards their
    /// pretrained values, in place of weight decay; 0: none
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub l2_sp: f32,
    /// Mixup: train on mixtures of two samples and of their labels, in shares from the distribution
    /// Beta(ALPHA, ALPHA); 0: none
    #[arg(long, value_name = "ALPHA", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub mixup: f32,
    /// Estimate the running statistics of batch normalisation again after training, on training
    /// samples with and without labels
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub reestimate_bn: bool,
}

impl ClassifierTraining {
    /// Fine-tuning on so many labels; what it settles takes the place of `auto`.
    pub fn finetuning(
        &mut self,
        options: &FinetuningOptions,
        lr: f32,
        metric: Metric,
        labels: usize,
        foreign: bool,
        seed: u64,
    ) -> Training {
        let most = if foreign { MOST_SEEN_BY_OTHERS } else { MOST_SEEN };
        let epochs = self.epochs.settle((most / labels.max(1)).clamp(5, 50));
        let batch = self.batch.settle(25);
        let optimizer = self.optimizer.settle(OptimizerName::Adamw);
        let steps = epochs * labels.div_ceil(batch);
        let smoothing = options.label_smoothing;
        Training {
            epochs,
            batch,
            lr,
            schedule: self.schedule.schedule(steps as u64),
            optimizer: optimizer.optimizer(self.weight_decay.settle(0.01)),
            loss: Loss::CrossEntropy { smoothing, class_weights: None },
            clip_norm: (options.clip_norm > 0.0).then_some(options.clip_norm),
            metric,
            patience: options.patience,
            seed,
            augmentation: self.augment.settle(Items(Augmentation::default())).0,
            ema: self.ema.settle(0.0),
            lr_decay: options.lr_decay,
            l2_sp: options.l2_sp,
            finetuning_factor: if foreign { FACTOR_OF_OTHERS } else { FINE_TUNING_FACTOR },
            exact_probe: foreign,
            mixup: options.mixup,
            reestimate_bn: options.reestimate_bn,
            ..Training::default()
        }
    }

    /// Refuses what `data` cannot take, by the name that the option has in `N`.
    pub fn check<N: Named<ClassifierTraining>>(&self, data: &Dataset) -> Result<(), Error> {
        match self.augment {
            Auto::Given(items) => augmentation::check(&N::name("augment"), items, data),
            Auto::Auto => Ok(()),
        }
    }
}
