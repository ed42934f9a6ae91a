//! One run of the training loop.

mod course;
mod saving;

pub use course::Restart;

use super::augmentation::BatchAugmenter;
use super::best::Best;
use super::codes::FrozenCodes;
use super::ema::Ema;
use super::epochs::{RunResult, Steps, end_epoch};
use super::mixup::Mixup;
use super::reestimation::reestimate_statistics;
use super::saver::Saver;
use super::settings::Training;
use super::task::Task;
use crate::error::{Error, ErrorKind, bail, ensure};
use crate::evaluation::{Evaluation, Goal};
use crate::event::{EpochRecord, Event, Observer};
use narrows_datasets::{Loader, Rows};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Network, Params, Target, Trainer, TrainerSettings};

/// A run in progress. Its state is values and counters alone: a copy of it, continued, gives the
/// same bits.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    name: String,
    task: Task<'a>,
    training: Training,
    /// The network and its weights, which can be frozen between epochs.
    pub trainer: Trainer,
    /// The average of the weights behind each step, if it is asked for: what is validated and kept.
    pub ema: Option<Ema>,
    /// The epochs so far.
    pub history: Vec<EpochRecord>,
    /// The epochs before patience begins to count: those in which a part of the network is still to
    /// be freed.
    pub patient_until: usize,
    /// Where the schedule begins anew, if it does.
    pub restart: Option<Restart>,
    best: Option<Best>,
    /// The steps of the epoch in progress.
    steps: Steps,
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
        Ok(Run {
            name: name.to_string(),
            task,
            trainer,
            ema,
            history: Vec::new(),
            patient_until: 0,
            restart: None,
            best: None,
            steps: Steps::default(),
            loader: Loader::new(task.data, task.train, batch, seed),
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

    /// True if all epochs are through, or patience is at its end.
    pub fn finished(&self) -> bool {
        let (done, patience) = (self.history.len(), self.training.patience);
        let since = |best: usize| done.saturating_sub(best.max(self.patient_until));
        let waited = self.best.as_ref().map_or(0, |best| since(best.epoch));
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
        saver: Option<&mut Saver<'_>>,
    ) -> Result<(), Error> {
        let result = self.take_steps(cx, observer, saver).and_then(|()| self.end(cx, observer));
        self.steps.end(&result);
        result
    }

    /// Takes the steps of an epoch that are left.
    fn take_steps(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        mut saver: Option<&mut Saver<'_>>,
    ) -> Result<(), Error> {
        let epoch = self.history.len();
        let Task { data, goal, .. } = self.task;
        self.encode(cx)?;
        let course = self.course(epoch);
        let (done, size) = (self.steps.done, self.size());
        self.steps.begin();
        let window = self.loader.window();
        let mut batches = self.loader.epoch(epoch as u64);
        for _ in 0..done {
            batches.advance()?;
        }
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
            self.steps.count(&self.name, observer, rows.len(), loss, lr);
            if let Some(saver) = saver.as_deref_mut().filter(|saver| saver.is_due()) {
                let Run { trainer, ema, best, history, steps, .. } = self;
                saver.after_step(saving::state_of(
                    trainer, ema, best, history, steps, size, window,
                ))?;
            }
        }
        Ok(())
    }

    /// Ends an epoch whose steps are taken.
    fn end(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        let epoch = self.history.len();
        let record = self.steps.record(epoch + 1);
        let when =
            format!("by step {}, in epoch {}", self.trainer.optimizer.step_count(), epoch + 1);
        self.swap_average();
        let evaluation = self.validate(cx);
        self.swap_average();
        end_epoch(
            (&self.name, observer),
            record,
            (evaluation?, self.training.metric, &when),
            self.ema.as_ref().map_or(&self.trainer.params, Ema::params),
            &mut self.history,
            &mut self.best,
        )
    }

    /// Evaluates the weights in `trainer.params` on the validation samples, if there are any.
    fn validate(&self, cx: &Context) -> Result<Option<Evaluation>, Error> {
        let Task { data, validation, goal, .. } = self.task;
        if validation.is_empty() {
            return Ok(None);
        }
        let (network, params, loss) =
            (self.trainer.network(), &self.trainer.params, &self.training.loss);
        // An average of layers that moved before they froze is not what made the codes.
        Ok(Some(match self.codes.as_ref().filter(|codes| codes.hold_for(network, params)) {
            Some(codes) => Evaluation::of_codes(cx, network, params, loss, &codes.validation)?,
            None => Evaluation::of(cx, network, params, loss, data, validation, goal)?,
        }))
    }

    /// Exchanges the weights and their average, if there is one.
    fn swap_average(&mut self) {
        if let Some(ema) = &mut self.ema {
            ema.swap(&mut self.trainer.params);
        }
    }

    /// Runs the samples through the frozen lowest layers, unless the codes of an epoch before still
    /// hold. Augmented and mixed samples are others in each epoch, and have no codes to keep.
    fn encode(&mut self, cx: &Context) -> Result<(), Error> {
        if self.augmenter.is_some() || self.mixup.is_some() {
            return Ok(());
        }
        let (network, params) = (self.trainer.network(), &self.trainer.params);
        if self.codes.as_ref().is_none_or(|codes| !codes.hold_for(network, params)) {
            self.codes = FrozenCodes::of(cx, network, params, &self.task)?;
            self.x.ensure(self.codes.as_ref().map_or(0, |codes| self.training.batch * codes.len));
        }
        Ok(())
    }

    /// The epoch with the best validation so far, from 1 on; the last one if nothing is validated.
    pub fn best_epoch(&self) -> usize {
        self.best.as_ref().map_or(self.history.len(), |best| best.epoch)
    }

    /// The epoch with the best validation so far and its weights; `None` if nothing was validated.
    pub fn best(&self) -> Option<(usize, &Params)> {
        self.best.as_ref().map(|best| (best.epoch, &best.params))
    }

    /// The weights in `trainer.params`, which are the best after [`Run::train`], and the epochs.
    pub fn into_result(self) -> RunResult {
        let best_epoch = self.best_epoch();
        RunResult { params: self.trainer.params, history: self.history, best_epoch }
    }

    /// True if this run's best validation beats that of `other`.
    pub fn beats(&self, other: &Run<'_>) -> bool {
        match (&self.best, &other.best) {
            (Some(ours), Some(theirs)) => ours.score.beats(&theirs.score),
            (ours, _) => ours.is_some(),
        }
    }

    /// Puts the best weights back; if nothing was validated, the average of the weights, if there
    /// is one.
    pub fn restore_best(&mut self) {
        let best = self.best.as_ref().map(|best| &best.params);
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
        result.map_err(|e| e.during(&self.name))
    }

    fn train_saved(
        &mut self,
        cx: &Context,
        observer: &dyn Observer,
        mut before_epoch: impl FnMut(usize, &mut Params) + Send,
    ) -> Result<(), Error> {
        observer.notice(&Event::Started {
            run: &self.name,
            epochs: self.training.epochs,
            samples: self.task.train.len(),
        });
        let mut saver = self.begin_saving(cx, observer)?;
        let result: Result<(), Error> = cx.install(|| {
            while !self.finished() {
                if self.steps.done == 0 {
                    before_epoch(self.history.len(), &mut self.trainer.params);
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
            run: &self.name,
            best_epoch: self.best_epoch(),
            params: &self.trainer.params,
        });
        result.map_err(|e| match &saver {
            Some(saver) => saver.failed(e),
            None => e,
        })
    }
}
