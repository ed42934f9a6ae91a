//! The options of `narrows train`.

use super::architecture::ArchitectureOptions;
use super::classifier::{ClassifierTraining, MetricOption};
use super::data::DataOptions;
use super::finetuning::FinetuningOptions;
use super::foreign::ForeignOptions;
use super::labels::ClassifierLabels;
use super::methods::{METHOD_HELP, MethodName, trained};
use super::running::RunningOptions;
use super::semi::{SemiMethodOptions, SemiOptions};
use super::values::{Auto, Written, auto, positive, time};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Train {
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    /// Run folder or .safetensors file with a pretrained encoder to start from [default: new
    /// weights, in the architecture below]
    #[arg(long, value_name = "RUN", help_heading = "Training")]
    pub encoder: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub foreign: ForeignOptions,
    #[arg(long, help = METHOD_HELP.as_str(), value_name = "NAME", default_value = "auto",
          help_heading = "Training", value_parser = auto(trained))]
    pub method: Auto<MethodName>,
    #[command(flatten)]
    #[serde(flatten)]
    pub labels: ClassifierLabels,
    #[command(flatten)]
    #[serde(flatten)]
    pub metric: MetricOption,
    #[command(flatten)]
    #[serde(flatten)]
    pub training: ClassifierTraining,
    /// Time of semi-supervised training on one core of a usual machine, such as 10m, where --epochs
    /// is auto. Operations are counted for it, so that the result does not depend on the clock.
    /// auto: 3m, but at most 600,000 samples (ladder: 2,400,000)
    #[arg(long, value_name = "TIME", default_value = "auto", value_parser = auto(time),
          help_heading = "Training")]
    pub budget: Auto<Written<Duration>>,
    /// Learning rate. auto: 0.01 for fine-tuning, 0.002 for semi-supervised methods
    #[arg(long, value_name = "RATE", default_value = "auto", value_parser = auto(positive),
          help_heading = "Training")]
    pub lr: Auto<f32>,
    #[command(flatten)]
    #[serde(flatten)]
    pub finetuning: FinetuningOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub semi: SemiOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub semi_methods: SemiMethodOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}
