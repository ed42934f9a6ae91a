//! The command below `narrows models`.

use super::fetching::Fetching;
use clap::{Args, Subcommand};

/// The options of `narrows models`.
#[derive(Clone, Debug, Args)]
pub struct Models {
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ModelsCommand {
    /// Fetch public weights of a known network, trained on ImageNet
    Fetch(FetchWeights),
}

/// The options of `narrows models fetch`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct FetchWeights {
    /// Network, by a name that --arch takes: resnet18, ...; narrows models lists them
    pub name: String,
    #[command(flatten)]
    pub fetching: Fetching,
}
