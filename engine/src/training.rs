//! Training: the loss, the optimiser, the learning rate's schedule, and the step that joins them.

pub mod loss;
pub mod optimizer;
mod range;
pub mod schedule;
mod trainer;

pub use trainer::{Trainer, TrainerSettings};
