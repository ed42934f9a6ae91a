//! The options of `narrows evaluate`.

use super::classifier::MetricOption;
use super::data::DataOptions;
use super::foreign::ForeignOptions;
use super::labels::ComparedLabels;
use super::row_output::EvaluatedPartOption;
use super::running::MachineOptions;
use super::values::{List, filled, list, name};
use clap::Args;
use narrows_models::probe::Probe;
use std::path::PathBuf;

/// The names of all probes.
const PROBES: &str = "linear,knn,propagation";

#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Evaluate {
    /// Run folder or .safetensors file of a model
    pub run: PathBuf,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub foreign: ForeignOptions,
    #[command(flatten)]
    pub part: EvaluatedPartOption,
    /// Another classifier that decides together with RUN, by the mean of their probabilities; may
    /// be given several times [default: RUN alone]
    #[arg(long, value_name = "RUN", help_heading = "Ensemble", action = clap::ArgAction::Append)]
    pub with: Vec<PathBuf>,
    #[command(flatten)]
    pub probing: ProbeOptions,
    #[command(flatten)]
    pub machine: MachineOptions,
    /// Folder for the summary and, for an autoencoder, the picture of reconstructions [default:
    /// none is written]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub out: Option<PathBuf>,
}

/// The options of probes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Probes")]
pub struct ProbeOptions {
    /// Probes: simple classifiers that learn from the codes of the encoder with a few labels, while
    /// the encoder stays as it is. linear (logistic regression on the codes), knn (the
    /// nearest labelled samples), propagation (labels spread along a graph of near neighbours among
    /// all training samples). Validation labels choose their settings. --probe alone: all three
    /// [default: no probes]
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true,
          default_missing_value = PROBES, value_parser = filled(list(name(Probe::ALL))))]
    pub probe: Option<List<Probe>>,
    /// Probe the samples themselves as well, without the encoder
    #[arg(long)]
    pub probe_samples: bool,
    /// Include the test samples, without their labels, in the graph of propagation
    #[arg(long)]
    pub probe_test_graph: bool,
    #[command(flatten)]
    pub labels: ComparedLabels,
    #[command(flatten)]
    pub metric: MetricOption,
    /// Seed of the label draws
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
}
