//! Events of training, for those who watch it. Training itself never prints.

use crate::checkpoint::Checkpoints;
use crate::error::{Error, ensure};
use narrows_engine::Params;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// From 1 on.
    pub epoch: usize,
    /// The learning rate of its last step.
    pub lr: f32,
    /// The mean loss of its steps.
    pub train_loss: f64,
    /// The loss on the validation samples, if there are any.
    pub validation_loss: Option<f64>,
    /// The accuracy on them by the metric of the training, for a classifier.
    pub validation_accuracy: Option<f64>,
    /// The wall time of its steps, without validation.
    pub seconds: f64,
    /// The training samples of its steps.
    pub samples: usize,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A part of the work begins that tells no more than this: what it is.
    Stage(&'a str),
    /// `count` training runs begin, side by side.
    Runs {
        /// The kind of run.
        what: &'a str,
        /// The number of runs.
        count: usize,
    },
    /// One of those runs is through.
    RunDone,
    /// A run begins.
    Started {
        /// Its name.
        run: &'a str,
        /// The epochs it may take.
        epochs: usize,
        /// The samples of an epoch.
        samples: usize,
    },
    /// A run goes on from a checkpoint. It follows [`Event::Started`].
    Resumed {
        /// The run's name.
        run: &'a str,
        /// The steps before.
        step: u64,
        /// The epochs before, which are not told again.
        history: &'a [EpochRecord],
        /// The instruction set of those steps, where it is another than now: then the bits are not
        /// those of a run that was not stopped.
        other_isa: Option<&'a str>,
    },
    /// A step was taken.
    Step {
        /// The run's name.
        run: &'a str,
        /// The samples it trained on.
        samples: usize,
        /// Its loss.
        loss: f64,
    },
    /// A checkpoint was saved.
    Saved {
        /// The run's name.
        run: &'a str,
        /// The steps until then.
        step: u64,
        /// The file.
        path: &'a Path,
    },
    /// A checkpoint could not be saved. The run goes on: the one before it is still there, and
    /// saving is tried again later.
    NotSaved {
        /// The run's name.
        run: &'a str,
        /// The problem.
        error: &'a Error,
    },
    /// A checkpoint is damaged; the run goes on from one before it. The file was renamed to end
    /// with `.damaged`.
    Damaged {
        /// The run's name.
        run: &'a str,
        /// The problem, with the file.
        error: &'a Error,
    },
    /// An epoch ended.
    Epoch {
        /// The run's name.
        run: &'a str,
        /// The record of the epoch.
        record: &'a EpochRecord,
    },
    /// A run ended, well or with a loss that is not finite. A run that was asked to stop did not.
    Finished {
        /// The run's name.
        run: &'a str,
        /// The epoch whose weights it kept, from 1 on.
        best_epoch: usize,
        /// The weights of that epoch.
        params: &'a Params,
    },
}

/// Watches training, possibly from several threads at once.
pub trait Observer: Sync {
    /// Takes notice.
    fn notice(&self, event: &Event<'_>);

    /// The checkpoints of the runs that it watches, if they are to have some.
    fn checkpoints(&self) -> Option<&Checkpoints> {
        None
    }
}

impl dyn Observer + '_ {
    /// Asked between the parts of work that takes long.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) if a stop is asked for.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        let stops = self.checkpoints().is_some_and(Checkpoints::stops);
        ensure!(!stops, Stopped, "stopped");
        Ok(())
    }
}

/// Tells nothing to the observer, but asks it for a stop.
pub(crate) struct Silent<'a>(pub &'a dyn Observer);

impl Observer for Silent<'_> {
    fn notice(&self, _: &Event<'_>) {}

    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.0.checkpoints()
    }
}

/// Watches nothing.
impl Observer for () {
    fn notice(&self, _: &Event<'_>) {}
}
