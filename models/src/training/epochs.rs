//! The epochs of a run: counts the steps, ends the record, keeps the best weights.

use super::best::Best;
use crate::error::{Error, ErrorKind};
use crate::evaluation::{Evaluation, Metric};
use crate::event::{EpochRecord, Event, Observer};
use narrows_engine::Params;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The weights of its best epoch.
    pub params: Params,
    /// Its epochs.
    pub history: Vec<EpochRecord>,
    /// The epoch whose weights these are, from 1 on.
    pub best_epoch: usize,
}

/// The steps of the epoch in progress.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    /// Their number.
    pub done: usize,
    loss: f64,
    samples: usize,
    lr: f32,
    /// The time that they took before [`Steps::begin`].
    seconds: f64,
    #[serde(skip)]
    begun: Option<Instant>,
}

impl Steps {
    /// Begins, or goes on: the time counts from now.
    pub fn begin(&mut self) {
        *self = Steps { begun: Some(Instant::now()), ..self.up_to_now() };
    }

    /// The same, with the time until now.
    pub fn up_to_now(&self) -> Steps {
        let since = self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        Steps { seconds: self.seconds + since, begun: None, ..*self }
    }

    /// Ends them with their epoch, however that came out. Those of a stop are to be continued.
    pub fn end<T>(&mut self, epoch: &Result<T, Error>) {
        if !matches!(epoch, Err(e) if e.kind() == ErrorKind::Stopped) {
            *self = Steps::default();
        }
    }

    /// True if they can be those of an epoch, which has fewer samples than 32 bits can count.
    pub fn are_sound(&self) -> bool {
        u32::try_from(self.samples).is_ok() && (self.done == 0) == (self.samples == 0)
    }

    /// Counts a step of `run` and tells `observer`.
    pub fn count(
        &mut self,
        run: &str,
        observer: &dyn Observer,
        samples: usize,
        loss: f64,
        lr: f32,
    ) {
        self.done += 1;
        self.loss += loss * samples as f64;
        self.samples += samples;
        self.lr = lr;
        observer.notice(&Event::Step { run, samples, loss });
    }

    /// The record of the epoch, not validated yet. Its time ends here.
    pub fn record(&self, epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            lr: self.lr,
            train_loss: self.loss / self.samples as f64,
            validation_loss: None,
            validation_accuracy: None,
            seconds: self.up_to_now().seconds,
            samples: self.samples,
        }
    }
}

/// Ends an epoch of `run`: adds the result of its validation to its record, tells `observer`, keeps
/// `params` if they are the best so far, and adds the record to `history`.
///
/// # Errors
/// If a weight or the validation loss is not finite; the message says `when`.
pub(crate) fn end_epoch(
    (run, observer): (&str, &dyn Observer),
    record: EpochRecord,
    (evaluation, metric, when): (Option<Evaluation>, Metric, &str),
    params: &Params,
    history: &mut Vec<EpochRecord>,
    best: &mut Option<Best>,
) -> Result<(), Error> {
    // The last step's weights have met no loss yet.
    if let Some((name, value)) = first_not_finite(params) {
        let what = format!("{name} holds a value that");
        return Err(narrows_engine::Error::diverged(what, value.into(), when).into());
    }
    let evaluation = evaluation.as_ref();
    if let Some(Evaluation { loss, .. }) = evaluation.filter(|e| !e.loss.is_finite()) {
        return Err(narrows_engine::Error::diverged("the validation loss", *loss, when).into());
    }
    let record = EpochRecord {
        validation_loss: evaluation.map(|evaluation| evaluation.loss),
        validation_accuracy: evaluation.and_then(|evaluation| evaluation.accuracy_by(metric)),
        ..record
    };
    observer.notice(&Event::Epoch { run, record: &record });
    Best::keep(best, &record, params);
    history.push(record);
    Ok(())
}

/// The first value that is not finite, and the name of its parameter.
fn first_not_finite(params: &Params) -> Option<(&str, f32)> {
    params.entries().iter().find_map(|entry| {
        let values = &params.values()[entry.range.clone()];
        values.iter().find(|value| !value.is_finite()).map(|value| (&entry.name[..], *value))
    })
}
