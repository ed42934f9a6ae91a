//! The options of `narrows probe`.

use super::data::{DataOptions, DrawOptions, LabelOptions};
use super::running::MachineOptions;
use super::values::{List, filled, list, name};
use clap::Args;
use narrows_models::Metric;
use narrows_models::probe::Probe as Kind;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Probe {
    /// Run folder or .safetensors file with the encoder to probe
    #[arg(required_unless_present = "raw")]
    pub run: Option<PathBuf>,
    /// Probe the samples as they are instead, without an encoder
    #[arg(long, conflicts_with = "run")]
    pub raw: bool,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub labels: LabelOptions,
    #[command(flatten)]
    pub draws: DrawOptions,
    /// Seed of the label draws
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Labels",
          value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// Probes, separated by commas: linear (logistic regression on standardised codes), knn (the
    /// nearest labelled samples), propagation (labels spread along a graph of near neighbours of
    /// all training samples). Validation labels choose their settings
    #[arg(long, value_name = "NAMES", default_value = "linear,knn,propagation",
          value_parser = filled(list(name(Kind::ALL))), help_heading = "Probes")]
    pub probes: List<Kind>,
    /// Include the test samples, without labels, in the graph of propagation
    #[arg(long, help_heading = "Probes")]
    pub transductive: bool,
    /// Measure of the results, and of the choice by validation labels: accuracy, or balanced (mean
    /// of the classes' accuracies)
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(Metric::ALL),
          help_heading = "Probes")]
    pub metric: Metric,
    #[command(flatten)]
    pub machine: MachineOptions,
    /// A folder for the summary [default: none is written]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
