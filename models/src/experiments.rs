//! Experiments: what is gained, over several label draws.

pub mod compare;
pub mod curve;
mod draws;
pub mod probe;
pub mod statistics;
mod trials;

pub use draws::label_draw;
