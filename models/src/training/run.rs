//! One run of the training loop.

mod course;
mod linear;
mod saving;

pub use course::Restart;

use super::augmentation::BatchAugmenter;
use super::codes::FrozenCodes;
use super::ema::Ema;
use super::mixup::Mixup;
use super::progress::{Progress, RunResult};
use super::reestimation::reestimate_statistics;
use super::saver::{Saver, end_step};
use super::settings::Training;
use super::state::State;
use super::task::Task;
use crate::error::{Error, ErrorKind, bail, ensure};
use crate::evaluation::{Evaluation, Goal, Samples};
use crate::event::{EpochRecord, Event, Observer};
use narrows_datasets::{Loader, Rows};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Network, Params, Target, Trainer, TrainerSettings};

/// A run in progress. Its state is values and counters alone: a copy of it, continued, gives the
/// same bits.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    task: Task<'a>,
    training: Training,
    /// The network and its weights, which can be frozen between epochs.
    pub trainer: Trainer,
    /// The average of the weights behind each step, if it is asked for: what is validated and kept.
    pub ema: Option<Ema>,
    /// The epochs before patience begins to count: those in which a part of the network is still to
    /// be freed.
    pub patient_until: usize,
    /// Where the schedule begins anew, if it does.
    pub restart: Option<Restart>,
    progress: Progress,
    loader: Loader<'a>,
    x: Slab,
    labels: Vec<u32>,
    /// The codes of the samples, if layers are frozen and the samples stay the same.
    codes: Option<FrozenCodes>,
    augmenter: Option<BatchAugmenter>,
    mixup: Option<Mixup>,
}

impl<'a> Run<'a> {
    /// Prepares a run of `network` that starts from `params`.
    ///
    /// # Errors
    /// If a setting makes no sense, for these samples or any, or there is nothing to train on.
    pub fn new(
        name: &str,
        network: &Network,
        params: Params,
        task: Task<'a>,
        training: &Training,
    ) -> Result<Run<'a>, Error> {
        training.check()?;
        ensure!(!task.train.is_empty(), Data, "{name}: there are no samples to train on");
        let batch = training.batch.min(task.train.len());
        let Training { loss, optimizer, seed, augmentation, .. } = training.clone();
        let augmenter =
            BatchAugmenter::new(&augmentation, &task, batch, seed).map_err(|e| e.during(name))?;
        let (len, classes) = (task.data.sample_len(), network.output().len());
        let mixup = match task.goal {
            Goal::Classify => Mixup::new(training.mixup, &loss, batch, len, classes, seed)?,
            Goal::Reconstruct if training.mixup > 0.0 => {
                bail!(Data, "{name}: mixup is for classifiers: set its alpha to 0");
            }
            Goal::Reconstruct => None,
        };
        let clip_norm = training.clip_norm;
        let settings =
            TrainerSettings { optimizer, seed, clip_norm, ..TrainerSettings::new(loss, batch) };
        let trainer = Trainer::new(network, params, settings)?;
        let ema = (training.ema > 0.0).then(|| Ema::new(&trainer.params, training.ema));
        let loader = Loader::new(task.data, task.train, batch, seed);
        Ok(Run {
            task,
            trainer,
            ema,
            patient_until: 0,
            restart: None,
            progress: Progress::new(name, &loader, training.epochs),
            loader,
            x: Slab::new(batch * task.data.sample_len()),
            labels: vec![0; batch],
            codes: None,
            augmenter,
            mixup,
            training: Training { batch, ..training.clone() },
        })
    }

    /// The epochs that it may take.
    pub fn epochs(&self) -> usize {
        self.training.epochs
    }

    /// The epochs so far.
    pub fn history(&self) -> &[EpochRecord] {
        &self.progress.history
    }

    /// True if all epochs are through, or patience is at its end.
    pub fn finished(&self) -> bool {
        let (done, patience) = (self.history().len(), self.training.patience);
        let since = |best: usize| done.saturating_sub(best.max(self.patient_until));
        let waited = self.progress.best.as_ref().map_or(0, |best| since(best.epoch));
        done >= self.training.epochs || (patience > 0 && waited >= patience)
    }

    /// Trains to the end of an epoch, validates, and keeps the weights if they are the best so far.
    ///
    /// # Errors
    /// If a loss or a parameter is no longer finite: the message names the place, and the epoch
    /// counts for nothing.
    pub fn epoch(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        self.epoch_saved(cx, observer, None)
    }

    /// [`Run::epoch`], with checkpoints.
    fn epoch_saved(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        mut saver: Option<&mut Saver<'_>>,
    ) -> Result<(), Error> {
        let result = self.take_steps(cx, observer, saver.as_deref_mut()).and_then(|()| {
            let ended = self.end(cx, observer);
            Saver::behind_steps(saver, ended, self.state())
        });
        self.progress.steps.end(&result);
        result
    }

    /// Takes the steps of an epoch that are left.
    fn take_steps(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        mut saver: Option<&mut Saver<'_>>,
    ) -> Result<(), Error> {
        let epoch = self.history().len();
        let Task { data, goal, .. } = self.task;
        self.encode(cx, observer)?;
        let course = self.course(epoch);
        let mut batches = self.progress.batches(&mut self.loader)?;
        while batches.advance()? {
            let rows = batches.rows();
            let step = self.trainer.optimizer.step_count();
            let step = step.saturating_sub(course.first_step);
            let lr = course.lr * course.schedule.factor(step, course.steps);
            let labels = &mut self.labels[..rows.len()];
            let loss = if let Some(codes) = &self.codes {
                let x = &mut self.x[..rows.len() * codes.len];
                codes.gather(rows, x, labels);
                self.trainer.step_from_frozen(cx, x, Target::Classes(labels), lr)?
            } else {
                let x = &mut self.x[..rows.len() * data.sample_len()];
                batches.gather(x)?;
                let augmenter = self.augmenter.as_mut();
                let clean =
                    augmenter.and_then(|augmenter| augmenter.apply(cx, epoch as u64, rows, x));
                let target = match goal {
                    Goal::Reconstruct => Target::Values(clean.unwrap_or(x)),
                    Goal::Classify => {
                        data.gather_labels(rows, labels)?;
                        match &mut self.mixup {
                            Some(mixup) => mixup.apply(epoch as u64, rows, x, labels)?,
                            None => Target::Classes(labels),
                        }
                    }
                };
                self.trainer.step(cx, x, target, lr)?
            };
            if let Some(ema) = &mut self.ema {
                ema.update(cx, &self.trainer.params);
            }
            let weights = saving::weights(&mut self.trainer, &mut self.ema);
            let state = State { progress: &mut self.progress, weights };
            end_step(observer, saver.as_deref_mut(), (rows.len(), loss, lr), state)?;
        }
        Ok(())
    }

    /// Ends an epoch whose steps are taken.
    fn end(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        self.progress.steps.pause();
        self.swap_average();
        let evaluation = self.validate(cx, observer);
        self.swap_average();
        let params = self.ema.as_ref().map_or(&self.trainer.params, Ema::params);
        let steps = self.trainer.optimizer.step_count();
        self.progress.end_epoch(observer, steps, (evaluation?, self.training.metric), params)
    }

    /// Evaluates the weights in `trainer.params` on the validation samples, if there are any.
    fn validate(&self, cx: &Context, observer: &dyn Observer) -> Result<Option<Evaluation>, Error> {
        let Task { data, validation, goal, .. } = self.task;
        if validation.is_empty() {
            return Ok(None);
        }
        let (network, params, loss) =
            (self.trainer.network(), &self.trainer.params, &self.training.loss);
        // An average of layers that moved before they froze is not what made the codes.
        let codes = self.codes.as_ref().filter(|codes| codes.hold_for(network, params));
        let samples = match codes {
            Some(codes) => Samples::Codes(&codes.validation),
            None => Samples::Rows { data, rows: validation },
        };
        let take = &mut |_: &[f32], _: &[u32]| {};
        Evaluation::over(cx, (network, params), loss, samples, goal, observer, take).map(Some)
    }

    /// Exchanges the weights and their average, if there is one.
    fn swap_average(&mut self) {
        if let Some(ema) = &mut self.ema {
            ema.swap(&mut self.trainer.params);
        }
    }

    /// Runs the samples through the frozen lowest layers, unless the codes of an epoch before still
    /// hold. Augmented and mixed samples are others in each epoch, and have no codes to keep.
    fn encode(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        if self.augmenter.is_some() || self.mixup.is_some() {
            return Ok(());
        }
        let (network, params) = (self.trainer.network(), &self.trainer.params);
        if self.codes.as_ref().is_none_or(|codes| !codes.hold_for(network, params)) {
            self.codes = FrozenCodes::of(cx, (network, params), &self.task, observer)?;
            self.x.ensure(self.codes.as_ref().map_or(0, |codes| self.training.batch * codes.len));
        }
        Ok(())
    }

    /// The epoch with the best validation so far, from 1 on; the last one if nothing is validated.
    pub fn best_epoch(&self) -> usize {
        self.progress.best_epoch()
    }

    /// The epoch with the best validation so far and its weights; `None` if nothing was validated.
    pub fn best(&self) -> Option<(usize, &Params)> {
        self.progress.best.as_ref().map(|best| (best.epoch, &best.params))
    }

    /// The weights in `trainer.params`, which are the best after [`Run::train`], and the epochs.
    pub fn into_result(self) -> RunResult {
        let best_epoch = self.best_epoch();
        RunResult { params: self.trainer.params, history: self.progress.history, best_epoch }
    }

    /// True if this run's best validation beats that of `other`.
    pub fn beats(&self, other: &Run<'_>) -> bool {
        match (&self.progress.best, &other.progress.best) {
            (Some(ours), Some(theirs)) => ours.score.beats(&theirs.score),
            (ours, _) => ours.is_some(),
        }
    }

    /// Puts the best weights back; if nothing was validated, the average of the weights, if there
    /// is one.
    pub fn restore_best(&mut self) {
        let best = self.progress.best.as_ref().map(|best| &best.params);
        if let Some(params) = best.or(self.ema.as_ref().map(Ema::params)) {
            self.trainer.params.values_mut().copy_from_slice(params.values());
        }
    }

    /// Estimates the running statistics of the weights in `trainer.params` anew, if the settings
    /// ask for it.
    fn reestimate(&mut self, cx: &Context) -> Result<(), Error> {
        let Task { data, .. } = self.task;
        match self.training.reestimate_bn && self.best_epoch() > 0 {
            true => {
                let network = self.trainer.network().clone();
                let params = &mut self.trainer.params;
                reestimate_statistics(cx, &network, params, data, Rows::all(data.learnt()))
            }
            false => Ok(()),
        }
    }

    /// The settings.
    pub(crate) fn training(&self) -> &Training {
        &self.training
    }

    /// Trains to the end; then the best weights are back in `trainer.params`. `before_epoch` is
    /// called with the number of epochs done, and may freeze or free what it likes.
    ///
    /// If `observer` has [checkpoints](Observer::checkpoints), the run saves its state there, and
    /// may go on from one: with the same bits, on any number of threads. An epoch that was begun
    /// before is not told to `before_epoch` again.
    ///
    /// # Errors
    /// The errors of [`Run::epoch`]: the best weights so far are back in `trainer.params` then,
    /// too. [`ErrorKind::Stopped`] if a stop was asked for, and the errors of a checkpoint that
    /// this run cannot go on from.
    pub fn train(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        before_epoch: impl FnMut(usize, &mut Params) + Send,
    ) -> Result<(), Error> {
        let result = self.train_saved(cx, observer, before_epoch);
        result.map_err(|e| e.during(&self.progress.run))
    }

    fn train_saved(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        mut before_epoch: impl FnMut(usize, &mut Params) + Send,
    ) -> Result<(), Error> {
        observer.notice(&Event::Started {
            run: &self.progress.run,
            epochs: self.training.epochs,
            samples: self.task.train.len(),
        });
        let mut saver = self.begin_saving(cx, observer)?;
        let result: Result<(), Error> = cx.install(|| {
            while !self.finished() {
                if self.progress.steps.done == 0 {
                    before_epoch(self.progress.history.len(), &mut self.trainer.params);
                }
                self.epoch_saved(cx, observer, saver.as_mut())?;
            }
            if let Some(saver) = &mut saver {
                saver.end(self.state());
            }
            Ok(())
        });
        if let Err(e) = &result
            && e.kind() == ErrorKind::Stopped
        {
            return result;
        }
        self.restore_best();
        let result = result.and(cx.install(|| self.reestimate(cx)));
        observer.notice(&Event::Finished {
            run: &self.progress.run,
            best_epoch: self.best_epoch(),
            params: &self.trainer.params,
        });
        result.map_err(|e| match &saver {
            Some(saver) => saver.failed(e),
            None => e,
        })
    }
}
