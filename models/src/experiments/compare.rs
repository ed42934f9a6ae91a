//! The main job: what pretraining gains over training from scratch, over several label draws.
//!
//! 1. PCA and the autoencoder learn from all training images, without labels.
//! 2. Each label draw keeps a few labels, for training and for validation.
//! 3. On each draw each method trains once per candidate learning rate. The validation labels
//!    choose the epoch and the candidate, for the baseline just as for the rest. A candidate that
//!    diverges is judged by the epochs it had.
//! 4. What was chosen meets the test set, once.

use super::draws::label_draws;
use super::statistics::{Accuracies, Gain};
use crate::architecture::Architecture;
use crate::error::Error;
use crate::evaluation::{Evaluation, Metric};
use crate::event::{EpochRecord, Event, Observer};
use crate::methods::{Approach, Given, Recipe, Trained, Tried, check_ensemble, draw_seed};
use crate::pretraining::{AutoencoderResult, PcaResult, Pretraining};
use crate::training::Training;
use crate::transfer::Method;
use narrows_datasets::{Augmenter, LabelDraw, TrainTest};
use narrows_engine::Context;
use serde::Serialize;
use std::time::Instant;

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The data. Labels of the training part are looked at for the draws alone.
    pub data: &'a TrainTest,
    /// The models.
    pub architecture: Architecture,
    /// How the autoencoder is pretrained.
    pub pretraining: Training,
    /// The training samples held out to choose the autoencoder's epoch.
    pub held_out: usize,
    /// How classifiers are trained, but for the learning rate. Its metric is that of the choice and
    /// of the gain.
    pub finetuning: Training,
    /// The learning rates that each method may choose from.
    pub learning_rates: Vec<f32>,
    /// The methods, [`Method::Scratch`] among them.
    pub methods: Vec<Approach>,
    /// Methods of which the one that wins on the first draw's validation labels joins the others.
    pub recipe: Option<Recipe>,
    /// The labels of a draw to train on.
    pub labels: usize,
    /// The labels of a draw to validate on.
    pub validation: usize,
    /// The number of draws.
    pub draws: usize,
    /// How many classifiers, each of a seed of its own, decide together on each draw; at least 1.
    pub ensemble: usize,
    /// Decides everything random.
    pub seed: u64,
}

/// How well a method classifies.
#[derive(Clone, Debug, Serialize)]
pub struct MethodResult {
    /// The method.
    pub name: String,
    /// Over the draws, on the whole test set.
    pub test_accuracy: Accuracies,
    /// The same of the balanced accuracy, where that is the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_balanced_accuracy: Option<Accuracies>,
    /// The mean of the differences to scratch in the metric, draw by draw.
    pub gain_over_scratch: Gain,
    /// The time that its runs took, added up over draws and candidates.
    pub seconds: f64,
    /// The learning rate chosen on each draw. It is not a part of the summary, whose keys are
    /// fixed.
    #[serde(skip)]
    pub chosen: Vec<f32>,
}

impl MethodResult {
    /// The accuracies by the metric.
    pub fn of_choice(&self) -> &Accuracies {
        self.test_balanced_accuracy.as_ref().unwrap_or(&self.test_accuracy)
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct ComparisonResult {
    /// The samples that the autoencoder trained on.
    pub unlabelled: usize,
    /// PCA with as many components as the code has values.
    pub pca: PcaResult,
    /// The autoencoder.
    pub autoencoder: AutoencoderResult,
    /// The methods, in the order asked for.
    pub methods: Vec<MethodResult>,
    /// What the recipe tried on the first draw, if there is one.
    pub tried: Vec<Tried>,
    /// The epochs of each run that was kept, by the run's name.
    pub histories: Vec<(String, Vec<EpochRecord>)>,
}

/// One method on one draw.
struct Trial {
    test: Evaluation,
    trained: Trained,
    seconds: f64,
}

impl Comparison<'_> {
    /// Runs everything.
    ///
    /// # Errors
    /// If an option makes no sense, the data have too few labels, or a run fails; nothing is
    /// trained before the options and all draws are known to be good.
    pub fn run(&self, cx: &Context, observer: &dyn Observer) -> Result<ComparisonResult, Error> {
        let draws = self.check()?;
        let pretrained = self.pretraining().run(cx, observer)?;
        let given = Given {
            data: &self.data.train,
            architecture: &self.architecture,
            pretrained: Some(&pretrained.params),
            finetuning: &self.finetuning,
            learning_rates: &self.learning_rates,
            ensemble: self.ensemble,
        };

        let (mut methods, mut tried) = (self.methods.clone(), Vec::new());
        if let Some(recipe) = &self.recipe {
            observer.notice(&Event::Stage("recipe"));
            let (seed, draw) = (draw_seed(self.seed, 0), &draws[0]);
            let choice = recipe.choose(cx, &given, draw, seed, self.draws, observer)?;
            tried = choice.tried;
            if methods.iter().all(|method| method.name() != choice.winner.name()) {
                methods.push(choice.winner);
            }
        }
        // Whole runs side by side, each on one thread: that scales better than threads within a
        // small step.
        let count = methods.len() * self.draws;
        observer.notice(&Event::Runs { what: "classifiers", count });
        let single = cx.single();
        let trials = cx.map(count, |i| {
            let (draw, method) = (i / methods.len(), &methods[i % methods.len()]);
            let (start, seed) = (Instant::now(), draw_seed(self.seed, draw as u64));
            let name = format!("{} draw {draw}", method.name());
            let trained = method.train_one(&single, &given, &draws[draw], seed, &name, observer)?;
            let test = trained.test(&single, &self.data.test)?;
            observer.notice(&Event::RunDone);
            Ok(Trial { test, trained, seconds: start.elapsed().as_secs_f64() })
        });
        let trials = trials.into_iter().collect::<Result<Vec<Trial>, Error>>()?;

        let mut histories = vec![(Pretraining::RUN.to_string(), pretrained.history)];
        histories.extend(
            trials
                .iter()
                .map(|Trial { trained, .. }| (trained.run.clone(), trained.history.clone())),
        );
        Ok(ComparisonResult {
            unlabelled: pretrained.unlabelled,
            pca: pretrained.pca,
            autoencoder: pretrained.autoencoder,
            methods: self.summarise(&methods, &trials),
            tried,
            histories,
        })
    }

    fn pretraining(&self) -> Pretraining<'_> {
        Pretraining {
            data: self.data,
            architecture: &self.architecture,
            training: &self.pretraining,
            held_out: self.held_out,
            seed: self.seed,
        }
    }

    /// Refuses what cannot work, before anything is trained, and makes the draws.
    ///
    /// # Errors
    /// If an option makes no sense, or the data have too few labels.
    pub fn check(&self) -> Result<Vec<LabelDraw>, Error> {
        let train = &self.data.train;
        let draws = label_draws(self.data, self.labels, self.validation, self.seed, self.draws)?;
        if self.draws == 0 {
            return Err(Error::new("comparing needs at least 1 label draw"));
        }
        check_ensemble(self.ensemble)?;
        if self.learning_rates.is_empty() || !self.methods.iter().any(is_scratch) {
            return Err(Error::new("comparing needs a learning rate and the scratch baseline"));
        }
        self.pretraining().check()?;
        self.architecture.classifier(train.classes())?;
        Augmenter::new(self.finetuning.augmentation, train.image_shape())?;
        for &lr in &self.learning_rates {
            Training { lr, ..self.finetuning.clone() }.check()?;
        }
        self.methods.iter().try_for_each(|method| method.check(train))?;
        let candidates = self.recipe.iter().flat_map(|recipe| &recipe.candidates);
        let mut tried = self.methods.iter().chain(candidates);
        tried.try_for_each(|method| method.check_epochs(self.finetuning.epochs))?;
        self.recipe.iter().try_for_each(|recipe| recipe.check(train))?;
        Ok(draws)
    }

    /// Puts the trials, draw by draw and method by method, together by method.
    fn summarise(&self, methods: &[Approach], trials: &[Trial]) -> Vec<MethodResult> {
        let of = |method: usize| trials.iter().skip(method).step_by(methods.len());
        let metric = self.finetuning.metric;
        let accuracies = |method, metric| -> Vec<f64> {
            of(method).map(|trial| trial.test.accuracy_by(metric).unwrap_or(f64::NAN)).collect()
        };
        let scratch = methods.iter().position(is_scratch).unwrap_or(0);
        let scratch = accuracies(scratch, metric);
        let result = |(i, method): (usize, &Approach)| {
            let pairs = accuracies(i, metric).into_iter().zip(&scratch);
            let gains: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
            let gain = Gain::of(&gains);
            // That scratch gains nothing over itself is no test.
            let p = gain.p.filter(|_| !is_scratch(method));
            let balanced =
                (metric == Metric::Balanced).then(|| Accuracies::of(accuracies(i, metric)));
            MethodResult {
                name: method.name().to_string(),
                test_accuracy: Accuracies::of(accuracies(i, Metric::Accuracy)),
                test_balanced_accuracy: balanced,
                gain_over_scratch: Gain { p, ..gain },
                seconds: of(i).map(|trial| trial.seconds).sum(),
                chosen: of(i).map(|trial| trial.trained.lr).collect(),
            }
        };
        let mut results: Vec<MethodResult> = methods.iter().enumerate().map(result).collect();
        Gain::adjust(results.iter_mut().map(|result| &mut result.gain_over_scratch));
        results
    }
}

fn is_scratch(method: &Approach) -> bool {
    matches!(method, Approach::Transfer(Method::Scratch))
}
