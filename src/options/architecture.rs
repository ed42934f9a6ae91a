//! The shape of the models.

use super::values::{List, count, fraction, list};
use crate::defaults;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use narrows_models::{Activation, Architecture};
use serde::Serialize;

/// The widest layer that can be asked for: beyond it a slip of the keyboard would ask for terabytes.
const WIDEST: usize = 65_536;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Architecture")]
pub struct ArchitectureOptions {
    /// The length of the latent code, the bottleneck
    #[arg(long, value_name = "N", default_value_t = defaults::LATENT, value_parser = count(1, WIDEST))]
    pub latent: usize,
    /// The widths of the encoder's hidden layers from the input on, or none; the decoder mirrors them
    #[arg(long, value_name = "LIST", default_value = defaults::WIDTHS, value_parser = list(count(1, WIDEST)))]
    pub widths: List<usize>,
    /// The activation of the hidden layers
    #[arg(long, value_name = "NAME", default_value = defaults::ACTIVATION, value_parser = activation())]
    pub activation: Activation,
    /// The activation of the reconstruction
    #[arg(long, value_name = "NAME", default_value = defaults::OUTPUT, value_parser = activation())]
    pub output: Activation,
    /// The fraction of each hidden layer that is dropped in training
    #[arg(long, value_name = "P", default_value_t = defaults::DROPOUT, value_parser = fraction)]
    pub dropout: f32,
    /// Leave batch normalisation out
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", action = clap::ArgAction::Set)]
    pub no_batch_norm: bool,
}

impl ArchitectureOptions {
    /// The ids of these options, as the command line knows them.
    pub const IDS: [&str; 6] = ["latent", "widths", "activation", "output", "dropout", "no_batch_norm"];

    /// The architecture for samples of `inputs` values.
    pub fn of(&self, inputs: usize) -> Architecture {
        Architecture {
            inputs,
            widths: self.widths.0.clone(),
            latent: self.latent,
            activation: self.activation,
            output: self.output,
            batch_norm: !self.no_batch_norm,
            dropout: self.dropout,
        }
    }

    /// The options that lead to `architecture`.
    pub fn from(architecture: &Architecture) -> ArchitectureOptions {
        ArchitectureOptions {
            latent: architecture.latent,
            widths: List(architecture.widths.clone()),
            activation: architecture.activation,
            output: architecture.output,
            dropout: architecture.dropout,
            no_batch_norm: !architecture.batch_norm,
        }
    }
}

fn activation() -> impl TypedValueParser<Value = Activation> {
    let all = Activation::ALL;
    PossibleValuesParser::new(all.map(|(name, _)| name)).map(move |text| {
        let found = all.iter().find(|(name, _)| *name == text);
        found.map_or_else(Activation::default, |(_, activation)| *activation)
    })
}
