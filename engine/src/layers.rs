//! The layers of networks.
//!
//! A layer describes itself. Planned for samples of one shape it is an op, which owns no numbers
//! and works on slices that the network hands it; forward and backward stand side by side in its
//! file. To add a layer: write its file, add it to the list below, and add its reference and its
//! case to `tests/layers/`.

mod activations;
pub(crate) mod batch_norm;
mod branch;
mod conv2d;
mod dropout;
mod fused;
mod gaussian_sample;
mod global_avg_pool;
mod identity;
mod layer_norm;
mod layer_scale;
pub(crate) mod linear;
mod narrow;
mod normalize;
mod pointwise;
mod pool;
pub(crate) mod product;
mod residual;
mod setters;
mod sparsity;
mod squeeze_excitation;
mod unflatten;
mod upsample;

pub use crate::conv::{Sides, Size};
pub use activations::{
    Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, Relu, Relu6, Sigmoid, Silu, Tanh,
};
pub use batch_norm::BatchNorm;
pub use conv2d::{Conv2d, ConvTranspose2d};
pub use dropout::Dropout;
pub use gaussian_sample::GaussianSample;
pub use global_avg_pool::GlobalAvgPool;
pub use layer_norm::LayerNorm;
pub use layer_scale::LayerScale;
pub use linear::Linear;
pub use narrow::Narrow;
pub use normalize::Normalize;
pub use pointwise::Pointwise;
pub use pool::{AvgPool2d, MaxPool2d};
pub use residual::Residual;
pub use sparsity::Sparsity;
pub use squeeze_excitation::SqueezeExcitation;
pub use unflatten::Unflatten;
pub use upsample::Upsample;
