//! A SIMD compute engine that trains neural networks on a CPU.
//!
//! | module | what it holds |
//! |---|---|
//! | [`simd`] | one vector type per instruction set, and the dispatch to it |
//! | [`parallel`] | the [`Context`]: an instruction set and threads |
//! | [`gemm`] | matrix multiplication |
//! | [`layers`] | what a [`Network`] is made of |
//! | [`params`] | the slab of named [`Params`] |
//! | [`loss`] | what is minimised, and its gradient |
//! | [`optimizer`], [`schedule`] | what turns gradients into steps, and how long they are |
//! | [`ladder`] | the ladder network: labels and denoising of every layer at once |
//! | [`predictor`] | a trained network, ready to use |
//! | [`init`], [`random`] | where they start, and counter-based random numbers |
//! | [`math`] | exp, tanh and their like, for vectors |
//! | [`memory`] | the aligned slab |
//! | [`peak`] | what the processor can do, measured |
//!
//! The same seed gives the same bits on the same instruction set, whatever the number of threads.
//!
//! The instruction set `plain` is an exception: its matrix products are those of the
//! `matrixmultiply` crate, which looks for AVX2 and FMA itself. So another processor may give other
//! bits there, also with the feature `portable`, which leaves our own SIMD files out and no more.

#[cfg_attr(feature = "portable", allow(dead_code))]
mod caches;
mod conv;
mod error;
pub mod gemm;
mod half;
pub mod init;
pub mod ladder;
pub mod layers;
pub mod loss;
pub mod math;
pub mod memory;
mod network;
pub mod optimizer;
pub mod parallel;
pub mod params;
pub mod peak;
pub mod predictor;
pub mod random;
pub mod schedule;
mod shape;
pub mod simd;
mod trainer;

pub use error::Error;
pub use ladder::{Ladder, LadderBatch, LadderLoss, LadderMemory};
pub use layers::{Layer, Mode, Pass};
pub use loss::{Loss, Target};
pub use network::{Activations, LayerSummary, Network, NetworkBuilder, Summary};
pub use optimizer::{Optimizer, OptimizerState};
pub use parallel::Context;
pub use params::Params;
pub use predictor::Predictor;
pub use schedule::Schedule;
pub use shape::Shape;
pub use simd::Isa;
pub use trainer::Trainer;
