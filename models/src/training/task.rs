//! The samples and the goal of a run.

use crate::evaluation::Goal;
use narrows_datasets::{Dataset, Rows};

/// The samples to train on, and the goal.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The samples.
    pub data: &'a Dataset,
    /// The rows to train on.
    pub train: Rows<'a>,
    /// The rows to validate on; none to keep the last epoch's weights.
    pub validation: Rows<'a>,
    /// The output to learn.
    pub goal: Goal,
}
