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
use narrows_models::{Metric, Training};
use serde::Serialize;

/// The most samples that `auto` epochs see, repetitions counted.
const MOST_SEEN: usize = 600_000;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct FinetuningOptions {
    /// Largest norm of the gradients: longer ones are scaled down; 0: no limit
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub clip_norm: f32,
    /// Stop after so many epochs without a better one; 0: never
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, value_parser = count(0, 1_000_000))]
    pub patience: usize,
    /// Label smoothing: the part of each label that is spread over all classes
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub label_smoothing: f32,
    /// Factor of the learning rate from each block of a pretrained encoder to the block below it;
    /// the head is the topmost block; 1: one rate for all
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive_to_one)]
    pub lr_decay: f32,
    /// Weight decay of a pretrained encoder towards its pretrained weights (L2-SP), in place of
    /// weight decay towards 0; 0: none
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub l2_sp: f32,
    /// Mixup: train on pairs of samples mixed by parts from Beta(ALPHA, ALPHA), and on their labels
    /// in the same parts; 0: off
    #[arg(long, value_name = "ALPHA", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub mixup: f32,
    /// Estimate batch norm's running statistics anew after training, on all training samples
    /// without their labels
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
        seed: u64,
    ) -> Training {
        let epochs = self.epochs.settle((MOST_SEEN / labels.max(1)).clamp(5, 50));
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
