//! What a run trains on.

use crate::evaluation::Goal;
use narrows_datasets::{Dataset, Rows};

/// What is trained on, and towards what.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The samples.
    pub data: &'a Dataset,
    /// The rows to train on.
    pub train: Rows<'a>,
    /// The rows to validate on; none to keep the last epoch's weights.
    pub validation: Rows<'a>,
    /// What the output should be.
    pub goal: Goal,
}
