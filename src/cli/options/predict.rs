//! What `narrows predict` can be asked for.

use super::data::DataOptions;
use super::row_output::PartOption;
use super::running::MachineOptions;
use super::values::count;
use clap::Args;
use std::path::PathBuf;

/// The options of `narrows predict`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Predict {
    /// Run folder or .safetensors file of a classifier
    pub run: PathBuf,
    /// Data to predict: a table, an array, a folder of images, or one image; labels are not needed
    /// [default: the built-in digits]
    #[arg(value_name = "DATA", conflicts_with = "data")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub part: PartOption,
    /// Number of classes to write for each row, the most probable first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = count(1, 65_536),
          help_heading = "Predictions")]
    pub top: usize,
    /// Write the probability of every class
    #[arg(long, help_heading = "Predictions")]
    pub all: bool,
    #[command(flatten)]
    pub machine: MachineOptions,
    /// New file that ends in .csv, .npy (probabilities alone) or .parquet, or new folder for a file
    /// and summary.json [default: standard output, as CSV]
    #[arg(long, value_name = "PATH", help_heading = "Run")]
    pub out: Option<PathBuf>,
}
