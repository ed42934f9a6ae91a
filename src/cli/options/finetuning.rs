//! The training of classifiers: the main work of one command, a part of others.

use super::augmentation::{self, AUGMENT_HELP, Items, augmentation};
use super::training::{OptimizerName, ScheduleName};
use super::transfer::TransferOptions;
use super::values::{List, count, filled, fraction, list, name, not_negative, positive};
use crate::error::Error;
use clap::Args;
use narrows_datasets::Dataset;
use narrows_engine::Loss;
use narrows_models::{Metric, Training};
use serde::Serialize;

/// Declares the options of a classifier's training, by the names that they have in a command.
macro_rules! finetuning {
    (
        $(#[$about:meta])* $options:ident { $(#[$lr_arg:meta])* $lr:ident: $rate:ty => $first:expr }
        $epochs:ident $batch:ident $schedule:ident $optimizer:ident $weight_decay:ident
        $clip_norm:ident $patience:ident
        #[help = $augment_help:expr] $augment:ident $augment_name:literal
        #[help = $metric_help:literal] metric
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Args, Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[command(next_help_heading = "Fine-tuning")]
        pub struct $options {
            /// Epochs: passes over the labelled samples
            #[arg(long, value_name = "N", default_value_t = 50, value_parser = count(1, 1_000_000))]
            pub $epochs: usize,
            /// Samples per step
            #[arg(long, value_name = "N", default_value_t = 25, value_parser = count(1, 1_000_000))]
            pub $batch: usize,
            $(#[$lr_arg])*
            pub $lr: $rate,
            /// Course of the learning rate: constant, step (a tenth after each third of the steps),
            /// cosine, warm-up (over the first twentieth, then cosine), one-cycle (up for three
            /// tenths, then down)
            #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
            pub $schedule: ScheduleName,
            /// Optimiser: sgd (with momentum 0.9), nesterov, adam, adamw
            #[arg(long, value_name = "NAME", default_value = "adamw", hide_possible_values = true)]
            pub $optimizer: OptimizerName,
            /// Weight decay
            #[arg(long, value_name = "X", default_value_t = 0.01,
                  value_parser = not_negative::<f64>)]
            pub $weight_decay: f64,
            /// Largest norm of the gradients: longer ones are scaled down; 0: no limit
            #[arg(long, value_name = "NORM", default_value_t = 0.0,
                  value_parser = not_negative::<f32>)]
            pub $clip_norm: f32,
            /// Stop after so many epochs without a better one; 0: never
            #[arg(long, value_name = "EPOCHS", default_value_t = 0,
                  value_parser = count(0, 1_000_000))]
            pub $patience: usize,
            /// Label smoothing: the part of each label that is spread over all classes
            #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
            pub label_smoothing: f32,
            #[arg(long, help = $augment_help, value_name = "LIST", default_value = "none",
                  value_parser = augmentation)]
            pub $augment: Items,
            #[command(flatten)]
            #[serde(flatten)]
            pub transfer: TransferOptions,
            #[arg(long, help = $metric_help, value_name = "NAME", default_value = "accuracy",
                  value_parser = name(Metric::ALL))]
            pub metric: Metric,
        }

        impl $options {
            /// The training of a classifier on `samples` samples, with the first learning rate.
            pub fn training(&self, samples: usize, seed: u64) -> Training {
                let steps = self.$epochs * samples.div_ceil(self.$batch);
                let smoothing = self.label_smoothing;
                self.transfer.of(Training {
                    epochs: self.$epochs,
                    batch: self.$batch,
                    lr: $first(&self.$lr),
                    schedule: self.$schedule.schedule(steps as u64),
                    optimizer: self.$optimizer.optimizer(self.$weight_decay),
                    loss: Loss::CrossEntropy { smoothing, class_weights: None },
                    clip_norm: (self.$clip_norm > 0.0).then_some(self.$clip_norm),
                    metric: self.metric,
                    patience: self.$patience,
                    seed,
                    augmentation: self.$augment.0,
                    ..Training::default()
                })
            }

            /// Refuses what `data` cannot take, by the name of the option.
            pub fn check(&self, data: &Dataset) -> Result<(), Error> {
                augmentation::check($augment_name, self.$augment, data)
            }
        }
    };
}

finetuning! {
    /// The options of `finetune`.
    FinetuningOptions {
        /// Learning rate
        #[arg(long, value_name = "RATE", default_value_t = 1e-2, value_parser = positive)]
        lr: f32 => |lr: &f32| *lr
    }
    epochs batch schedule optimizer weight_decay clip_norm patience
    #[help = AUGMENT_HELP.as_str()]
    augment "--augment"
    #[help = "Measure by which validation labels choose: accuracy, or balanced (mean of the \
              classes' accuracies)"]
    metric
}

finetuning! {
    /// The options of `compare` and `curve`, where the plain names belong to pretraining.
    ComparedFinetuningOptions {
        /// Learning rates to choose from: validation labels choose one for each method and draw
        #[arg(long, value_name = "LIST", default_value = "3e-3,1e-2,3e-2,1e-1",
              value_parser = filled(list(positive)))]
        finetune_lr: List<f32> => |List(rates): &List<f32>| rates[0]
    }
    finetune_epochs finetune_batch finetune_schedule finetune_optimizer finetune_weight_decay
    finetune_clip_norm finetune_patience
    #[help = "Augmentation of the labelled samples in training, as --augment"]
    finetune_augment "--finetune-augment"
    #[help = "Measure of the results, and of the choice by validation labels: accuracy, or \
              balanced (mean of the classes' accuracies), for classes of very different size"]
    metric
}
