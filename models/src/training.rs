//! The training loop: many labels or none, one loss.

pub(crate) mod augmentation;
pub(crate) mod best;
mod codes;
mod ema;
mod mixup;
mod objective;
pub(crate) mod progress;
mod reestimation;
mod run;
pub(crate) mod saver;
mod settings;
pub(crate) mod state;
mod task;

pub(crate) use codes::FrozenSamples;
pub use ema::Ema;
pub use objective::Objective;
pub use progress::RunResult;
pub use reestimation::reestimate_statistics;
pub use run::{Restart, Run};
pub(crate) use settings::check_course;
pub use settings::{FINE_TUNING_FACTOR, Training};
pub use task::Task;
