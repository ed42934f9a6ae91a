//! The loop of semi-supervised training.

use super::consistency::{Batch, Consistency};
use super::labelled::{ByClass, LabelledBatches};
use super::ladder::LadderTrainer;
use super::{Semi, SemiTask, SemiTraining};
use crate::checkpoint::Identity;
use crate::error::{Error, ErrorKind, ensure};
use crate::evaluation::{Evaluation, Goal};
use crate::event::{EpochRecord, Event, Observer};
use crate::training::augmentation::BatchAugmenter;
use crate::training::best::{Best, ValidationNoise};
use crate::training::epochs::{RunResult, Steps, end_epoch};
use crate::training::saver::Saver;
use crate::training::state::State;
use crate::training::{Ema, Task};
use narrows_datasets::{Augmentation, Loader};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Network, Params};

/// The strong augmentation draws other random numbers than the weak one of the same sample.
const STRONG: u64 = 0x5eed_0003;
/// And so does the shuffle of the labelled samples.
const LABELLED: u64 = 0x5eed_0004;

/// A run in progress. Its state is values and counters alone.
#[derive(Clone, Debug)]
pub struct SemiRun<'a> {
    name: String,
    task: SemiTask<'a>,
    training: SemiTraining,
    network: &'a Network,
    learner: Learner<'a>,
    /// The weights that are validated: those in training, their average, or the ladder's clean
    /// encoder. After [`SemiRun::train`] those of [`SemiRun::best_epoch`].
    pub params: Params,
    /// The epochs so far.
    pub history: Vec<EpochRecord>,
    best: Option<Best>,
    /// The steps of the epoch in progress.
    steps: Steps,
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

    /// The whole state of a run with these parts.
    fn state<'s>(
        &'s mut self,
        validated: &'s mut Params,
        best: &'s mut Option<Best>,
        history: &'s mut Vec<EpochRecord>,
        steps: &'s mut Steps,
        course: [usize; 2],
        window: Option<u64>,
    ) -> State<'s> {
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
        let validated = Some(validated);
        State {
            params,
            optimizer,
            average,
            best,
            history,
            steps,
            course,
            window,
            validated,
            shares,
        }
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
        Ok(SemiRun {
            name: name.to_string(),
            learner,
            params,
            history: Vec::new(),
            best: None,
            steps: Steps::default(),
            noise: ValidationNoise::of(&held.counts, training.metric),
            loader: Loader::new(data, unlabelled, batch, training.seed),
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

    /// The epoch whose weights it would keep, from 1 on: the best by validation, but after
    /// [`SemiRun::train`] the last if that is not worse by more than two standard errors; and the
    /// last without validation.
    pub fn best_epoch(&self) -> usize {
        self.best.as_ref().map_or(self.history.len(), |best| best.epoch)
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
        let data = self.task.data;
        let (len, few) = (data.sample_len(), self.training.labelled_batch);
        let total_steps = (self.loader.steps() * self.training.epochs) as u64;
        let (done, size, window) = (self.steps.done, self.size(), self.loader.window());
        self.steps.begin();
        let mut batches = self.loader.epoch(epoch as u64);
        for _ in 0..done {
            batches.advance()?;
        }
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
            self.steps.count(&self.name, observer, rows.len(), supervised + others, lr);
            if let Some(saver) = saver.as_deref_mut().filter(|saver| saver.is_due()) {
                let SemiRun { learner, params, best, history, steps, .. } = self;
                saver.after_step(learner.state(params, best, history, steps, size, window))?;
            }
        }
        Ok(())
    }

    /// The steps of an epoch, and the epochs.
    fn size(&self) -> [usize; 2] {
        [self.loader.steps(), self.training.epochs]
    }

    /// The whole state, but for the place among the labelled batches, which follows from the steps.
    fn state(&mut self) -> State<'_> {
        let (size, window) = (self.size(), self.loader.window());
        let SemiRun { learner, params, best, history, steps, .. } = self;
        learner.state(params, best, history, steps, size, window)
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
        let epoch = self.history.len();
        let SemiTask { data, unlabelled, validation, .. } = self.task;
        let record = self.steps.record(epoch + 1);
        match &mut self.learner {
            Learner::Consistency(consistency) => {
                let now = consistency.average.as_ref().map_or(&consistency.params, Ema::params);
                self.params.values_mut().copy_from_slice(now.values());
            }
            Learner::Ladder(ladder) => ladder.export(cx, data, unlabelled, &mut self.params)?,
        }
        let evaluation = (!validation.is_empty()).then(|| {
            let (network, take) = (self.network, &mut |_: &[f32], _: &[u32]| {});
            Evaluation::of_classifier(cx, network, &self.params, data, validation, take)
        });
        let when = format!("by step {}, in epoch {}", self.learner.steps(), epoch + 1);
        end_epoch(
            (&self.name, observer),
            record,
            (evaluation.transpose()?, self.training.metric, &when),
            &self.params,
            &mut self.history,
            &mut self.best,
        )
    }

    /// The weights in `params`, which are the best after [`SemiRun::train`], and the epochs.
    pub fn into_result(self) -> RunResult {
        let best_epoch = self.best_epoch();
        RunResult { params: self.params, history: self.history, best_epoch }
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
        self.train_saved(cx, observer).map_err(|e| e.during(&self.name))
    }

    fn train_saved(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        observer.notice(&Event::Started {
            run: &self.name,
            epochs: self.training.epochs,
            samples: self.task.unlabelled.len(),
        });
        let mut saver = None;
        if let Some((begun, checkpoint)) =
            Saver::begin(cx, &self.name, observer, || self.identity())?
        {
            if let Some(checkpoint) = checkpoint {
                let window = self.state().restore(&checkpoint)?;
                self.loader.set_window(window);
                self.labelled.seek(self.learner.steps());
                begun.resumed(&checkpoint, &self.state());
            }
            saver = Some(begun);
        }
        let result: Result<(), Error> = cx.install(|| {
            while self.history.len() < self.training.epochs {
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
        if let (Some(best), Some(last), Ok(())) = (&mut self.best, self.history.last(), &result) {
            best.prefer_last(last, &self.params, self.noise);
        }
        if let Some(best) = &self.best {
            self.params.values_mut().copy_from_slice(best.params.values());
        }
        observer.notice(&Event::Finished {
            run: &self.name,
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
