//! Options that make more of few labels and of a pretrained encoder, beside the way of transfer.
//! The names are the same wherever classifiers are trained: pretraining has none of these.

use super::values::{fraction, not_negative, positive_to_one};
use clap::Args;
use narrows_models::{Training, Transfer};
use serde::Serialize;
use std::sync::LazyLock;

/// All ways of transfer, as an option takes them.
pub static METHODS: LazyLock<String> = LazyLock::new(|| names(Transfer::ALL, ","));
/// The help of `--method`, which leaves scratch out.
pub static METHOD_HELP: LazyLock<String> = LazyLock::new(|| {
    format!("Parts of a pretrained encoder that learn: {}", names(&Transfer::ALL[1..], ", "))
});

fn names(methods: &[(&str, Transfer)], separator: &str) -> String {
    methods.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(separator)
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct TransferOptions {
    /// Factor of the learning rate from each block of a pretrained encoder to the block below it;
    /// the head is the topmost block; 1: one rate for all
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive_to_one)]
    pub lr_decay: f32,
    /// Strength of the pull of a pretrained encoder's weights to their pretrained values, in place
    /// of 0 (L2-SP); 0: none
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub l2_sp: f32,
    /// Mixup: train on pairs of samples mixed by parts from Beta(ALPHA, ALPHA), and on their labels
    /// in the same parts; 0: off
    #[arg(long, value_name = "ALPHA", default_value_t = 0.0, value_parser = not_negative::<f32>)]
    pub mixup: f32,
    /// Decay of the moving average of the weights, which is validated and kept; 0: the weights
    /// themselves
    #[arg(long, value_name = "DECAY", default_value_t = 0.0, value_parser = fraction)]
    pub ema: f32,
    /// Estimate batch norm's running statistics anew after training, on all training samples
    /// without their labels
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub reestimate_bn: bool,
}

impl TransferOptions {
    /// `training` with these settings.
    pub fn of(&self, training: Training) -> Training {
        let TransferOptions { lr_decay, l2_sp, mixup, ema, reestimate_bn } = *self;
        Training { lr_decay, l2_sp, mixup, ema, reestimate_bn, ..training }
    }
}
