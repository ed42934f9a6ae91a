//! Where to compute, and where the results go.

use super::values::{count, time};
use crate::error::Error;
use clap::Args;
use narrows_engine::{Context, Isa};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Machine")]
pub struct MachineOptions {
    /// Number of threads; 0: one for each core. It changes no result
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0, 1024))]
    pub threads: usize,
    /// Instruction set: auto (the best of this processor), or one that narrows info lists
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = isa)]
    pub isa: String,
    /// Show no progress; notes about the data stay
    #[arg(long, help_heading = "Run")]
    #[serde(skip)]
    pub quiet: bool,
}

impl MachineOptions {
    /// Starts the threads.
    pub fn context(&self) -> Result<Context, Error> {
        let isa = Isa::named(&self.isa).unwrap_or_else(Isa::best);
        Ok(Context::with_isa(isa, self.threads)?)
    }
}

fn isa(text: &str) -> Result<String, String> {
    if text == "auto" || Isa::named(text).is_some() {
        return Ok(text.to_string());
    }
    let available: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
    Err(format!("this processor and build have auto, {}", available.join(", ")))
}

/// Reads the time between two checkpoints.
fn pause(text: &str) -> Result<Duration, String> {
    match text {
        "none" => Ok(Duration::MAX),
        text => time(text).map(|time| time.value).map_err(|e| format!("{e}, or none")),
    }
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Run")]
pub struct RunningOptions {
    /// Seed of all that is random: label draws, initial weights, order of the samples
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    pub machine: MachineOptions,
    /// New folder for the results [default: runs/COMMAND-N]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    #[serde(skip)]
    pub out: Option<PathBuf>,
    /// Run folder of a stopped run, which is continued with its options [default: a new run]
    #[arg(long, value_name = "RUN", help_heading = "Run", conflicts_with_all = ["out", "config"])]
    #[serde(skip)]
    pub resume: Option<PathBuf>,
    /// Time between two checkpoints of a training: 90s, 5m, 2h. It is longer if a checkpoint takes
    /// more than a hundredth of it; none: a checkpoint only when the run is stopped
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = pause,
          help_heading = "Run")]
    #[serde(skip)]
    pub checkpoint_every: Duration,
    /// Folder for event files of TensorBoard: losses, accuracies, weights, settings, and pictures
    /// [default: none]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    #[serde(skip)]
    pub tensorboard: Option<PathBuf>,
    /// Number of checkpoints to keep of a training in progress
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 1000),
          help_heading = "Run")]
    #[serde(skip)]
    pub keep: usize,
    /// File with options, such as the config.toml of an earlier run. Options on the command line
    /// override it
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}
