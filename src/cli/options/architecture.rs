//! The shape of the models.

use super::semi::SemiName;
use super::values::{Auto, List, WIDEST, auto, count, fraction, list, name};
use crate::error::{Error, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use narrows_models::architecture::MAX_DEPTH;
use narrows_models::{Activation, Architecture, Model, SampleShape};
use serde::Serialize;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Architecture")]
pub struct ArchitectureOptions {
    /// Network: dense (fully connected layers), or for images conv (convolutions of stride 2) or
    /// resnet (residual blocks of convolutions)
    #[arg(long, value_name = "NAME", default_value = "dense", value_parser = name(Model::ALL))]
    pub model: Model,
    /// Length of the latent code, the values that the encoder makes of a sample. auto: 20, but for
    /// tables and other samples that are no images at most half of their values. A semi-supervised
    /// method's own network: 1200 for dense (ladder: 250), 128 for conv and resnet
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, WIDEST)))]
    pub latent: Auto,
    /// Widths of the encoder's hidden layers, from the input on; none: no hidden layer. The decoder
    /// has them in reverse order. For conv and resnet: channels, and each layer halves the image.
    /// auto: 512,256 for dense; 16,32 for conv and resnet, or 32,64,128 for images larger than 28
    /// pixels. A semi-supervised method's own network: 1200 for dense, 1000,500,250,250 for the
    /// ladder
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(list(count(1, WIDEST))))]
    pub widths: Auto<List<usize>>,
    /// Number of residual blocks of each width, for resnet
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, MAX_DEPTH))]
    pub depth: usize,
    /// Activation function of the hidden layers
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = activation())]
    pub activation: Activation,
    /// Activation function of the reconstruction, by the names of --activation. auto: sigmoid for
    /// values in [0, 1], such as pixels; none for others, such as the standardised values of tables
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = auto(name(Activation::ALL)))]
    pub output: Auto<Activation>,
    /// Activation function between the latent code and a classifier's last layer, by the names of
    /// --activation. auto: none; relu in a semi-supervised method's own network
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = auto(name(Activation::ALL)))]
    pub code_activation: Auto<Activation>,
    /// Dropout: fraction of the values of each hidden layer that is set to 0 in training
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub dropout: f32,
    /// Batch normalisation of the hidden layers: true, false
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set,
          hide_possible_values = true)]
    pub batch_norm: bool,
}

impl ArchitectureOptions {
    /// The architecture for samples of that shape, whose values lie in [0, 1] or do not; what it
    /// settles takes the place of `auto`.
    pub fn resolve(&mut self, input: SampleShape, unit_range: bool) -> Architecture {
        let List(widths) = self.widths.settle(List(self.model.widths(input)));
        Architecture {
            model: self.model,
            input,
            widths,
            depth: self.depth,
            latent: self.latent.settle(latent(input)),
            variational: false,
            activation: self.activation,
            output: self.output.settle(output(unit_range)),
            code_activation: self.code_activation.settle(Activation::None),
            batch_norm: self.batch_norm,
            dropout: self.dropout,
            shrink: 1,
            backbone: None,
        }
    }

    /// Chooses what is `auto` as the network of a semi-supervised method that starts from scratch.
    pub fn be_for(&mut self, method: SemiName, input: SampleShape) {
        let (widths, latent, activation) = method.architecture(self.model, input);
        self.widths.settle(List(widths));
        self.latent.settle(latent);
        self.code_activation.settle(activation);
    }

    /// The options that lead to `architecture`.
    pub fn from(architecture: &Architecture) -> ArchitectureOptions {
        ArchitectureOptions {
            model: architecture.model,
            latent: Auto::Given(architecture.latent),
            widths: Auto::Given(List(architecture.widths.clone())),
            depth: architecture.depth,
            activation: architecture.activation,
            output: Auto::Given(architecture.output),
            code_activation: Auto::Given(architecture.code_activation),
            dropout: architecture.dropout,
            batch_norm: architecture.batch_norm,
        }
    }
}

/// Refuses a batch, set by `option`, that batch normalisation can make nothing of.
pub fn check_batch(architecture: &Architecture, option: &str, batch: usize) -> Result<(), Error> {
    match batch {
        1 if architecture.batch_norm => bail!(
            "a batch of 1 sample has no variance to normalise by: set {option} to 2 or more, or \
             --batch-norm false"
        ),
        _ => Ok(()),
    }
}

/// The length of the latent code. A table has few columns, and through a code as long as them
/// everything would pass.
pub fn latent(input: SampleShape) -> usize {
    match input {
        SampleShape::Flat(values) => values.div_ceil(2).clamp(1, 20),
        SampleShape::Image(_) => 20,
    }
}

/// The activation of the reconstruction.
fn output(unit_range: bool) -> Activation {
    if unit_range { Activation::Sigmoid } else { Activation::None }
}

fn activation() -> impl TypedValueParser<Value = Activation> {
    PossibleValuesParser::new(Activation::ALL.iter().map(|(name, _)| *name))
        .try_map(|text| name(Activation::ALL)(&text))
}
