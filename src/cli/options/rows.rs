//! The options of commands that write something for each row: `predict`, `score`, `embed`.

use super::data::DataOptions;
use super::foreign::ForeignOptions;
use super::row_output::{PartOption, RowOutput};
use super::running::MachineOptions;
use super::values::{List, count, filled, list, not_negative, variant, zero_to_one};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The options of `narrows predict`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Predict {
    /// Run folder or .safetensors file of a classifier
    pub run: PathBuf,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub part: PartOption,
    /// Number of classes to write for each row, the most probable first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = count(1, 65_536),
          help_heading = "Predictions")]
    pub top: usize,
    /// Column of the table whose texts are written beside each row's number, as customer numbers;
    /// the model need not know it [default: the number alone]
    #[arg(long, value_name = "COLUMN", help_heading = "Predictions")]
    pub id: Option<String>,
    /// Write the probability of every class
    #[arg(long, help_heading = "Predictions")]
    pub all: bool,
    #[command(flatten)]
    pub machine: MachineOptions,
    /// New file that ends in .csv, .npy (probabilities alone) or .parquet, or new folder for a file
    /// and summary.json [default: CSV to standard output]
    #[arg(long, value_name = "PATH", help_heading = "Run")]
    pub out: Option<PathBuf>,
}

/// A measure of how unusual a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScoreKind {
    Rarity,
    Reconstruction,
    Knn,
}

/// The options of `narrows score`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Score {
    /// Run folder or file of an autoencoder or, for --score knn, of any encoder [default: none; the
    /// score is fitted to DATA's training rows, or to all rows if there is no test set]
    pub run: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub foreign: ForeignOptions,
    #[command(flatten)]
    pub part: PartOption,
    /// Score: rarity (how rare a row's values are and how far its nearest training rows; 3: one
    /// training row in 1,000 is as unusual), reconstruction (the error of an autoencoder), or knn
    /// (the mean distance of a row's code to the nearest codes of DATA's training rows, without
    /// the row's own; these stay in memory) [default: rarity, or knn for an encoder of --arch or
    /// ONNX]
    #[arg(long, value_name = "NAME", value_parser = variant::<ScoreKind>, help_heading = "Scores")]
    pub score: Option<ScoreKind>,
    /// Number of nearest training rows of --score knn
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = count(1, 10_000),
          help_heading = "Scores")]
    pub knn_neighbours: usize,
    /// Score above which a row is marked as unusual [default: none is marked]
    #[arg(long, value_name = "SCORE", value_parser = not_negative::<f32>,
          conflicts_with = "quantile", help_heading = "Scores")]
    pub threshold: Option<f32>,
    /// Quantile of the scores above which a row is marked as unusual: 0.99 marks the highest
    /// hundredth [default: none is marked]
    #[arg(long, value_name = "Q", value_parser = zero_to_one::<f64>, help_heading = "Scores")]
    pub quantile: Option<f64>,
    /// Classes of usual samples, separated by commas. The report says how well the scores tell all
    /// other labelled rows from these (AUROC, average precision). Nothing is learnt from training
    /// rows of other classes [default: the classes of the
    /// training half, if the test half has others, such as train/good and test/crack]
    #[arg(long, value_name = "CLASSES", value_parser = filled(list(class)),
          help_heading = "Scores")]
    pub normal: Option<List<String>>,
    #[command(flatten)]
    pub machine: MachineOptions,
    #[command(flatten)]
    pub export: RowOutput,
}

/// Reads the name of a class.
fn class(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// The options of `narrows embed`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Embed {
    /// Run folder or .safetensors file of an autoencoder or a classifier
    pub run: PathBuf,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub foreign: ForeignOptions,
    #[command(flatten)]
    pub part: PartOption,
    #[command(flatten)]
    pub machine: MachineOptions,
    #[command(flatten)]
    pub export: RowOutput,
}
