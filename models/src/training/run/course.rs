//! The learning rate over the epochs of a run: the course of a schedule, or two.

use super::super::settings::Training;
use super::Run;
use narrows_engine::Schedule;

/// Where a run begins a second time: the schedule anew, over the epochs that are left. What it
/// counts in steps keeps its part of each of the two.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// The epochs before it, to which the schedule's first course belongs.
    pub after: usize,
    /// The factor on the learning rate from then on.
    pub rate: f32,
}

/// One course of a schedule.
pub(super) struct Course {
    pub schedule: Schedule,
    pub first_step: u64,
    pub steps: u64,
    /// Its base rate.
    pub lr: f32,
}

impl Run<'_> {
    /// The course of the schedule that `epoch` belongs to.
    pub(super) fn course(&self, epoch: usize) -> Course {
        let Training { epochs, lr, .. } = self.training;
        let (from, to, rate) = match self.restart {
            Some(Restart { after, rate }) if epoch >= after => (after, epochs, rate),
            Some(Restart { after, .. }) => (0, after.min(epochs), 1.0),
            None => (0, epochs, 1.0),
        };
        let steps = |epochs: usize| (self.loader.steps() * epochs) as u64;
        let schedule = self.training.schedule.stretched((to - from) as f64 / epochs as f64);
        Course { schedule, first_step: steps(from), steps: steps(to - from), lr: lr * rate }
    }
}
