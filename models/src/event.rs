//! Events of training, for those who watch it. Training itself never prints.

use narrows_engine::Params;
use serde::Serialize;

/// One epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// A step was taken.
    Step {
        /// The run's name.
        run: &'a str,
        /// The samples it trained on.
        samples: usize,
        /// Its loss.
        loss: f64,
    },
    /// An epoch ended.
    Epoch {
        /// The run's name.
        run: &'a str,
        /// The record of the epoch.
        record: &'a EpochRecord,
    },
    /// A run ended, well or with a loss that is not finite.
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
}

/// Watches nothing.
impl Observer for () {
    fn notice(&self, _: &Event<'_>) {}
}
