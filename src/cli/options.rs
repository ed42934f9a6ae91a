//! The command line: what can be asked for, each default in view.

pub mod architecture;
pub mod augmentation;
pub mod compared;
pub mod curve;
pub mod data;
pub mod data_commands;
pub mod finetuning;
pub mod methods;
pub mod objective;
pub mod predict;
pub mod pretraining;
pub mod probe;
pub mod row_output;
pub mod running;
pub mod semi;
pub mod training;
pub mod transfer;
pub mod values;

use architecture::ArchitectureOptions;
use clap::{Args, Parser, Subcommand, ValueEnum};
use compared::ComparedOptions;
use curve::Curve;
use data::{DataOptions, DrawOptions, LabelOptions};
use data_commands::Data;
use finetuning::FinetuningOptions;
use methods::MethodName;
use narrows_models::{SampleShape, Transfer};
use predict::Predict;
use pretraining::PretrainingOptions;
use probe::Probe;
use row_output::{EvaluatedPartOption, PartOption, RowOutput};
use running::RunningOptions;
use semi::SemiOptions;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use values::{List, Written};

/// Learns from data that has few labels, on a CPU.
///
/// Pretrains an autoencoder on all samples, labelled or not, carries its encoder over into a
/// classifier, and fine-tunes that on the few labels there are. Begin with: narrows compare
#[derive(Clone, Debug, Parser)]
#[command(name = "narrows", version, args_override_self = true, allow_negative_numbers = true)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Measure what pretraining gains over training from scratch, over several label draws
    Compare(Compare),
    /// Measure test accuracy against the number of labels, method by method; can be stopped and
    /// continued
    Curve(Box<Curve>),
    /// Train an autoencoder on all samples, without their labels
    Pretrain(Pretrain),
    /// Train a classifier on a few labels, from a pretrained encoder or from scratch
    Finetune(Finetune),
    /// Train a classifier on a few labels and all other samples at once: ladder, virtual
    /// adversarial, pseudo-labels
    Semi(Semi),
    /// Predict the class of each row of new data, and its probability
    Predict(Predict),
    /// Measure a trained model on the test samples
    Evaluate(Evaluate),
    /// Measure how well a few labels can be told from the codes of a frozen encoder: linear,
    /// nearest neighbours, propagation
    Probe(Probe),
    /// Measure how badly an autoencoder reconstructs each row: a high score marks an unusual row
    Score(Score),
    /// Write the latent code of each row
    Embed(Embed),
    /// Show the layers of a model: shapes, parameters, multiply-adds, memory
    Summary(Summary),
    /// Fetch, pack, inspect, split, verify and export data sets
    Data(Data),
    /// Show what this machine offers: instruction sets, kernels, threads, peak speed
    Info(Info),
    /// Measure the engine against this machine's limits, in a few seconds
    Bench(Bench),
}

/// The options of `narrows compare`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Compare {
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub labels: LabelOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub draws: DrawOptions,
    #[arg(long, help = methods::COMPARED_HELP.as_str(), value_name = "NAMES",
          help_heading = "Fine-tuning", default_value = transfer::METHODS.as_str(),
          value_parser = values::list(methods::method))]
    pub methods: List<MethodName>,
    /// Recipe: best tries lp-ft and the semi-supervised methods within --budget on the first draw,
    /// and compares the best by validation labels, too; none: off
    #[arg(long, value_name = "NAME", default_value = "none", help_heading = "Recipe")]
    pub recipe: RecipeName,
    /// Time for the recipe: half of it to try the methods, half to train the best on all draws
    /// (90s, 10m, 2h)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::time,
          help_heading = "Recipe")]
    pub budget: Written<Duration>,
    #[command(flatten)]
    #[serde(flatten)]
    pub compared: ComparedOptions,
}

/// The way in which a method is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeName {
    None,
    Best,
}

/// The options of `narrows pretrain`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Pretrain {
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    /// Train a linear autoencoder: no hidden layers, activations or batch norm. PCA is its lower
    /// bound
    #[arg(long, help_heading = "Architecture", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set)]
    pub linear: bool,
    #[command(flatten)]
    #[serde(flatten)]
    pub pretraining: PretrainingOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}

/// The options of `narrows finetune`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Finetune {
    /// Run folder or .safetensors file with the encoder to start from
    #[arg(long, value_name = "RUN", conflicts_with = "scratch")]
    pub encoder: Option<PathBuf>,
    /// Start from a new encoder instead, with the architecture below
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scratch: bool,
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub labelling: ClassifierLabels,
    #[arg(long, help = transfer::METHOD_HELP.as_str(), value_name = "NAME", default_value = "lp-ft",
          help_heading = "Fine-tuning", value_parser = values::name(&Transfer::ALL[1..]))]
    pub method: Transfer,
    #[command(flatten)]
    #[serde(flatten)]
    pub finetuning: FinetuningOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}

/// The labels of one classifier.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct ClassifierLabels {
    #[command(flatten)]
    #[serde(flatten)]
    pub labels: LabelOptions,
    /// Number of the seed's label draw; the first is 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub draw: usize,
    /// Calibrate: fit a temperature on the validation labels and keep it with the model, so that
    /// probabilities match accuracy; no prediction changes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub calibrate: bool,
}

/// The options of `narrows semi`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Semi {
    /// Run folder or .safetensors file with the encoder to start from [default: a new one, with the
    /// architecture below]
    #[arg(long, value_name = "RUN")]
    pub encoder: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub labelling: ClassifierLabels,
    #[command(flatten)]
    #[serde(flatten)]
    pub semi: SemiOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}

/// The options of `narrows evaluate`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Evaluate {
    /// Run folders or .safetensors files of models; the mean of several classifiers' probabilities
    /// decides
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub part: EvaluatedPartOption,
    #[command(flatten)]
    pub machine: running::MachineOptions,
    /// Folder for the summary and, for an autoencoder, the picture [default: none is written]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The options of `narrows score`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Score {
    /// Run folder or .safetensors file of an autoencoder
    pub run: PathBuf,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub part: PartOption,
    /// Score above which a row is marked
    #[arg(long, value_name = "SCORE", value_parser = values::not_negative::<f32>,
          conflicts_with = "quantile", help_heading = "Scores")]
    pub threshold: Option<f32>,
    /// Quantile of the scores above which a row is marked: 0.99 marks the highest hundredth
    #[arg(long, value_name = "Q", value_parser = values::zero_to_one::<f64>,
          help_heading = "Scores")]
    pub quantile: Option<f64>,
    #[command(flatten)]
    pub machine: running::MachineOptions,
    #[command(flatten)]
    pub export: RowOutput,
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
    pub part: PartOption,
    #[command(flatten)]
    pub machine: running::MachineOptions,
    #[command(flatten)]
    pub export: RowOutput,
}

/// The options of `narrows summary`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Summary {
    /// Run folder or .safetensors file of a model [default: the model that the options describe]
    pub run: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataOptions,
    /// Shape of a sample: 28x28x1 for height, width and channels, 784 for values [default: that of
    /// the data]
    #[arg(long, value_name = "SHAPE", value_parser = values::shape, conflicts_with = "data",
          help_heading = "Data")]
    pub input: Option<SampleShape>,
    /// Number of classes of a classifier to show [default: the autoencoder is shown]
    #[arg(long, value_name = "N", value_parser = values::count(2, 65_536),
          help_heading = "Architecture")]
    pub classes: Option<usize>,
    #[command(flatten)]
    pub architecture: ArchitectureOptions,
    /// Samples per step, for which memory is given
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = values::count(1, 1_000_000),
          help_heading = "Architecture")]
    pub batch: usize,
}

/// The options of `narrows info`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Info {
    #[command(flatten)]
    pub machine: running::MachineOptions,
}

/// The options of `narrows bench`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Bench {
    /// Seconds to measure, beside a few seconds for the machine's own peak
    #[arg(long, value_name = "S", default_value_t = 8.0, value_parser = values::positive)]
    pub seconds: f32,
    /// Print one line of JSON in place of the table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub machine: running::MachineOptions,
}
