//! The training of a classifier: the options that fine-tuning and semi-supervised methods share.

use super::augmentation::{AUGMENT_HELP, Items, augmentation};
use super::training::{OptimizerName, ScheduleName};
use super::values::{Auto, auto, count, fraction, name, not_negative, variant};
use clap::Args;
use narrows_models::Metric;
use serde::Serialize;
use std::sync::LazyLock;

/// The help of `--augment`.
static HELP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}. auto: none for fine-tuning and for tables. Semi-supervised methods change images of \
         28 pixels by shift=2,rotate=10,scale=0.1,shear=5, and other images in proportion",
        AUGMENT_HELP.as_str()
    )
});

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Training")]
pub struct ClassifierTraining {
    /// Epochs: passes over the samples. auto for fine-tuning: 50 passes over the labelled samples,
    /// or fewer if that is more than 600,000 samples (20,000 with an encoder that others trained),
    /// but at least 5. auto for semi-supervised methods: as many as fit into 3 minutes (in a
    /// comparison 18 s, or 1 s for the digits inside) on one core of a usual machine, by counted
    /// operations; over at most 600,000 samples in all (ladder: 2,400,000), and at most 200. Where
    /// the time is not enough for one, a part of the samples is drawn
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub epochs: Auto,
    /// Batch: samples per step; in semi-supervised methods, those without labels. auto: 25 for
    /// fine-tuning, 100 for ladder, 256 for pseudo-labels, 128 for vat and mean-teacher
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub batch: Auto,
    /// Course of the learning rate: constant, step (divided by 10 after each third of the steps),
    /// cosine (down to 0), warm-up (up in the first twentieth of the steps, then cosine), one-cycle
    /// (up in the first three tenths, then down)
    #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// Optimiser: sgd (with momentum 0.9), nesterov (sgd with Nesterov's momentum), adam, adamw.
    /// auto: adamw for fine-tuning, adam for semi-supervised methods
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = auto(variant::<OptimizerName>))]
    pub optimizer: Auto<OptimizerName>,
    /// Weight decay: strength with which weights are pulled towards 0. auto: 0.01 for fine-tuning,
    /// 0 for semi-supervised methods
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(not_negative::<f64>))]
    pub weight_decay: Auto<f64>,
    /// Exponential moving average (EMA) of the weights: the share of the old average in each step.
    /// The average is validated and kept in place of the weights; 0: no average. auto: 0 for
    /// fine-tuning and ladder, 0.999 for the other semi-supervised methods
    #[arg(long, value_name = "DECAY", default_value = "auto", value_parser = auto(fraction))]
    pub ema: Auto<f32>,
    #[arg(long, help = HELP.as_str(), value_name = "LIST", default_value = "auto",
          value_parser = auto(augmentation))]
    pub augment: Auto<Items>,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetricOption {
    /// Measure of the results, and of the choice by validation labels: accuracy, or balanced (mean
    /// of the accuracies of all classes) for classes of very different size
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(Metric::ALL),
          help_heading = "Labels")]
    pub metric: Metric,
}
