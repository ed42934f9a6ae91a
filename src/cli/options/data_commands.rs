//! The commands below `narrows data`: one variant each.

use super::data::ReadingOptions;
use super::fetching::Fetching;
use super::row_output::Part;
use super::values::{count, name, variant};
use clap::{Args, Subcommand};
use narrows_datasets::ExportFormat;
use narrows_datasets::Unlabelled;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The options of `narrows data`.
#[derive(Clone, Debug, Args)]
pub struct Data {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum DataCommand {
    /// Fetch a public data set: mnist, fashion-mnist, kmnist or cifar10
    Fetch(Fetch),
    /// Show what data hold: counts, shapes, ranges, columns, classes
    Inspect(Inspect),
    /// Write data in another format, for other programs or as a store
    Convert(Convert),
    /// Divide data into files for training, validation and test, each class in equal shares
    Split(Split),
}

/// The options of `narrows data fetch`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Fetch {
    /// Data set: mnist, fashion-mnist, kmnist or cifar10
    pub name: String,
    #[command(flatten)]
    pub fetching: Fetching,
}

/// The reading options of most commands below `narrows data`.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// Show no progress; notes about the data stay
    #[arg(long)]
    pub quiet: bool,
    /// Threads to decode images and read tables; 0: one for each core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0, 1024))]
    pub threads: usize,
    #[command(flatten)]
    pub files: ReadingOptions,
}

/// The options of `narrows data inspect`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Inspect {
    /// Data, of any format that the other commands take
    #[arg(value_name = "DATA")]
    pub path: PathBuf,
    /// File for a picture of ten images of each class
    #[arg(long, value_name = "FILE.png")]
    pub sheet: Option<PathBuf>,
    /// Print one line of JSON instead of the text
    #[arg(long, conflicts_with = "verify")]
    pub json: bool,
    /// Check the data instead: read every sample, and compare a store with its checksums
    #[arg(long, conflicts_with = "sheet")]
    pub verify: bool,
    #[command(flatten)]
    pub reading: Reading,
}

/// The options of `narrows data split`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Split {
    /// Data, of any format that the other commands take
    #[arg(value_name = "DATA")]
    pub path: PathBuf,
    /// New folder for train.narrows, validation.narrows and test.narrows
    #[arg(value_name = "OUTDIR")]
    pub out: PathBuf,
    /// Share of the samples to train on
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub train: f64,
    /// Share of the samples for validation; 0: none
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub validation: f64,
    /// Share of the samples for the test
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub test: f64,
    /// Seed of the random division
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Part for samples without a label, if others have one: train, or spread (over all parts)
    #[arg(long, value_name = "NAME", default_value = UNLABELLED[0].0,
          value_parser = name(&UNLABELLED))]
    pub unlabelled: Unlabelled,
    #[command(flatten)]
    pub reading: Reading,
}

/// The help of OUT.
static OUT_HELP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "File to write. Its ending sets the format: .narrows (a store, which opens in a moment at \
         any size), {}. Labels go into the same file, but for .npy and .idx into OUT-labels.npy \
         and OUT-labels.idx",
        ExportFormat::endings()
    )
});

/// The options of `narrows data convert`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Convert {
    /// Data, of any format that the other commands take
    #[arg(value_name = "DATA")]
    pub path: PathBuf,
    #[arg(value_name = "OUT", help = OUT_HELP.as_str())]
    pub out: PathBuf,
    /// Samples to write: train, test, or all; a store always has all
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = variant::<Part>)]
    pub part: Part,
    /// Overwrite files that are there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub reading: Reading,
}

const UNLABELLED: [(&str, Unlabelled); 2] =
    [("train", Unlabelled::Train), ("spread", Unlabelled::Spread)];
