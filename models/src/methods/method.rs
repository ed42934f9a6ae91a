//! Methods that train a classifier on a few labels: the one place where the methods of a comparison
//! are told apart.

use super::ensemble::Ensemble;
use super::seed::draw_seed;
use crate::architecture::{Architecture, ENCODER};
use crate::error::{Error, ErrorKind, bail, error};
use crate::evaluation::{Evaluation, Goal, Samples};
use crate::event::{EpochRecord, Observer};
use crate::references::Reference;
use crate::semi::{SemiRun, SemiTask, SemiTraining};
use crate::training::{FrozenSamples, Run, RunResult, Task, Training};
use crate::transfer::Transfer;
use narrows_datasets::{Augmenter, Dataset, LabelDraw, Rows, holdout};
use narrows_engine::{Context, Loss, Network, Params};

/// The choice of the samples of an epoch is another than that of the samples held out.
const SOME: u64 = 0x5eed_0005;

/// A method of a comparison.
#[derive(Clone, Debug)]
pub enum Method {
    /// A pretrained encoder, or none, fine-tuned on the labels alone at the best of several
    /// learning rates.
    Transfer(Transfer),
    /// The labels and all other samples at once, from scratch or a pretrained encoder.
    Semi(Box<SemiMethod>),
    /// A plain classifier on the labels alone, to hold the others against.
    Reference(Reference),
}

/// Semi-supervised training as one method of a comparison.
#[derive(Clone, Debug)]
pub struct SemiMethod {
    /// The name in results.
    pub name: String,
    /// Its network; with `from_encoder` that of the pretrained encoder.
    pub architecture: Architecture,
    /// True if it starts from the pretrained encoder.
    pub from_encoder: bool,
    /// The settings of its training; the seed is that of the draw.
    pub training: SemiTraining,
    /// The samples without a label of an epoch, drawn at random, where all are more; `None` for
    /// all.
    pub samples: Option<usize>,
}

/// The part of a comparison that all its methods share.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The samples to learn from, all of which may be looked at without their labels.
    pub data: &'a Dataset,
    /// The network of [`Method::Transfer`]; its [baseline](Architecture::baseline) is that of
    /// scratch.
    pub architecture: &'a Architecture,
    /// The parameters of a pretrained network that begins with its encoder; `None` where no method
    /// takes it.
    pub pretrained: Option<&'a Params>,
    /// The settings of [`Method::Transfer`], but for the learning rate and the seed.
    pub finetuning: &'a Training,
    /// The learning rates that it chooses from, by the validation labels.
    pub learning_rates: &'a [f32],
    /// The number of classifiers, each of a seed of its own, that decide together; at least 1.
    pub ensemble: usize,
}

impl<'a> Given<'a> {
    /// One classifier, at the learning rate of `finetuning`.
    pub fn new(
        data: &'a Dataset,
        architecture: &'a Architecture,
        pretrained: Option<&'a Params>,
        finetuning: &'a Training,
    ) -> Given<'a> {
        let learning_rates = std::slice::from_ref(&finetuning.lr);
        Given { data, architecture, pretrained, finetuning, learning_rates, ensemble: 1 }
    }

    /// The pretrained parameters for the method of that name.
    fn encoder(&self, method: &str) -> Result<&'a Params, Error> {
        let none = || error!("{method}: there is no pretrained encoder");
        self.pretrained.ok_or_else(none)
    }
}

/// A trained classifier.
#[derive(Debug)]
pub struct TrainedClassifier {
    /// The classifier.
    pub network: Network,
    /// The weights of its best epoch.
    pub params: Params,
    /// The weights of the other members of its ensemble, of other seeds.
    pub others: Vec<Params>,
    /// The name of the run that was kept.
    pub run: String,
    /// The learning rate that was chosen.
    pub lr: f32,
    /// The epochs of that run.
    pub history: Vec<EpochRecord>,
    /// The one whose weights these are, from 1 on.
    pub best_epoch: usize,
}

impl TrainedClassifier {
    /// That epoch's record, with what the validation labels made of it; of the first member alone.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.history.get(self.best_epoch.checked_sub(1)?)
    }

    /// Evaluates it on the samples of `data` that have a label.
    ///
    /// # Errors
    /// If there are none, they cannot be read, or an output is not finite.
    pub fn test(&self, cx: &Context, data: &Dataset) -> Result<Evaluation, Error> {
        self.test_watched(cx, data, None, &())
    }

    /// [`TrainedClassifier::test`], unless `observer` asks for a stop. `codes` are those of all
    /// samples that have a label, which are used if its encoder made them.
    pub(crate) fn test_watched(
        &self,
        cx: &Context,
        data: &Dataset,
        codes: Option<&FrozenSamples>,
        observer: &dyn Observer,
    ) -> Result<Evaluation, Error> {
        let TrainedClassifier { network, params, others, .. } = self;
        let rows = data.labelled_rows()?;
        let rows = Rows::Listed(&rows);
        if others.is_empty() {
            let model = (network, params);
            let samples = match codes.filter(|codes| codes.hold_for(network, params)) {
                Some(codes) => Samples::Codes(&codes.coded),
                None => Samples::Rows { data, rows },
            };
            let (loss, take) = (Loss::cross_entropy(), &mut |_: &[f32], _: &[u32]| {});
            return Evaluation::over(cx, model, &loss, samples, Goal::Classify, observer, take)?
                .finite(data);
        }
        let mut ensemble = Ensemble::new(network.output().len());
        for params in [params].into_iter().chain(others) {
            observer.go_on()?;
            ensemble.add(cx, network, params, 1.0, data, rows)?;
        }
        Ok(ensemble.evaluation())
    }

    /// The classifier that a run called `run` left.
    fn new(network: Network, run: &str, lr: f32, result: RunResult) -> TrainedClassifier {
        let RunResult { params, history, best_epoch } = result;
        let (run, others) = (run.to_string(), Vec::new());
        TrainedClassifier { network, params, others, run, lr, history, best_epoch }
    }
}

impl Method {
    /// The name in results.
    pub fn name(&self) -> &str {
        match self {
            Method::Transfer(method) => method.name(),
            Method::Semi(semi) => &semi.name,
            Method::Reference(reference) => reference.name(),
        }
    }

    /// True if it is none of ours, but one to hold them against.
    pub fn is_reference(&self) -> bool {
        matches!(self, Method::Reference(_))
    }

    /// True if it is the baseline, training from scratch on the labels alone.
    pub fn is_scratch(&self) -> bool {
        matches!(self, Method::Transfer(Transfer::Scratch))
    }

    /// True if it starts from a pretrained encoder.
    pub fn needs_encoder(&self) -> bool {
        match self {
            Method::Transfer(method) => *method != Transfer::Scratch,
            Method::Semi(semi) => semi.from_encoder,
            Method::Reference(_) => false,
        }
    }

    /// Refuses what cannot work on `data`, before anything is trained.
    ///
    /// # Errors
    /// If a setting of its own makes no sense.
    pub fn check(&self, data: &Dataset) -> Result<(), Error> {
        match self {
            Method::Transfer(_) | Method::Reference(_) => Ok(()),
            Method::Semi(semi) => semi.check(data),
        }
        .map_err(|e| e.during(self.name()))
    }

    /// Checksum of the method's own settings without the seed; `None` for a method that has none
    /// of its own. It also changes when a version adds settings, so that results of another
    /// version are not taken for those of this one.
    pub fn fingerprint(&self) -> Option<String> {
        match self {
            Method::Transfer(_) | Method::Reference(_) => None,
            Method::Semi(semi) => {
                let settings = SemiMethod {
                    training: SemiTraining { seed: 0, ..semi.training.clone() },
                    ..*semi.clone()
                };
                Some(format!("{:08x}", crc32fast::hash(format!("{settings:?}").as_bytes())))
            }
        }
    }

    /// Refuses epochs of fine-tuning that are too few for it ([`Transfer::check`]).
    ///
    /// # Errors
    /// The errors of [`Transfer::check`].
    pub fn check_epochs(&self, epochs: usize) -> Result<(), Error> {
        match self {
            Method::Transfer(method) => method.check(epochs),
            // It has epochs of its own, or none.
            Method::Semi(_) | Method::Reference(_) => Ok(()),
        }
    }

    /// Trains on the labels of `draw`, everything random decided by `seed`: the one classifier of
    /// that seed, and the others of its ensemble. `run` is the name in events, to which candidates
    /// and other members add what they are.
    ///
    /// # Errors
    /// If training diverges with every candidate, the encoder is not there or another, or it is a
    /// reference, which [`Reference::fit`] fits.
    pub fn train_one(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        run: &str,
        observer: &dyn Observer,
    ) -> Result<TrainedClassifier, Error> {
        let train = |seed, run: &str| match self {
            Method::Transfer(transfer) => {
                fine_tune(*transfer, cx, given, draw, seed, run, observer)
            }
            Method::Semi(semi) => semi.train(cx, given, draw, seed, run, observer),
            Method::Reference(reference) => {
                bail!("{}: a reference is compared, and leaves no network", reference.name())
            }
        };
        let mut trained = train(seed, run)?;
        for member in 1..given.ensemble {
            let other = train(draw_seed(seed, member as u64), &format!("{run} member {member}"))?;
            trained.others.push(other.params);
        }
        Ok(trained)
    }
}

/// Trains once per learning rate, and keeps the best. One that diverges is judged by the epochs it
/// had.
fn fine_tune(
    transfer: Transfer,
    cx: &Context,
    given: &Given<'_>,
    draw: &LabelDraw,
    seed: u64,
    run: &str,
    observer: &dyn Observer,
) -> Result<TrainedClassifier, Error> {
    let network = match transfer {
        Transfer::Scratch => given.architecture.baseline(),
        _ => given.architecture.clone(),
    }
    .classifier(given.data.classes())?;
    let task = Task {
        data: given.data,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let mut best: Option<(Run<'_>, f32, String)> = None;
    let mut diverged = None;
    let fresh = Params::new(&network, seed);
    // Scratch takes nothing from the parameters that it is given.
    let pretrained = match transfer {
        Transfer::Scratch => &fresh,
        _ => given.encoder(transfer.name())?,
    };
    // A regression has no learning rate.
    let rates = match transfer {
        Transfer::Linear => &given.learning_rates[..given.learning_rates.len().min(1)],
        _ => given.learning_rates,
    };
    for &lr in rates {
        let name = match transfer {
            Transfer::Linear => run.to_string(),
            _ => format!("{run} lr {lr}"),
        };
        let training = Training { lr, seed, ..given.finetuning.clone() };
        let mut params = fresh.clone();
        transfer.prepare(&mut params, pretrained)?;
        let mut run = Run::new(&name, &network, params, task, &training)?;
        transfer.pull_to_pretrained(&mut run, pretrained)?;
        if let Err(e) = transfer.train(&mut run, cx, observer) {
            if e.kind() != ErrorKind::Diverged {
                return Err(e);
            }
            diverged = Some(e);
            if run.best().is_none() {
                continue;
            }
        }
        if best.as_ref().is_none_or(|(other, _, _)| run.beats(other)) {
            best = Some((run, lr, name));
        }
    }
    match (best, diverged) {
        (Some((run, mut lr, name)), _) => {
            if transfer == Transfer::Linear {
                lr = run.history().get(run.best_epoch() - 1).map_or(lr, |strength| strength.lr);
            }
            Ok(TrainedClassifier::new(network, &name, lr, run.into_result()))
        }
        (None, Some(e)) => Err(e.during("no learning rate worked")),
        (None, None) => bail!(Data, "comparing needs a learning rate"),
    }
}

impl SemiMethod {
    fn check(&self, data: &Dataset) -> Result<(), Error> {
        self.training.check_for(&self.architecture)?;
        for augmentation in [self.training.augmentation, self.training.strong] {
            Augmenter::new(augmentation, data.image_shape())?;
        }
        self.architecture.classifier(data.classes()).map(drop)
    }

    /// The samples of an epoch, of so many to learn from; `None` for all.
    pub fn some(&self, learnt: usize, seed: u64) -> Option<Vec<u32>> {
        let samples = self.samples.filter(|samples| *samples < learnt)?;
        Some(holdout(learnt, samples, seed ^ SOME))
    }

    fn train(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        run: &str,
        observer: &dyn Observer,
    ) -> Result<TrainedClassifier, Error> {
        let network = self.architecture.classifier(given.data.classes())?;
        let some = self.some(given.data.learnt(), seed);
        let task = SemiTask {
            data: given.data,
            labelled: Rows::Listed(&draw.train),
            unlabelled: some.as_deref().map_or(Rows::all(given.data.learnt()), Rows::Listed),
            validation: Rows::Listed(&draw.validation),
        };
        let training = SemiTraining { seed, ..self.training.clone() };
        let mut params = Params::new(&network, seed);
        if self.from_encoder {
            params.copy_from(given.encoder(&self.name)?, ENCODER)?;
        }
        let mut semi = SemiRun::new(run, &network, params, task, &training)?;
        semi.train(cx, observer)?;
        let result = semi.into_result();
        Ok(TrainedClassifier::new(network, run, training.lr, result))
    }
}
