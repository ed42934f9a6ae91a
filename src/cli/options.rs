//! The command line: what can be asked for, each default in view.

pub mod architecture;
pub mod augmentation;
pub mod classifier;
pub mod compare;
pub mod data;
pub mod data_commands;
pub mod evaluate;
pub mod finetuning;
pub mod info;
pub mod labels;
pub mod methods;
pub mod objective;
pub mod prefixed;
pub mod pretrain;
pub mod pretraining;
pub mod row_output;
pub mod rows;
pub mod running;
pub mod semi;
pub mod train;
pub mod training;
pub mod values;

use clap::{Parser, Subcommand};
use compare::Compare;
use data_commands::Data;
use evaluate::Evaluate;
use info::{Bench, Info};
use pretrain::Pretrain;
use rows::{Embed, Predict, Score};
use train::Train;

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
    /// Compare ways to train a classifier on few labels: accuracy and gain over several label draws
    Compare(Box<Compare>),
    /// Train an autoencoder on all samples, without their labels
    Pretrain(Box<Pretrain>),
    /// Train a classifier on the labels there are, and on unlabelled samples as well
    Train(Box<Train>),
    /// Predict the class of each row or image, and its probability
    Predict(Predict),
    /// Write the latent code of each row or image
    Embed(Embed),
    /// Score how badly an autoencoder reconstructs each row: a high score marks an unusual row
    Score(Score),
    /// Measure a trained model on the test samples, or its codes by probes
    Evaluate(Evaluate),
    /// Show a model's layers, or what this machine offers
    Info(Info),
    /// Fetch, inspect, convert and split data
    Data(Data),
    /// Measure the engine against this machine's limits, in a few seconds
    Bench(Bench),
}
