//! Layers: what a network is made of.
//!
//! A layer owns no numbers. It describes itself and works on slices that the network hands it.
//! Forward and backward stand side by side in its file. To add a layer: write its file, add it to
//! the list below, and add its reference and its case to `tests/layers/`.

mod avg_pool2d;
mod batch_norm;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod elu;
mod gaussian_sample;
mod gelu;
mod global_avg_pool;
mod leaky_relu;
mod linear;
mod max_pool2d;
mod narrow;
mod pointwise;
mod pool;
mod relu;
mod residual;
mod sigmoid;
mod sparsity;
mod tanh;
mod unflatten;
mod upsample;

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
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use max_pool2d::MaxPool2d;
pub use narrow::Narrow;
pub use pointwise::Pointwise;
pub use relu::Relu;
pub use residual::Residual;
pub use sigmoid::Sigmoid;
pub use sparsity::Sparsity;
pub use tanh::Tanh;
pub use unflatten::Unflatten;
pub use upsample::Upsample;
