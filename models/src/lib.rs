//! Autoencoders, classifiers, and transfer between them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`architecture`] | the models: dense, convolutional, residual |
//! | [`training`] | the training loop |
//! | [`pretraining`] | an autoencoder on everything, beside PCA |
//! | [`objective`] | what an autoencoder learns, beside giving back its input |
//! | [`recipe`] | the method that wins on validation within a time |
//! | [`semi`] | training on few labels and all other samples at once |
//! | [`transfer`] | what a classifier takes over from an autoencoder, and what of it may learn |
//! | [`approach`] | each of those as a method of a comparison |
//! | [`compare`](mod@compare) | the whole job: what pretraining gains over training from scratch |
//! | [`curve`] | accuracy against the number of labels, method by method |
//! | [`probe`] | what a few labels make of the codes of a frozen encoder |
//! | [`calibration`] | whether a classifier is as often right as it is sure |
//! | [`confusion`] | which classes are taken for which |
//! | [`inference`] | trained models over many samples: reconstruction errors, latent codes |
//! | [`quantile`] | exact quantiles of any number of numbers |
//! | [`checkpoint`] | models on disk |
//! | [`event`] | what training tells those who watch |
//! | [`statistics`] | means and their intervals |

pub mod approach;
pub mod architecture;
mod augmentation;
mod best;
pub mod calibration;
pub mod checkpoint;
mod codes;
pub mod compare;
pub mod confusion;
pub mod curve;
mod draws;
mod ema;
pub mod ensemble;
mod error;
mod evaluation;
pub mod event;
pub mod inference;
mod mixup;
pub mod objective;
mod pca;
pub mod pretraining;
pub mod probe;
pub mod quantile;
pub mod recipe;
mod reestimation;
pub mod semi;
pub mod statistics;
pub mod training;
pub mod transfer;

pub use approach::Approach;
pub use architecture::{Activation, Architecture, Model, SampleShape};
pub use compare::Comparison;
pub use confusion::Confusion;
pub use curve::Curve;
pub use ema::Ema;
pub use error::Error;
pub use evaluation::{Evaluation, Metric};
pub use event::{Event, Observer};
pub use objective::Objective;
pub use pca::Pca;
pub use pretraining::Pretraining;
pub use reestimation::reestimate_statistics;
pub use training::{Goal, Run, Task, Training};
pub use transfer::Method;
