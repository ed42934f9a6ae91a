//! How classifiers are trained: by one command as its main work, by another as a part of it.

use super::augmentation::{AugmentOption, ComparedAugmentOption};
use super::training::{OptimizerName, ScheduleName};
use super::transfer::TransferOptions;
use super::values::{List, count, filled, fraction, list, name, not_negative, positive};
use clap::Args;
use narrows_engine::Loss;
use narrows_models::{Method, Metric, Training};
use serde::Serialize;
use std::sync::LazyLock;

/// All methods, as an option takes them.
pub static METHODS: LazyLock<String> = LazyLock::new(|| names(&Method::ALL, ","));
static METHOD_HELP: LazyLock<String> = LazyLock::new(|| {
    format!("What of a pretrained encoder may learn: {}", names(&Method::ALL[1..], ", "))
});

fn names(methods: &[(&str, Method)], separator: &str) -> String {
    methods.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(separator)
}

/// The options of `finetune`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct Finetuning {
    #[arg(long, help = METHOD_HELP.as_str(), value_name = "NAME", default_value = "lp-ft",
          value_parser = name(&Method::ALL[1..]))]
    pub method: Method,
    /// How often each labelled sample is seen
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count(1, 1_000_000))]
    pub epochs: usize,
    /// The samples of a step
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = count(1, 1_000_000))]
    pub batch: usize,
    /// The learning rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-2, value_parser = positive)]
    pub lr: f32,
    /// How the learning rate changes: constant, step (a tenth after each third of the steps),
    /// cosine, warm-up (over the first twentieth, then cosine), one-cycle (up for three tenths,
    /// then down)
    #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// What turns gradients into steps: sgd (with momentum 0.9), nesterov, adam, adamw
    #[arg(long, value_name = "NAME", default_value = "adamw", hide_possible_values = true)]
    pub optimizer: OptimizerName,
    /// How strongly weights are pulled towards 0
    #[arg(long, value_name = "X", default_value_t = 0.01, value_parser = not_negative::<f64>)]
    pub weight_decay: f64,
    /// Scale gradients down to this norm; 0: leave them
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub clip_norm: f32,
    /// Stop after so many epochs without a better one; 0: never
    #[arg(long, value_name = "EPOCHS", default_value_t = 0,
          value_parser = count(0, 1_000_000))]
    pub patience: usize,
    /// How much of each label is spread over all classes
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub label_smoothing: f32,
    #[command(flatten)]
    #[serde(flatten)]
    pub augmentation: AugmentOption,
    #[command(flatten)]
    #[serde(flatten)]
    pub transfer: TransferOptions,
    /// What validation labels choose by: accuracy, or balanced, the mean of the accuracies of the
    /// classes
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(&Metric::ALL))]
    pub metric: Metric,
}

/// The same as a part of `compare`, where the plain names belong to pretraining.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct ComparedFinetuning {
    /// How often each labelled sample is seen
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count(1, 1_000_000))]
    pub finetune_epochs: usize,
    /// The samples of a step
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = count(1, 1_000_000))]
    pub finetune_batch: usize,
    /// The learning rates of which each method chooses one on each draw, by its validation labels
    #[arg(long, value_name = "LIST", default_value = "3e-3,1e-2,3e-2,1e-1",
          value_parser = filled(list(positive)))]
    pub finetune_lr: List<f32>,
    /// How the learning rate changes: constant, step (a tenth after each third of the steps),
    /// cosine, warm-up (over the first twentieth, then cosine), one-cycle (up for three tenths,
    /// then down)
    #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
    pub finetune_schedule: ScheduleName,
    /// What turns gradients into steps: sgd (with momentum 0.9), nesterov, adam, adamw
    #[arg(long, value_name = "NAME", default_value = "adamw", hide_possible_values = true)]
    pub finetune_optimizer: OptimizerName,
    /// How strongly weights are pulled towards 0
    #[arg(long, value_name = "X", default_value_t = 0.01, value_parser = not_negative::<f64>)]
    pub finetune_weight_decay: f64,
    /// Scale gradients down to this norm; 0: leave them
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub finetune_clip_norm: f32,
    /// Stop after so many epochs without a better one; 0: never
    #[arg(long, value_name = "EPOCHS", default_value_t = 0,
          value_parser = count(0, 1_000_000))]
    pub finetune_patience: usize,
    /// How much of each label is spread over all classes
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub label_smoothing: f32,
    #[command(flatten)]
    #[serde(flatten)]
    pub augmentation: ComparedAugmentOption,
    #[command(flatten)]
    #[serde(flatten)]
    pub transfer: TransferOptions,
    /// What validation labels choose by and results are compared by: accuracy, or balanced, the
    /// mean of the accuracies of the classes, for classes of very different size
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(&Metric::ALL))]
    pub metric: Metric,
}

impl Finetuning {
    /// The training of a classifier on `samples` samples.
    pub fn training(&self, samples: usize, seed: u64) -> Training {
        self.transfer.of(Training {
            epochs: self.epochs,
            batch: self.batch,
            lr: self.lr,
            schedule: self.schedule.schedule((self.epochs * samples.div_ceil(self.batch)) as u64),
            optimizer: self.optimizer.optimizer(self.weight_decay),
            loss: Loss::CrossEntropy { smoothing: self.label_smoothing, class_weights: None },
            clip_norm: (self.clip_norm > 0.0).then_some(self.clip_norm),
            metric: self.metric,
            patience: self.patience,
            seed,
            augmentation: self.augmentation.augment.0,
            ..Training::default()
        })
    }
}

impl ComparedFinetuning {
    /// The training of each classifier on `samples` samples, with the first of the learning rates.
    pub fn training(&self, samples: usize, seed: u64) -> Training {
        let alone = Finetuning {
            method: Method::Scratch,
            epochs: self.finetune_epochs,
            batch: self.finetune_batch,
            lr: self.finetune_lr.0.first().copied().unwrap_or(1e-2),
            schedule: self.finetune_schedule,
            optimizer: self.finetune_optimizer,
            weight_decay: self.finetune_weight_decay,
            clip_norm: self.finetune_clip_norm,
            patience: self.finetune_patience,
            label_smoothing: self.label_smoothing,
            augmentation: AugmentOption { augment: self.augmentation.finetune_augment },
            transfer: self.transfer.clone(),
            metric: self.metric,
        };
        alone.training(samples, seed)
    }
}
