//! Methods of a comparison: each a way from a few labels to a classifier.

mod ensemble;
mod method;
mod seed;
mod selection;

pub use ensemble::Ensemble;
pub(crate) use ensemble::check_ensemble;
pub use method::{Given, Method, SemiMethod, TrainedClassifier};
pub use seed::draw_seed;
pub use selection::{Choice, Chosen, Selection, Tried};
