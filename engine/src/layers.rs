//! Layers: what a network is made of.
//!
//! A layer describes itself. Planned for samples of one shape it is an op, which owns no numbers
//! and works on slices that the network hands it; forward and backward stand side by side in its
//! file. To add a layer: write its file, add it to the list below, and add its reference and its
//! case to `tests/layers/`.

mod avg_pool2d;
pub(crate) mod batch_norm;
mod conv2d;
mod conv_transpose2d;
mod convolution;
mod dropout;
mod elu;
mod fused;
mod gaussian_sample;
mod gelu;
mod global_avg_pool;
mod hard_swish;
mod identity;
mod leaky_relu;
pub(crate) mod linear;
mod max_pool2d;
mod narrow;
mod pointwise;
mod pool;
mod relu;
mod relu6;
mod residual;
mod sigmoid;
mod sparsity;
mod tanh;
mod unflatten;
mod upsample;
mod weight_and_bias;

pub use crate::conv::Size;
pub use avg_pool2d::AvgPool2d;
pub use batch_norm::BatchNorm;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use dropout::Dropout;
pub use elu::Elu;
pub use gaussian_sample::GaussianSample;
pub use gelu::Gelu;
pub use global_avg_pool::GlobalAvgPool;
pub use hard_swish::HardSwish;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use max_pool2d::MaxPool2d;
pub use narrow::Narrow;
pub use pointwise::Pointwise;
pub use relu::Relu;
pub use relu6::Relu6;
pub use residual::Residual;
pub use sigmoid::Sigmoid;
pub use sparsity::Sparsity;
pub use tanh::Tanh;
pub use unflatten::Unflatten;
pub use upsample::Upsample;
