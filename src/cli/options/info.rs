//! The options of `narrows info` and `narrows bench`.

use super::architecture::ArchitectureOptions;
use super::running::MachineOptions;
use super::values::{count, positive, shape};
use clap::Args;
use narrows_models::SampleShape;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Info {
    /// Run folder or .safetensors file of a model to show [default: this machine is shown]
    pub run: Option<PathBuf>,
    /// Shape of the samples of a new model to show, with the options below: 28x28x1 for height,
    /// width and channels, or 784 for values [default: no new model]
    #[arg(long, value_name = "SHAPE", value_parser = shape, conflicts_with = "run",
          help_heading = "Architecture")]
    pub input: Option<SampleShape>,
    /// Number of classes, to show a classifier [default: an autoencoder is shown]
    #[arg(long, value_name = "N", value_parser = count(2, 65_536), help_heading = "Architecture")]
    pub classes: Option<usize>,
    #[command(flatten)]
    pub architecture: ArchitectureOptions,
    /// Samples per step, for which the memory is shown
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count(1, 1_000_000),
          help_heading = "Architecture")]
    pub batch: usize,
    #[command(flatten)]
    pub machine: MachineOptions,
}

#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Bench {
    /// Seconds to measure, beside a few seconds for the machine's peak
    #[arg(long, value_name = "S", default_value_t = 8.0, value_parser = positive)]
    pub seconds: f32,
    /// Print one line of JSON instead of the table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub machine: MachineOptions,
}
