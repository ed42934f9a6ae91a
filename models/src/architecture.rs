//! The shape of the models: a fully connected autoencoder, and the classifier on its encoder.

use crate::Error;
use narrows_engine::init::Init;
use narrows_engine::layers::{BatchNorm, Dropout, Elu, Gelu, LeakyRelu, Linear, Relu, Sigmoid, Tanh};
use narrows_engine::{Layer, Network, NetworkBuilder};
use serde::{Deserialize, Serialize};

/// The section that a transfer copies.
pub const ENCODER: &str = "encoder";
/// The section that turns latent codes back into samples.
pub const DECODER: &str = "decoder";
/// The section that a transfer starts afresh.
pub const HEAD: &str = "head";

/// The most parameters of a network: a gigabyte, of which training takes four.
const MAX_PARAMETERS: usize = 1 << 28;

/// An activation by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// None: the layers stay linear.
    None,
    /// `max(x, 0)`
    #[default]
    Relu,
    /// Slope 0.01 below 0.
    LeakyRelu,
    /// `exp(x) - 1` below 0.
    Elu,
    /// `x Phi(x)`
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
}

impl Activation {
    /// All of them, by the names that options and files use.
    pub const ALL: [(&str, Activation); 7] = [
        ("none", Activation::None),
        ("relu", Activation::Relu),
        ("leaky-relu", Activation::LeakyRelu),
        ("elu", Activation::Elu),
        ("gelu", Activation::Gelu),
        ("tanh", Activation::Tanh),
        ("sigmoid", Activation::Sigmoid),
    ];

    fn layer(self) -> Option<Box<dyn Layer>> {
        Some(match self {
            Activation::None => return None,
            Activation::Relu => Box::new(Relu),
            Activation::LeakyRelu => Box::new(LeakyRelu::default()),
            Activation::Elu => Box::new(Elu::default()),
            Activation::Gelu => Box::new(Gelu),
            Activation::Tanh => Box::new(Tanh),
            Activation::Sigmoid => Box::new(Sigmoid),
        })
    }

    /// The initialisation of a weight before it.
    fn init(self) -> Init {
        match self {
            Activation::None | Activation::Tanh | Activation::Sigmoid => Init::XavierUniform,
            _ => Init::HeNormal,
        }
    }
}

/// A fully connected encoder, from which the autoencoder and the classifier follow.
///
/// ```text
/// encoder: inputs -> widths... -> latent        each hidden layer: linear, batch norm, activation, dropout
/// decoder: latent -> ...widths -> inputs        the mirror image, ending in `output`
/// head:    latent -> batch norm -> classes
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The values of a sample.
    pub inputs: usize,
    /// The widths of the encoder's hidden layers, from the input on; none for a single linear map.
    pub widths: Vec<usize>,
    /// The length of the latent code, the bottleneck.
    pub latent: usize,
    /// The activation of the hidden layers.
    pub activation: Activation,
    /// The activation of the autoencoder's output.
    pub output: Activation,
    /// Whether the hidden layers and the head's input are batch-normalised.
    pub batch_norm: bool,
    /// The fraction of each hidden layer that is dropped while training.
    pub dropout: f32,
}

impl Architecture {
    /// A linear autoencoder: no hidden layers, no activations. It spans what PCA spans (Baldi and Hornik 1989).
    pub fn linear(inputs: usize, latent: usize) -> Architecture {
        Architecture {
            inputs,
            widths: Vec::new(),
            latent,
            activation: Activation::None,
            output: Activation::None,
            batch_norm: false,
            dropout: 0.0,
        }
    }

    /// Encoder and decoder.
    ///
    /// # Errors
    /// If a width is 0, the dropout no fraction, or the network too large; the message names it.
    pub fn autoencoder(&self) -> Result<Network, Error> {
        let mut builder = self.encoder()?.section(DECODER);
        for &width in self.widths.iter().rev() {
            builder = self.hidden(builder, width);
        }
        builder = builder.layer(Linear::new(self.inputs).with_init(self.output.init()));
        if let Some(layer) = self.output.layer() {
            builder = builder.boxed(layer);
        }
        self.bounded(builder.build()?)
    }

    /// Encoder and head, whose outputs are the logits of `classes` classes.
    ///
    /// # Errors
    /// As [`Architecture::autoencoder`], or with fewer than 2 classes.
    pub fn classifier(&self, classes: usize) -> Result<Network, Error> {
        if classes < 2 {
            return Err(Error::new(format!(
                "a classifier needs labels of at least 2 classes, got {classes}"
            )));
        }
        let mut builder = self.encoder()?.section(HEAD);
        if self.batch_norm {
            // Latent codes come at any scale; the head should not depend on it.
            builder = builder.layer(BatchNorm::default());
        }
        self.bounded(builder.layer(Linear::new(classes).with_init(Init::XavierUniform)).build()?)
    }

    /// Refuses a network that would take all memory.
    fn bounded(&self, network: Network) -> Result<Network, Error> {
        let Architecture { inputs, widths, latent, .. } = self;
        match network.param_entries().last().map_or(0, |last| last.range.end) {
            ..=MAX_PARAMETERS => Ok(network),
            n => Err(Error::new(format!(
                "the widths {widths:?} between {inputs} inputs and a code of {latent} make {n} parameters, \
                 more than {MAX_PARAMETERS}: choose smaller widths"
            ))),
        }
    }

    fn encoder(&self) -> Result<NetworkBuilder, Error> {
        if self.latent == 0 {
            return Err(Error::new("the latent code needs at least 1 value"));
        }
        if self.widths.contains(&0) {
            return Err(Error::new("a hidden layer needs at least 1 value: leave the 0 out of the widths"));
        }
        let mut builder = Network::builder(self.inputs).section(ENCODER);
        for &width in &self.widths {
            builder = self.hidden(builder, width);
        }
        Ok(builder.layer(Linear::new(self.latent).with_init(Init::XavierUniform)))
    }

    fn hidden(&self, mut builder: NetworkBuilder, width: usize) -> NetworkBuilder {
        let linear = Linear::new(width).with_init(self.activation.init());
        builder = if self.batch_norm {
            builder.layer(linear.without_bias()).layer(BatchNorm::default())
        } else {
            builder.layer(linear)
        };
        if let Some(layer) = self.activation.layer() {
            builder = builder.boxed(layer);
        }
        // Also where nothing is dropped: so an encoder keeps its names, whatever it is fine-tuned with.
        builder.layer(Dropout { p: self.dropout })
    }
}
