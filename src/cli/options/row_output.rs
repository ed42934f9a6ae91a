//! The rows that go through a model, and the place of the results.

use super::values::variant;
use clap::{Args, ValueEnum};
use narrows_datasets::ExportPart;
use std::path::PathBuf;

/// A part of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    All,
    Train,
    Test,
}

impl From<Part> for ExportPart {
    fn from(part: Part) -> ExportPart {
        match part {
            Part::All => ExportPart::All,
            Part::Train => ExportPart::Train,
            Part::Test => ExportPart::Test,
        }
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct PartOption {
    /// Rows to take: all, train, test. Data without a test set are divided as in training [default:
    /// all, or test if the data have a test set]
    #[arg(long, value_name = "NAME", value_parser = variant::<Part>)]
    pub part: Option<Part>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct EvaluatedPartOption {
    /// Rows to measure on: test, train, all. Data without a test set have one labelled row in six
    /// for the test, as in training [default: test; all of data without a test set whose name is
    /// not that of the data learnt from]
    #[arg(long, value_name = "NAME", value_parser = variant::<Part>)]
    pub part: Option<Part>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RowOutput {
    /// New file that ends in .csv, .npy or .parquet, or new folder for a file and summary.json
    /// [default: runs/COMMAND-N]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}
