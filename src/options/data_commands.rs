//! The commands below `narrows data`: one variant each.

use clap::{Args, Subcommand};
use std::path::PathBuf;

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
}

/// The options of `narrows data fetch`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Fetch {
    /// The data set: mnist, fashion-mnist, kmnist or cifar10
    pub name: String,
    /// The folder that gets a folder for the data set [default: narrows/datasets in the user's cache folder, where
    /// --data finds it by name]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Open no connection: check what is there, and say what is missing
    #[arg(long)]
    pub offline: bool,
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
}
