//! The loop of semi-supervised training.

use super::consistency::{Batch, Consistency};
use super::labelled::{ByClass, LabelledBatches};
use super::ladder::LadderTrainer;
use super::{Semi, SemiTask, SemiTraining};
use crate::checkpoint::Identity;
use crate::error::{Error, ErrorKind, ensure};
use crate::evaluation::{Evaluation, Goal, Samples};
use crate::event::{EpochRecord, Event, Observer};
use crate::training::augmentation::BatchAugmenter;
use crate::training::best::ValidationNoise;
use crate::training::progress::{Progress, RunResult};
use crate::training::saver::{Saver, end_step};
use crate::training::state::{State, Weights};
use crate::training::{Ema, Task};
use narrows_datasets::{Augmentation, Loader};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Loss, Network, Params};

/// The strong augmentation draws other random numbers than the weak one of the same sample.
const STRONG: u64 = 0x5eed_0003;
/// And so does the shuffle of the labelled samples.
const LABELLED: u64 = 0x5eed_0004;

/// A run in progress. Its state is values and counters alone.
#[derive(Clone, Debug)]
pub struct SemiRun<'a> {
    task: SemiTask<'a>,
    training: SemiTraining,
    network: &'a Network,
    learner: Learner<'a>,
    /// The weights that are validated: those in training, their average, or the ladder's clean
    /// encoder. After [`SemiRun::train`] those of [`SemiRun::best_epoch`].
    pub params: Params,
    progress: Progress,
    noise: ValidationNoise,
    loader: Loader<'a>,
    labelled: LabelledBatches,
    weak: Option<BatchAugmenter>,
    strong: Option<BatchAugmenter>,
    /// (labelled batch + batch, sample)
    x: Slab,
    /// (batch, sample); empty if nothing is augmented strongly
    moved: Slab,
    /// (labelled batch)
    classes: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Learner<'a> {
    // Both are large, and there is one of them.
    Consistency(Box<Consistency<'a>>),
    Ladder(Box<LadderTrainer>),
}

impl Learner<'_> {
    fn steps(&self) -> u64 {
        match self {
            Learner::Consistency(consistency) => consistency.optimizer.step_count(),
            Learner::Ladder(ladder) => ladder.optimizer.step_count(),
        }
    }

    /// What its steps change, beside the weights that were `validated` last.
    fn weights<'s>(&'s mut self, validated: &'s mut Params) -> Weights<'s> {
        let (params, optimizer, average, shares) = match self {
            Learner::Consistency(consistency) => {
                let Consistency { params, optimizer, average, shares, .. } = &mut **consistency;
                (params, optimizer, average.as_mut(), Some(shares.state_mut()))
            }
            Learner::Ladder(ladder) => {
                let LadderTrainer { params, optimizer, .. } = &mut **ladder;
                (params, optimizer, None, None)
            }
        };
        Weights { params, optimizer, average, validated: Some(validated), shares }
    }
}

impl<'a> SemiRun<'a> {
    /// Prepares a run of the classifier `network` that starts from `params`, fresh or with a
    /// pretrained encoder.
    ///
    /// # Errors
    /// If a setting makes no sense, for these samples or any, the method is not for such a network,
    /// or there are too few samples.
    pub fn new(
        name: &str,
        network: &'a Network,
        params: Params,
        task: SemiTask<'a>,
        training: &SemiTraining,
    ) -> Result<SemiRun<'a>, Error> {
        training.check()?;
        let SemiTask { data, labelled, unlabelled, .. } = task;
        let batch = training.batch.min(unlabelled.len());
        let labelled_batch = training.labelled_batch.min(labelled.len());
        ensure!(
            batch >= 2 && labelled_batch >= 2,
            Data,
            "{name}: semi-supervised training needs at least 2 labelled samples and 2 others, \
                 not {} and {}",
            labelled.len(),
            unlabelled.len()
        );
        let training = SemiTraining { batch, labelled_batch, ..training.clone() };
        let of_data =
            Task { data, train: labelled, validation: task.validation, goal: Goal::Classify };
        let augmenter = |augmentation: &Augmentation, seed: u64| {
            BatchAugmenter::new(augmentation, &of_data, batch.max(labelled_batch), seed)
                .map_err(|e| e.during(name))
        };
        let len = data.sample_len();
        let strong = augmenter(&training.strong, training.seed ^ STRONG)?;
        let seed = training.seed ^ LABELLED;
        let batches =
            LabelledBatches::new(data, labelled, labelled_batch, training.class_balance, seed)
                .map_err(|e| e.during(name))?;
        let held = ByClass::of(data, task.validation).map_err(|e| e.during(name))?;
        let learner = match &training.method {
            Semi::Ladder(settings) => Learner::Ladder(Box::new(
                LadderTrainer::new(network, &params, settings, &training)
                    .map_err(|e| e.during(name))?,
            )),
            _ => {
                let shares = batches.shares().to_vec();
                let consistency = Consistency::new(network, params.clone(), &training, shares)?;
                Learner::Consistency(Box::new(consistency))
            }
        };
        let loader = Loader::new(data, unlabelled, batch, training.seed);
        Ok(SemiRun {
            learner,
            params,
            progress: Progress::new(name, &loader, training.epochs),
            noise: ValidationNoise::of(&held.counts, training.metric),
            loader,
            labelled: batches,
            weak: augmenter(&training.augmentation, training.seed)?,
            moved: Slab::new(if strong.is_some() { batch * len } else { 0 }),
            strong,
            x: Slab::new((labelled_batch + batch) * len),
            classes: vec![0; labelled_batch],
            task,
            training,
            network,
        })
    }

    /// The epochs that it takes.
    pub fn epochs(&self) -> usize {
        self.training.epochs
    }

    /// The epochs so far.
    pub fn history(&self) -> &[EpochRecord] {
        &self.progress.history
    }

    /// The epoch whose weights it would keep, from 1 on: the best by validation, but after
    /// [`SemiRun::train`] the last if that is not worse by more than two standard errors; and the
    /// last without validation.
    pub fn best_epoch(&self) -> usize {
        self.progress.best_epoch()
    }

    /// Trains to the end of an epoch, validates, and keeps the weights if they are the best so far.
    ///
    /// # Errors
    /// If a loss is no longer finite, or the data cannot be read any more.
    pub fn epoch(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        self.epoch_saved(cx, observer, None)
    }

    /// [`SemiRun::epoch`], with checkpoints.
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
        let data = self.task.data;
        let (len, few) = (data.sample_len(), self.training.labelled_batch);
        let total_steps = (self.loader.steps() * self.training.epochs) as u64;
        let mut batches = self.progress.batches(&mut self.loader)?;
        while batches.advance()? {
            let rows = batches.rows();
            let step = self.learner.steps();
            let lr = self.training.lr * self.training.schedule.factor(step, total_steps);
            let weight = self.training.weight_at(step, total_steps);
            let (x, others) = self.x.split_at_mut(few * len);
            let others = &mut others[..rows.len() * len];
            batches.gather(others)?;
            if let Some(strong) = &mut self.strong {
                let moved = &mut self.moved[..rows.len() * len];
                moved.copy_from_slice(others);
                strong.apply(cx, epoch as u64, rows, moved);
            }
            if let Some(weak) = &mut self.weak {
                weak.apply(cx, epoch as u64, rows, others);
            }
            let chosen = self.labelled.next_batch();
            data.gather(chosen.rows, x)?;
            data.gather_labels(chosen.rows, &mut self.classes)?;
            if let Some(weak) = &mut self.weak {
                // A sample that comes again within the epoch is to differ, and from itself among
                // the others.
                weak.apply(cx, chosen.round | 1 << 32, chosen.keys, x);
            }
            let [supervised, others] = match &mut self.learner {
                Learner::Consistency(consistency) => {
                    let strong = match self.moved.is_empty() {
                        true => &*others,
                        false => &self.moved[..rows.len() * len],
                    };
                    let (classes, weak) = (&self.classes[..], &*others);
                    let batch = Batch { labelled: x, classes, weak, strong, lr, weight };
                    consistency.step(cx, &self.training, batch)?
                }
                Learner::Ladder(ladder) => {
                    let x = &self.x[..(few + rows.len()) * len];
                    ladder.step(cx, x, &self.classes, self.training.seed, lr)?
                }
            };
            let weights = self.learner.weights(&mut self.params);
            let state = State { progress: &mut self.progress, weights };
            let step = (rows.len(), supervised + others, lr);
            end_step(observer, saver.as_deref_mut(), step, state)?;
        }
        Ok(())
    }

    /// The whole state, but for the place among the labelled batches, which follows from the steps.
    fn state(&mut self) -> State<'_> {
        let SemiRun { progress, learner, params, .. } = self;
        State { progress, weights: learner.weights(params) }
    }

    /// What this training is, before its first step.
    fn identity(&self) -> Result<Identity, Error> {
        let SemiTask { data, labelled, unlabelled, validation } = self.task;
        let rows = [
            ("labelled samples", labelled),
            ("samples without a label", unlabelled),
            ("validation samples", validation),
        ];
        Identity::new(&self.training, self.network, Some(&self.params)).on(data, &rows)
    }

    /// Ends an epoch whose steps are taken.
    fn end(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        let SemiTask { data, unlabelled, validation, .. } = self.task;
        self.progress.steps.pause();
        match &mut self.learner {
            Learner::Consistency(consistency) => {
                let now = consistency.average.as_ref().map_or(&consistency.params, Ema::params);
                self.params.values_mut().copy_from_slice(now.values());
            }
            Learner::Ladder(ladder) => ladder.export(cx, data, unlabelled, &mut self.params)?,
        }
        let evaluation = (!validation.is_empty()).then(|| {
            let (model, samples) =
                ((self.network, &self.params), Samples::Rows { data, rows: validation });
            let (loss, take) = (Loss::cross_entropy(), &mut |_: &[f32], _: &[u32]| {});
            Evaluation::over(cx, model, &loss, samples, Goal::Classify, observer, take)
        });
        let evaluation = (evaluation.transpose()?, self.training.metric);
        self.progress.end_epoch(observer, self.learner.steps(), evaluation, &self.params)
    }

    /// The weights in `params`, which are the best after [`SemiRun::train`], and the epochs.
    pub fn into_result(self) -> RunResult {
        let best_epoch = self.best_epoch();
        RunResult { params: self.params, history: self.progress.history, best_epoch }
    }

    /// Trains to the end; then the weights of [`SemiRun::best_epoch`] are in `params`.
    ///
    /// If `observer` has [checkpoints](Observer::checkpoints), the run saves its state there, and
    /// may go on from one: with the same bits, on any number of threads.
    ///
    /// # Errors
    /// The errors of [`SemiRun::epoch`]: the best weights so far are in `params` then, too.
    /// [`ErrorKind::Stopped`] if a stop was asked for, and the errors of a checkpoint that this run
    /// cannot go on from.
    pub fn train(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        self.train_saved(cx, observer).map_err(|e| e.during(&self.progress.run))
    }

    fn train_saved(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        observer.notice(&Event::Started {
            run: &self.progress.run,
            epochs: self.training.epochs,
            samples: self.task.unlabelled.len(),
        });
        let mut saver = None;
        if let Some((begun, checkpoint)) =
            Saver::begin(cx, &self.progress.run, observer, || self.identity())?
        {
            if let Some(checkpoint) = checkpoint {
                self.state().restore(&checkpoint)?;
                self.loader.set_window(self.progress.window);
                self.labelled.seek(self.learner.steps());
                begun.resumed(&checkpoint, &self.state());
            }
            saver = Some(begun);
        }
        let result: Result<(), Error> = cx.install(|| {
            while self.history().len() < self.training.epochs {
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
        let Progress { best, history, .. } = &mut self.progress;
        if let (Some(best), Some(last), Ok(())) = (&mut *best, history.last(), &result) {
            best.prefer_last(last, &self.params, self.noise);
        }
        if let Some(best) = best {
            self.params.values_mut().copy_from_slice(best.params.values());
        }
        observer.notice(&Event::Finished {
            run: &self.progress.run,
            best_epoch: self.best_epoch(),
            params: &self.params,
        });
        result.map_err(|e| match &saver {
            Some(saver) => saver.failed(e),
            None => e,
        })
    }
}

#[cfg(test)]
mod tests;
