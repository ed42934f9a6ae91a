//! The models: an encoder by one of several plans, and the autoencoder and the classifier on it.
//!
//! To add a model: write its file in `architecture/`, and add its line to the list [`Model`].

mod activation;
mod conv;
mod dense;
mod others;
mod resnet;
mod sample;

pub use crate::sections::{DECODER, ENCODER, HEAD};
pub use activation::Activation;
pub use sample::SampleShape;

use crate::backbones::Backbone;
use crate::error::{Error, bail, ensure};
use crate::layer_spec::{LayerSpec, LinearSpec, NetworkSpec};
use crate::names::named;
use crate::sections::CODE;
use narrows_engine::init::Init;
use narrows_engine::{Layer, Network, Shape};
use serde::{Deserialize, Serialize};

/// The most parameters of a network: a gigabyte, of which training takes four.
const MAX_PARAMETERS: usize = 1 << 28;

/// The most values that one layer may make of one sample: 64 MB, of which a batch takes so many
/// times as much.
const MAX_VALUES: usize = 1 << 24;

/// The most blocks of a width.
pub const MAX_DEPTH: usize = 64;

/// The layers of a kind of model between the sample and the code.
trait Family {
    /// Widths that suit such samples.
    fn widths(&self, input: SampleShape) -> Vec<usize>;

    /// What the network takes: values, or an image.
    ///
    /// # Errors
    /// If the model is not for such samples, or such widths.
    fn input(&self, of: &Architecture) -> Result<Shape, Error>;

    /// The layers from a sample to what the latent code is read off.
    ///
    /// # Errors
    /// The errors of [`Family::input`].
    fn encoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error>;

    /// The image that the encoder's layers end in; `None` for a row of values.
    ///
    /// # Errors
    /// The errors of [`Family::input`].
    fn last_map(&self, of: &Architecture) -> Result<Option<[usize; 3]>, Error>;

    /// The way from a latent code to a sample, without the last activation.
    ///
    /// # Errors
    /// The errors of [`Family::input`].
    fn decoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error>;
}

/// Makes the enum, its names and its families from the one list of models.
macro_rules! models {
    ($($(#[$attribute:meta])* $model:ident = $name:literal, $family:expr;)+) => {
        named! {
            /// A kind of model.
            #[derive(Default)]
            #[non_exhaustive]
            pub enum Model {
                $($(#[$attribute])* $model = $name,)+
            }
        }

        impl Model {
            fn family(self) -> &'static dyn Family {
                match self {
                    $(Model::$model => &$family,)+
                }
            }
        }
    };
}

models! {
    /// Fully connected layers.
    #[default]
    Dense = "dense", dense::Dense;
    /// Convolutions of stride 2.
    Conv = "conv", conv::Conv;
    /// Convolutions in residual blocks.
    Resnet = "resnet", resnet::Resnet;
}

impl Model {
    /// The widths that it has for such samples unless others are asked for.
    pub fn widths(self, input: SampleShape) -> Vec<usize> {
        self.family().widths(input)
    }
}

/// An encoder, from which the autoencoder and the classifier follow.
///
/// ```text
/// encoder: sample -> widths... -> latent        by the plan of the model
/// decoder: latent -> ...widths -> sample        the mirror image, ending in `output`
/// head:    latent -> batch norm -> (activation) -> classes
/// ```
///
/// A variational encoder gives for each value of the code a mean and, behind all of these, the
/// logarithm of a variance. The code of a sample is the means: all but pretraining leaves the
/// variances out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The kind of model. Files from before there were several do not say.
    #[serde(default)]
    pub model: Model,
    /// The shape of a sample.
    #[serde(alias = "inputs")]
    pub input: SampleShape,
    /// The widths of the encoder's stages, from the input on: the values of a hidden layer, or the
    /// channels of a convolution's output. None, of a dense model, for a single linear map.
    pub widths: Vec<usize>,
    /// The blocks of each width, of which a convolution's first halves the image.
    #[serde(default = "one")]
    pub depth: usize,
    /// The length of the latent code, the bottleneck.
    pub latent: usize,
    /// True if the encoder gives distributions of codes
    /// ([`Objective::Variational`](crate::Objective::Variational)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub variational: bool,
    /// The activation of the hidden layers.
    pub activation: Activation,
    /// The activation of the autoencoder's output.
    pub output: Activation,
    /// The activation between the code and a classifier's head, behind its batch norm. An
    /// autoencoder has none there. With one, a dense classifier is a plain network whose last
    /// hidden layer is as wide as the code.
    #[serde(default = "no_activation", skip_serializing_if = "is_none")]
    pub code_activation: Activation,
    /// True if the hidden layers and the head's input are batch-normalised.
    pub batch_norm: bool,
    /// The fraction of each hidden layer that is dropped while training.
    pub dropout: f32,
    /// The side of the squares of pixels whose means are the input of the first layer: 1 for the
    /// pixels themselves.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub shrink: usize,
    /// The network that is the encoder in place of the model's: one that others trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backbone: Option<Box<Backbone>>,
}

fn one() -> usize {
    1
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

fn no_activation() -> Activation {
    Activation::None
}

fn is_none(activation: &Activation) -> bool {
    *activation == Activation::None
}

impl Architecture {
    /// A model for such samples with everything else as it usually is: the model's own widths, one
    /// block each, a code of 20 values, ReLU, a sigmoid at the end, batch norm, no dropout.
    pub fn new(model: Model, input: impl Into<SampleShape>) -> Architecture {
        let input = input.into();
        Architecture {
            model,
            input,
            widths: model.widths(input),
            depth: 1,
            latent: 20,
            variational: false,
            activation: Activation::Relu,
            output: Activation::Sigmoid,
            code_activation: Activation::None,
            batch_norm: true,
            dropout: 0.0,
            shrink: 1,
            backbone: None,
        }
    }

    /// A linear autoencoder: no hidden layers, no activations. It spans what PCA spans (Baldi and
    /// Hornik 1989).
    pub fn linear(input: impl Into<SampleShape>, latent: usize) -> Architecture {
        Architecture {
            widths: Vec::new(),
            latent,
            activation: Activation::None,
            output: Activation::None,
            batch_norm: false,
            ..Architecture::new(Model::Dense, input)
        }
    }

    /// Encoder and decoder.
    ///
    /// # Errors
    /// If a width is 0, the dropout no fraction, the network too large, or the model not for such
    /// samples; the message names it.
    pub fn autoencoder(&self) -> Result<Network, Error> {
        self.autoencoder_with(None)
    }

    /// The autoencoder with a layer without parameters on what the encoder gives. It has to give a
    /// code.
    ///
    /// # Errors
    /// The errors of [`Architecture::autoencoder`].
    pub(crate) fn autoencoder_with(
        &self,
        on_code: Option<Box<dyn Layer>>,
    ) -> Result<Network, Error> {
        let mut builder = match on_code {
            Some(layer) => self.encoder()?.builder().section(CODE).boxed(layer),
            None => self.code()?.builder(),
        };
        builder = builder.section(DECODER);
        for spec in self.decoder()? {
            builder = builder.boxed(spec.layer());
        }
        self.bounded(builder.build()?)
    }

    /// The layers of [`Architecture::autoencoder`].
    ///
    /// # Errors
    /// The errors of [`Architecture::autoencoder`].
    pub fn autoencoder_spec(&self) -> Result<NetworkSpec, Error> {
        Ok(self.code()?.with_section(DECODER, self.decoder()?))
    }

    /// The encoder alone, whose outputs are latent codes.
    ///
    /// # Errors
    /// The errors of [`Architecture::autoencoder`].
    pub fn encoder_alone(&self) -> Result<Network, Error> {
        self.bounded(self.encoder_spec()?.builder().build()?)
    }

    /// The layers of [`Architecture::encoder_alone`].
    ///
    /// # Errors
    /// The errors of [`Architecture::autoencoder`].
    pub fn encoder_spec(&self) -> Result<NetworkSpec, Error> {
        self.code()
    }

    /// Encoder and head, whose outputs are the logits of `classes` classes.
    ///
    /// # Errors
    /// The errors of [`Architecture::autoencoder`], or with fewer than 2 classes.
    pub fn classifier(&self, classes: usize) -> Result<Network, Error> {
        self.bounded(self.classifier_spec(classes)?.builder().build()?)
    }

    /// The layers of [`Architecture::classifier`].
    ///
    /// # Errors
    /// The errors of [`Architecture::classifier`].
    pub fn classifier_spec(&self, classes: usize) -> Result<NetworkSpec, Error> {
        ensure!(classes >= 2, "a classifier needs labels of at least 2 classes, got {classes}");
        let mut head = Vec::new();
        // Latent codes come at any scale; the head should not depend on it.
        head.extend(self.batch_norm.then(|| LayerSpec::batch_norm("")));
        head.extend(self.code_activation.function().map(LayerSpec::from));
        head.push(linear(classes, None));
        Ok(self.code()?.with_section(HEAD, head))
    }

    /// Refuses a network that would take all memory.
    fn bounded(&self, network: Network) -> Result<Network, Error> {
        let Architecture { input, widths, latent, .. } = self;
        match network.param_entries().last().map_or(0, |last| last.range.end) {
            ..=MAX_PARAMETERS => Ok(network),
            n => bail!(
                "the widths {widths:?} between samples of {input} and a code of {latent} make {n} \
                 parameters, more than {MAX_PARAMETERS}: choose smaller widths"
            ),
        }
    }

    /// The name of the encoder's network.
    pub fn name(&self) -> &str {
        self.backbone.as_ref().map_or(self.model.name(), |backbone| &backbone.name)
    }

    fn encoder(&self) -> Result<NetworkSpec, Error> {
        if let Some(spec) = self.encoder_of_others()? {
            return Ok(spec);
        }
        if let Some(spec) = self.encoder_of_squares()? {
            return Ok(spec);
        }
        ensure!(self.latent != 0, "the latent code needs at least 1 value");
        if self.widths.contains(&0) {
            bail!("a hidden layer needs at least 1 value: leave the 0 out of the widths");
        }
        ensure!(
            (1..=MAX_DEPTH).contains(&self.depth),
            "a width has 1 to {MAX_DEPTH} blocks, not {}: set the depth to that",
            self.depth
        );
        let family = self.model.family();
        let (input, mut layers) = (family.input(self)?, family.encoder(self)?);
        let outputs = if self.variational { self.latent.saturating_mul(2) } else { self.latent };
        layers.push(linear(outputs, family.last_map(self)?));
        Ok(NetworkSpec::new(input).with_section(ENCODER, layers))
    }

    /// The encoder, and what makes a code of what it gives.
    fn code(&self) -> Result<NetworkSpec, Error> {
        let narrow = self.variational.then_some(LayerSpec::Narrow { len: self.latent });
        Ok(self.encoder()?.with_section(CODE, narrow.into_iter().collect()))
    }

    /// The way from a code to a sample, and the last activation.
    fn decoder(&self) -> Result<Vec<LayerSpec>, Error> {
        ensure!(
            self.backbone.is_none(),
            "{} is an encoder without a decoder, which reconstructs nothing: train a classifier \
             from it",
            self.name()
        );
        let mut layers = self.model.family().decoder(self)?;
        layers.extend(self.output.function().map(LayerSpec::from));
        Ok(layers)
    }

    /// The values of a sample.
    ///
    /// # Errors
    /// If there are none, or more than a layer may have.
    fn input_len(&self) -> Result<usize, Error> {
        match self.input.checked_len() {
            Some(n @ 1..=MAX_VALUES) => Ok(n),
            _ => bail!(
                "samples of {} cannot be modelled: they need 1 to {MAX_VALUES} values",
                self.input
            ),
        }
    }

    /// Adds the layers behind the linear map or the convolution of a hidden layer: batch norm,
    /// activation, dropout.
    fn finish(&self, layers: &mut Vec<LayerSpec>) {
        layers.extend(self.batch_norm.then(|| LayerSpec::batch_norm("")));
        self.activate(layers);
    }

    /// Adds activation and dropout.
    fn activate(&self, layers: &mut Vec<LayerSpec>) {
        layers.extend(self.activation.function().map(LayerSpec::from));
        // Also where nothing is dropped: so an encoder keeps its names, whatever it is fine-tuned
        // with.
        layers.push(LayerSpec::Dropout { p: self.dropout });
    }
}

/// A linear layer without an activation behind it, of an image or of values.
fn linear(outputs: usize, image: Option<[usize; 3]>) -> LayerSpec {
    let init = Init::XavierUniform;
    LayerSpec::Linear(LinearSpec { image, init, ..LinearSpec::new(outputs) })
}
