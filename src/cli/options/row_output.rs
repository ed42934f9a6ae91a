//! Which rows of data go through a model, and where what comes of them goes.

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
    /// Rows to take: all, train, test. Data in one piece are divided as in the other commands
    /// [default: all, or test if the data come in these two halves]
    #[arg(long, value_name = "NAME", value_parser = variant::<Part>)]
    pub part: Option<Part>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct EvaluatedPartOption {
    /// Rows to measure on: test, train, all. Data in one piece are divided as in the other
    /// commands: one labelled row in six is for the test. Choose all for data that the model has
    /// not seen
    #[arg(long, value_name = "NAME", default_value = "test", value_parser = variant::<Part>)]
    pub part: Part,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RowOutput {
    /// New file that ends in .csv, .npy or .parquet, or new folder for a file and summary.json
    /// [default: runs/COMMAND-N]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}
