//! The options of `narrows pretrain`.

use super::architecture::ArchitectureOptions;
use super::data::DataOptions;
use super::pretraining::PretrainingOptions;
use super::running::RunningOptions;
use clap::Args;
use serde::Serialize;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Pretrain {
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    /// Train a linear autoencoder: no hidden layers, activations or batch normalisation. Its error
    /// is never below that of PCA
    #[arg(long, help_heading = "Architecture", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set)]
    pub linear: bool,
    #[command(flatten)]
    #[serde(flatten)]
    pub pretraining: PretrainingOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}
