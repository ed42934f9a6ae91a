//! The options of `narrows export`.

use super::data::size;
use super::foreign::ForeignOptions;
use super::values::{Written, name, variant};
use clap::{Args, ValueEnum};
use narrows_models::export::ImageOrder;
use std::path::PathBuf;

/// The layers that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layers {
    All,
    Encoder,
}

/// The options of `narrows export`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Export {
    /// Run folder or .safetensors file of a model, or the file of an encoder that another program
    /// trained
    pub run: PathBuf,
    /// File to write: .onnx (the network and its weights), or .safetensors (the weights by
    /// PyTorch's names, in its order of values)
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Layers to write: all (a classifier gives logits, an autoencoder the reconstruction), or
    /// encoder (it gives the latent code)
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = variant::<Layers>)]
    pub layers: Layers,
    /// Give the probabilities of the classes, as predict does, in place of the logits; for .onnx
    #[arg(long)]
    pub probabilities: bool,
    /// Take batch norm into the weights of the linear layer or convolution in front of it
    #[arg(long)]
    pub fold_batch_norm: bool,
    /// Order of an image's dimensions behind that of the batch, for .onnx: nchw (channels, height,
    /// width) or nhwc (height, width, channels)
    #[arg(long, value_name = "ORDER", default_value = "nchw", value_parser = name(ImageOrder::ALL))]
    pub input_order: ImageOrder,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
    /// Size of the images of an encoder that another program trained: 224, or 192x256 for height
    /// and width [default: that of the images it was trained on]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Encoder")]
    pub image_size: Option<Written<(usize, usize)>>,
    #[command(flatten)]
    pub foreign: ForeignOptions,
}
