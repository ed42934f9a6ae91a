//! The label-efficiency curve: test accuracy against the number of labels, method by method.
//!
//! ```text
//! draw 0:  10 labels: each method    20 labels: each method    ...    all labels: each method
//! draw 1:  ...
//! ```
//!
//! Draw by draw, so that what was stopped has whole draws. A draw of more labels contains the draw
//! of fewer, and the validation labels are the same for each number of them as long as as many are
//! asked for (`narrows_datasets::draw_labels`). Each trial is a function of its numbers and the
//! settings alone: finished ones can be left out when a curve is continued.

use super::draws::label_draw;
use super::statistics::{Accuracies, Gain};
use crate::architecture::Architecture;
use crate::checked::Checked;
use crate::error::{Error, bail, ensure};
use crate::evaluation::Metric;
use crate::event::Observer;
use crate::methods::{Given, Method, check_ensemble};
use crate::training::Training;
use narrows_datasets::{Augmenter, LabelDraw, TrainTest};
use narrows_engine::{Context, Params};
use serde::{Deserialize, Serialize};

/// The methods to measure, and the numbers of labels.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// The data.
    pub data: &'a TrainTest,
    /// The network of methods that transfer. That of scratch is its
    /// [baseline](Architecture::baseline).
    pub architecture: Architecture,
    /// The learning rates that those choose from.
    pub learning_rates: Vec<f32>,
    /// The methods.
    pub methods: Vec<Method>,
    /// The numbers of labels.
    pub points: Vec<Point>,
    /// The number of draws.
    pub draws: usize,
    /// The number of classifiers, each of a seed of its own, that decide together; at least 1.
    pub ensemble: usize,
    /// Decides everything random.
    pub seed: u64,
}

/// One number of labels.
#[derive(Clone, Debug)]
pub struct Point {
    /// The labels of a draw to train on.
    pub labels: usize,
    /// The labels of a draw to validate on.
    pub validation: usize,
    /// The training of classifiers on so many, but for the learning rate, where the labels alone
    /// are learnt from.
    pub finetuning: Training,
}

/// A method on a draw of so many labels: what came out, as a line of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The labels trained on.
    pub labels: usize,
    /// The method's name.
    pub method: String,
    /// The draw.
    pub draw: usize,
    /// The labels validated on.
    pub validation: usize,
    /// The seed of its runs.
    pub seed: u64,
    /// On all test samples that have a label.
    pub test_accuracy: f64,
    /// The mean over the classes.
    pub test_balanced_accuracy: f64,
    /// The mean cross-entropy there; `None` if all are of classes never seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// The score that the run was chosen by: its accuracy on the validation labels, by the metric
    /// of the training.
    pub validation_accuracy: Option<f64>,
    /// The loss there.
    pub validation_loss: Option<f64>,
    /// The learning rate that was chosen; 0 for a reference.
    pub lr: f32,
    /// The setting that a reference chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// The epochs of the run that was chosen.
    pub epochs: usize,
    /// The one whose weights were kept, from 1 on.
    pub best_epoch: usize,
    /// The time that all its candidates took, on one thread.
    pub seconds: f64,
    /// [`Method::fingerprint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
}

impl TrialResult {
    fn of_draw(&self, metric: Metric) -> DrawResult {
        DrawResult {
            draw: self.draw,
            seed: self.seed,
            test_accuracy: self.test_by(metric),
            validation_accuracy: self.validation_accuracy,
            chosen: self.setting(),
        }
    }

    /// The learning rate that was chosen, or the setting of a reference.
    fn setting(&self) -> String {
        self.chosen.clone().unwrap_or_else(|| self.lr.to_string())
    }

    /// The test accuracy by that metric.
    pub fn test_by(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Accuracy => self.test_accuracy,
            Metric::Balanced => self.test_balanced_accuracy,
        }
    }
}

/// The result of a method on one draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawResult {
    /// The draw.
    pub draw: usize,
    /// The seed of its runs.
    pub seed: u64,
    /// On the whole test set, by the metric.
    pub test_accuracy: f64,
    /// On the validation labels, which chose.
    pub validation_accuracy: Option<f64>,
    /// The learning rate that they chose, or the setting of a reference.
    pub chosen: String,
}

/// The accuracy of a method with so many labels, over the draws.
#[derive(Clone, Debug, Serialize)]
pub struct MethodResult {
    /// The method.
    pub name: String,
    /// On the whole test set.
    pub test_accuracy: Accuracies,
    /// The same of the balanced accuracy, where that is the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_balanced_accuracy: Option<Accuracies>,
    /// The mean of the differences to scratch in the metric, draw by draw, where scratch is among
    /// the methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_over_scratch: Option<Gain>,
    /// The time that its runs took, added up over draws and candidates.
    pub seconds: f64,
    /// Draw by draw.
    pub draws: Vec<DrawResult>,
    /// True if it is none of ours, but one to hold them against.
    pub reference: bool,
    /// The learning rate chosen on each draw; of a reference its setting. It is not a part of the
    /// summary, whose keys are fixed.
    #[serde(skip)]
    pub chosen: Vec<String>,
}

impl MethodResult {
    /// The accuracies by the metric.
    pub fn of_choice(&self) -> &Accuracies {
        self.test_balanced_accuracy.as_ref().unwrap_or(&self.test_accuracy)
    }
}

/// One thing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'a> {
    pub point: &'a Point,
    pub method: &'a Method,
    pub draw: usize,
}

impl Trial<'_> {
    fn is(&self, done: &TrialResult) -> bool {
        let Point { labels, validation, .. } = *self.point;
        (done.labels, done.validation, done.draw) == (labels, validation, self.draw)
            && done.method == self.method.name()
    }
}

impl Curve<'_> {
    /// Refuses what cannot work, before anything is trained.
    ///
    /// # Errors
    /// If an option makes no sense, or the data have too few labels.
    pub fn check(&self) -> Result<Checked<'_, Self>, Error> {
        let train = &self.data.train;
        check_ensemble(self.ensemble)?;
        ensure!(
            self.draws != 0 && !self.points.is_empty() && !self.methods.is_empty(),
            "a curve needs a number of labels, a method and a draw"
        );
        if self.learning_rates.is_empty() {
            bail!("comparing needs a learning rate");
        }
        for point in &self.points {
            self.labels_of(point, 0)?;
        }
        self.architecture.classifier(train.classes())?;
        self.architecture.baseline().classifier(train.classes())?;
        self.methods.iter().try_for_each(|method| method.check(train))?;
        for point in &self.points {
            Augmenter::new(point.finetuning.augmentation, train.image_shape())?;
            self.methods
                .iter()
                .try_for_each(|method| method.check_epochs(point.finetuning.epochs))?;
            for &lr in &self.learning_rates {
                Training { lr, ..point.finetuning.clone() }.check()?;
            }
        }
        Ok(Checked::new(self))
    }

    /// Refuses results that were not measured as the others would be.
    ///
    /// # Errors
    /// If the settings of a method were others; the message names it.
    pub fn check_done(&self, done: &[TrialResult]) -> Result<(), Error> {
        for trial in self.trials() {
            let fingerprint = trial.method.fingerprint();
            ensure!(
                !done.iter().any(|done| trial.is(done) && done.settings != fingerprint),
                "{} was measured with other settings than it would have now, of another \
                     version perhaps: leave it out of --methods, or begin a new curve",
                trial.method.name()
            );
        }
        Ok(())
    }

    /// True if a trial that is not among `done` starts from a pretrained encoder.
    pub fn needs_encoder(&self, done: &[TrialResult]) -> bool {
        self.missing(done).iter().any(|trial| trial.method.needs_encoder())
    }

    /// The results of each method at each point, from all trials of this curve.
    pub fn results(&self, finished: &[TrialResult]) -> Vec<Vec<MethodResult>> {
        self.points.iter().map(|point| self.results_at(point, finished)).collect()
    }

    fn results_at(&self, point: &Point, finished: &[TrialResult]) -> Vec<MethodResult> {
        let metric = point.finetuning.metric;
        let of = |method: &Method| -> Vec<&TrialResult> {
            let trials = (0..self.draws).map(|draw| Trial { point, method, draw });
            trials.filter_map(|trial| finished.iter().find(|f| trial.is(f))).collect()
        };
        let scratch = self.methods.iter().find(|method| method.is_scratch()).map(of);
        let result = |method: &Method| {
            let trials = of(method);
            let accuracies = |metric| trials.iter().map(|trial| trial.test_by(metric)).collect();
            let gain = scratch.as_ref().map(|scratch| {
                let pairs = trials.iter().zip(scratch);
                let gains: Vec<f64> =
                    pairs.map(|(a, b)| a.test_by(metric) - b.test_by(metric)).collect();
                let gain = Gain::of(&gains);
                // That scratch gains nothing over itself is no test.
                Gain { p: gain.p.filter(|_| !method.is_scratch()), ..gain }
            });
            MethodResult {
                name: method.name().to_string(),
                test_accuracy: Accuracies::of(accuracies(Metric::Accuracy)),
                test_balanced_accuracy: (metric == Metric::Balanced)
                    .then(|| Accuracies::of(accuracies(metric))),
                gain_over_scratch: gain,
                seconds: trials.iter().map(|trial| trial.seconds).sum(),
                draws: trials.iter().map(|trial| trial.of_draw(metric)).collect(),
                reference: method.is_reference(),
                chosen: trials.iter().map(|trial| trial.setting()).collect(),
            }
        };
        let mut results: Vec<MethodResult> = self.methods.iter().map(result).collect();
        Gain::adjust(results.iter_mut().filter_map(|result| result.gain_over_scratch.as_mut()));
        results
    }

    /// By points, methods and draws.
    fn trials(&self) -> Vec<Trial<'_>> {
        let mut trials = Vec::new();
        for point in &self.points {
            for method in &self.methods {
                trials.extend((0..self.draws).map(|draw| Trial { point, method, draw }));
            }
        }
        trials
    }

    /// The trials still to be done, draw by draw.
    pub(super) fn missing(&self, done: &[TrialResult]) -> Vec<Trial<'_>> {
        let mut missing = self.trials();
        missing.retain(|trial| !done.iter().any(|done| trial.is(done)));
        missing.sort_by_key(|trial| trial.draw);
        missing
    }

    /// The labels of draw `draw` at `point`.
    pub(super) fn labels_of(&self, point: &Point, draw: usize) -> Result<LabelDraw, Error> {
        label_draw(self.data, point.labels, point.validation, self.seed, draw)
    }

    /// The same to all methods at `point`.
    pub(super) fn given<'a>(
        &'a self,
        point: &'a Point,
        pretrained: Option<&'a Params>,
    ) -> Given<'a> {
        Given {
            data: &self.data.train,
            architecture: &self.architecture,
            pretrained,
            finetuning: &point.finetuning,
            learning_rates: &self.learning_rates,
            ensemble: self.ensemble,
        }
    }
}

impl Checked<'_, Curve<'_>> {
    /// Runs all trials that are not among `done`, several side by side, each on one thread, and
    /// hands each to `finished` as soon as it is through. Returns those of this curve, also of
    /// those done, in the order of points, methods and draws.
    ///
    /// # Errors
    /// If a method needs an encoder and there is none, `finished` fails, or a trial does; then the
    /// others are run all the same.
    pub fn run(
        &self,
        cx: &Context,
        pretrained: Option<&Params>,
        done: &[TrialResult],
        observer: &dyn Observer,
        finished: &(dyn Fn(&TrialResult) -> Result<(), Error> + Sync),
    ) -> Result<Vec<TrialResult>, Error> {
        let new = self.measure(cx, pretrained, &self.missing(done), observer, |trial| {
            finished(&trial.result).map(|()| trial.result)
        })?;
        let of = |trial: Trial<'_>| done.iter().chain(&new).find(|f| trial.is(f)).cloned();
        Ok(self.trials().into_iter().filter_map(of).collect())
    }
}
