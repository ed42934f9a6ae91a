//! Autoencoders, classifiers, and transfer between them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`architecture`] | the models: dense, convolutional, residual |
//! | [`backbones`] | networks that others trained, and their weights |
//! | [`layer_spec`] | layers as data |
//! | [`training`] | the training loop |
//! | [`evaluation`] | losses, accuracies, confusion and calibration of a model |
//! | [`pretraining`] | an autoencoder on everything and its objectives, beside PCA |
//! | [`transfer`] | what a classifier takes over from an autoencoder, and what of it may learn |
//! | [`semi`] | training on few labels and all other samples at once |
//! | [`neighbours`] | the nearest of many codes |
//! | [`references`] | plain classifiers on the same labels, to hold methods against |
//! | [`methods`] | each of those as a method of a comparison, the choice of one, ensembles |
//! | [`experiments`] | what methods gain over label draws: comparison, curve, probes |
//! | [`tuning`] | search spaces, studies and samplers of hyperparameters |
//! | [`inference`] | trained models over many samples: reconstruction errors, latent codes |
//! | [`export`] | networks for other programs: ONNX, tensors by PyTorch's names |
//! | [`novelty`] | distances of features to those of normal samples |
//! | [`quantile`] | exact quantiles of any number of numbers |
//! | [`model_file`] | models on disk |
//! | [`checkpoint`] | trainings on disk, which go on after a stop |
//! | [`weights`] | named weights in the files of PyTorch and others |
//! | [`cost`] | the time of training, counted |
//! | [`event`] | events of training, for those who watch |

pub mod architecture;
pub mod backbones;
mod checked;
pub mod checkpoint;
mod codes;
pub mod cost;
mod error;
pub mod evaluation;
pub mod event;
pub mod experiments;
pub mod export;
pub mod inference;
mod kept;
pub mod layer_spec;
mod logistic;
pub mod methods;
pub mod model_file;
mod names;
pub mod neighbours;
pub mod novelty;
pub mod pretraining;
pub mod quantile;
pub mod references;
mod sections;
pub mod semi;
pub mod training;
pub mod transfer;
pub mod tuning;
pub mod weights;

pub use narrows_datasets as datasets;
pub use narrows_engine as engine;

pub use architecture::{Activation, Architecture, Model, SampleShape};
pub use checked::Checked;
pub use checkpoint::{Checkpoint, Checkpoints};
pub use error::{Error, ErrorKind};
pub use evaluation::{Confusion, Evaluation, Goal, Metric, Ranking, calibration};
pub use event::{Event, Observer};
pub use experiments::compare::Comparison;
pub use experiments::curve::Curve;
pub use experiments::{compare, curve, probe, statistics};
pub use methods::Method;
pub use pretraining::{Pca, Pretraining};
pub use references::Reference;
pub use training::{Ema, Objective, Run, RunResult, Task, Training, reestimate_statistics};
pub use transfer::Transfer;
