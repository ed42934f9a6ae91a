//! The training loop: many labels or none, one loss.

pub(crate) mod augmentation;
pub(crate) mod best;
mod codes;
mod ema;
pub(crate) mod epochs;
mod mixup;
mod objective;
mod reestimation;
mod run;
pub(crate) mod saver;
mod settings;
pub(crate) mod state;
mod task;

pub use ema::Ema;
pub use epochs::RunResult;
pub use objective::Objective;
pub use reestimation::reestimate_statistics;
pub use run::{Restart, Run};
pub use settings::Training;
pub(crate) use settings::check_course;
pub use task::Task;
