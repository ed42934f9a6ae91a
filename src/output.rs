//! Results as they are shown: on the terminal, as pictures, as `summary.json`.

pub mod label_draws;
pub mod numbers;
pub mod picture;
pub mod plot;
pub mod points;
pub mod progress;
pub mod summary;
pub mod tables;
pub mod tensorboard;
