//! Hyperparameter tuning: a search space, a study of trials in a journal on disk, samplers that
//! choose the next trial, and the early end of poor ones. Nothing here trains: the caller does.
//!
//! | module | what it holds |
//! |---|---|
//! | [`value`] | the value of a parameter |
//! | [`space`] | the parameters, their domains and conditions |
//! | [`study`] | the trials, as the journal tells them |
//! | [`halving`] | the early end of poor trials |
//! | [`samplers`] | the values of the next trial |
//! | [`importance`] | the importance of each parameter |
//! | [`journal`] | the study on disk, in Optuna's format |
//! | `queue` | the values of trials that wait |
//! | [`worker`] | the workers of a study, and which of them live |
//! | [`schedule`] | the next work of a worker |

pub mod halving;
pub mod importance;
pub mod journal;
mod normal;
mod queue;
pub mod samplers;
pub mod schedule;
pub mod space;
pub mod study;
pub mod value;
pub mod worker;

pub use halving::Halving;
pub use journal::{Journal, Locked};
pub use samplers::Strategy;
pub use schedule::{Job, Next, Schedule};
pub use space::{Condition, Domain, Parameter, Space};
pub use study::{Direction, State, Study, Trial};
pub use value::{Value, Values};
pub use worker::{Worker, is_alive};
