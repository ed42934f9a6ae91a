//! Methods of a comparison: each a way from a few labels to a classifier.

mod choice;
mod ensemble;
mod method;
mod seed;

pub use choice::{Choice, Recipe, Tried};
pub use ensemble::Ensemble;
pub(crate) use ensemble::check_ensemble;
pub use method::{Approach, Given, SemiApproach, Trained};
pub use seed::draw_seed;
