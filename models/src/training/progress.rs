//! The progress of a run: counts the steps, ends the record of an epoch, keeps the best weights.

use super::best::Best;
use crate::error::{Error, ErrorKind};
use crate::evaluation::{Evaluation, Metric};
use crate::event::{EpochRecord, Event, Observer};
use narrows_datasets::{Epoch, Loader};
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

/// The place of a run in its course: all of its state but weights, moments and averages.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The run's name.
    pub run: String,
    /// The steps of each epoch, and the epochs at most.
    pub course: [usize; 2],
    /// The epochs so far.
    pub history: Vec<EpochRecord>,
    pub best: Option<Best>,
    /// The steps of the epoch in progress.
    pub steps: Steps,
    /// The bytes of a window of data that are larger than memory; they decide the order of samples.
    pub window: Option<u64>,
}

impl Progress {
    /// A run of that name before its first step, over the batches of `loader`.
    pub fn new(run: &str, loader: &Loader<'_>, epochs: usize) -> Progress {
        Progress {
            run: run.to_string(),
            course: [loader.steps(), epochs],
            history: Vec::new(),
            best: None,
            steps: Steps::default(),
            window: loader.window(),
        }
    }

    /// The epoch with the best validation so far, from 1 on; the last one if nothing is validated.
    pub fn best_epoch(&self) -> usize {
        self.best.as_ref().map_or(self.history.len(), |best| best.epoch)
    }

    /// The batches that are left of the epoch in progress, which begins, or goes on.
    ///
    /// # Errors
    /// If the samples cannot be read.
    pub fn batches<'l>(&mut self, loader: &'l mut Loader<'_>) -> Result<Epoch<'l>, Error> {
        self.steps.begin();
        let mut batches = loader.epoch(self.history.len() as u64);
        for _ in 0..self.steps.done {
            batches.advance()?;
        }
        Ok(batches)
    }

    /// Ends an epoch: adds the result of its validation to its record, tells `observer`, and keeps
    /// `params` if they are the best so far. The run has taken `steps`.
    ///
    /// # Errors
    /// If a weight or the validation loss is not finite; the message says when.
    pub fn end_epoch(
        &mut self,
        observer: &dyn Observer,
        steps: u64,
        (evaluation, metric): (Option<Evaluation>, Metric),
        params: &Params,
    ) -> Result<(), Error> {
        let epoch = self.history.len() + 1;
        let when = format!("by step {steps}, in epoch {epoch}");
        // The last step's weights have met no loss yet.
        if let Some((name, value)) = first_not_finite(params) {
            let what = format!("{name} holds a value that");
            return Err(narrows_engine::Error::diverged(what, value.into(), &when).into());
        }
        let evaluation = evaluation.as_ref();
        if let Some(Evaluation { loss, .. }) = evaluation.filter(|e| !e.loss.is_finite()) {
            return Err(narrows_engine::Error::diverged("the validation loss", *loss, &when).into());
        }
        let record = EpochRecord {
            validation_loss: evaluation.map(|evaluation| evaluation.loss),
            validation_accuracy: evaluation.and_then(|evaluation| evaluation.accuracy_by(metric)),
            ..self.steps.record(epoch)
        };
        observer.notice(&Event::Epoch { run: &self.run, record: &record });
        Best::keep(&mut self.best, &record, params);
        self.history.push(record);
        Ok(())
    }
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

    /// Stops the time: none are left.
    pub fn pause(&mut self) {
        *self = self.up_to_now();
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

    /// The record of the epoch, not validated yet.
    fn record(&self, epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            lr: self.lr,
            train_loss: self.loss / self.samples as f64,
            validation_loss: None,
            validation_accuracy: None,
            seconds: self.seconds,
            samples: self.samples,
        }
    }
}

/// The first value that is not finite, and the name of its parameter.
fn first_not_finite(params: &Params) -> Option<(&str, f32)> {
    params.entries().iter().find_map(|entry| {
        let values = &params.values()[entry.range.clone()];
        values.iter().find(|value| !value.is_finite()).map(|value| (&entry.name[..], *value))
    })
}
