//! Experiments: what is gained, over several label draws.

pub mod candidate;
pub mod compare;
pub mod curve;
mod draws;
mod pause;
pub mod probe;
pub mod statistics;
mod trials;

pub use draws::label_draw;
