//! Results for people: aligned, and no wider than 100 columns.

pub mod classes;
pub mod comparison;
pub mod conclusion;
pub mod confusion;
pub mod curve;
pub mod estimate;
pub mod inspection;
pub mod lines;
pub mod reconstruction;
pub mod refused;
pub mod scores;
