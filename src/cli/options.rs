//! The command line: what can be asked for, each default in view.

pub mod architecture;
pub mod augmentation;
pub mod budget;
pub mod classifier;
pub mod compare;
pub mod data;
pub mod data_commands;
pub mod evaluate;
pub mod export;
pub mod fetching;
pub mod finetuning;
pub mod foreign;
pub mod info;
pub mod labels;
pub mod methods;
pub mod models;
pub mod objective;
pub mod prefixed;
pub mod pretrain;
pub mod pretraining;
pub mod report;
pub mod row_output;
pub mod rows;
pub mod running;
pub mod semi;
pub mod train;
pub mod training;
pub mod tune;
pub mod values;
pub mod watch;

use clap::{Parser, Subcommand};
use compare::Compare;
use data_commands::Data;
use evaluate::Evaluate;
use export::Export;
use info::{Bench, Info};
use models::Models;
use pretrain::Pretrain;
use report::Report;
use rows::{Embed, Predict, Score};
use train::Train;
use tune::Tune;
use watch::Watch;

/// Learns from data that has few labels, on a CPU.
///
/// An autoencoder learns from all samples, which needs no labels. Its encoder becomes the first
/// part of a classifier, which then learns from the few labelled samples. Begin with: narrows
/// compare
#[derive(Clone, Debug, Parser)]
#[command(name = "narrows", version, args_override_self = true, allow_negative_numbers = true)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Compare methods to train a classifier on few labels: accuracy, and gain over scratch
    Compare(Box<Compare>),
    /// Train an autoencoder on all samples, without their labels
    Pretrain(Box<Pretrain>),
    /// Train a classifier on labelled samples, and on those without a label as well
    Train(Box<Train>),
    /// Search for the best settings of a method, on validation labels
    Tune(Box<Tune>),
    /// Predict the class of each row or image, and its probability
    Predict(Predict),
    /// Write the latent code of each row or image
    Embed(Embed),
    /// Score how unusual each row is: badly reconstructed, or far from the training rows
    Score(Score),
    /// Measure a model on test samples, or its latent codes by probes
    Evaluate(Evaluate),
    /// Write a page about runs: results, curves, pictures, settings
    Report(Report),
    /// Show the page of a run in a browser while the run goes on
    Watch(Watch),
    /// Write a model for other programs: as ONNX, or its weights with PyTorch's names
    Export(Export),
    /// Show the layers of a model, or this machine's processor and speed
    Info(Info),
    /// Fetch, inspect, convert and split data
    Data(Data),
    /// List known networks, or fetch public weights of one, trained on photographs
    Models(Models),
    /// Measure the engine against this machine's limits, in a few seconds
    Bench(Bench),
}
