//! A SIMD compute engine that trains neural networks on a CPU.
//!
//! | module | contents |
//! |---|---|
//! | [`simd`] | one vector type per instruction set, and the dispatch to it |
//! | [`parallel`] | the [`Context`]: an instruction set and threads |
//! | [`gemm`] | matrix multiplication |
//! | [`layers`] | the layers of a [`Network`] |
//! | [`layer`] | the traits of a layer, for layers of your own |
//! | [`params`] | the slab of named [`Params`] |
//! | [`loss`] | losses and their gradients |
//! | [`optimizer`], [`schedule`] | optimisers, and the learning rate over the steps of a run |
//! | [`ladder`] | the ladder network: labels and denoising of every layer at once |
//! | [`predictor`] | a trained network, ready to use |
//! | [`init`], [`random`] | initial values of parameters, and counter-based random numbers |
//! | [`math`] | exp, tanh and their like, for vectors |
//! | [`memory`] | the aligned slab |
//! | [`peak`] | the processor's limits, measured |
//!
//! The same seed gives the same bits on the same instruction set, whatever the number of threads.
//!
//! The instruction set `plain` is an exception: its matrix products are those of the
//! `matrixmultiply` crate, which looks for AVX2 and FMA itself. So another processor may give other
//! bits there, also with the feature `portable`, which leaves our own SIMD files out and no more.

mod conv;
mod error;
pub mod gemm;
mod hardware;
pub mod ladder;
pub mod layers;
pub mod math;
mod network;
pub mod predictor;
mod shape;
mod training;

pub use error::{Error, ErrorKind};
pub use hardware::parallel::Context;
pub use hardware::simd::Isa;
pub use hardware::{memory, parallel, peak, simd};
pub use ladder::{Ladder, LadderBatch, LadderLoss, LadderMemory};
pub use math::random;
pub use network::layer::{Layer, Mode, Op, Pass, Planned};
pub use network::params::{LoadReport, ParamFile, Params};
pub use network::{Gradients, LayerSummary, Network, NetworkBuilder, PassMemory, Summary};
pub use network::{init, layer, params};
pub use predictor::Predictor;
pub use shape::Shape;
pub use training::loss::{Loss, Target};
pub use training::optimizer::{Optimizer, OptimizerState};
pub use training::schedule::Schedule;
pub use training::{Trainer, TrainerSettings, loss, optimizer, schedule};

// The program in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
