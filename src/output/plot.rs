//! Pictures as SVG: curves, and the pictures of a study of hyperparameters.
//!
//! | module | picture |
//! |---|---|
//! | `curve` | accuracy by the number of labels |
//! | `coordinates` | the parameters and the value of each trial, on parallel axes |
//! | `importance` | the share of each parameter in what the values differ by |
//! | `courses` | the values of each trial on the way |

mod colour;
mod coordinates;
mod courses;
mod curve;
mod importance;
mod legend;
mod page;
pub mod scale;
mod trials;

pub use {coordinates::coordinates, courses::courses, importance::importance, page::Measure};

pub use curve::curve;
