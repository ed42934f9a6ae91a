//! How a classifier comes about from a few labels: the one place where the methods of a comparison
//! are told apart.

use super::ensemble::Ensemble;
use super::seed::draw_seed;
use crate::architecture::{Architecture, ENCODER};
use crate::error::Error;
use crate::evaluation::{Evaluation, Goal};
use crate::event::{EpochRecord, Observer};
use crate::semi::{SemiRun, SemiTask, SemiTraining};
use crate::training::{Run, Task, Training};
use crate::transfer::Method;
use narrows_datasets::{Augmenter, Dataset, LabelDraw, Rows};
use narrows_engine::{Context, Loss, Network, Params};

/// A method of a comparison.
#[derive(Clone, Debug)]
pub enum Approach {
    /// A pretrained encoder, or none, fine-tuned on the labels alone at the best of several
    /// learning rates.
    Transfer(Method),
    /// The labels and all other samples at once, from scratch or a pretrained encoder.
    Semi(Box<SemiApproach>),
}

/// Semi-supervised training as one method of a comparison.
#[derive(Clone, Debug)]
pub struct SemiApproach {
    /// What it is called in results.
    pub name: String,
    /// Its network; with `from_encoder` that of the pretrained encoder.
    pub architecture: Architecture,
    /// Whether it starts from the pretrained encoder.
    pub from_encoder: bool,
    /// How it is trained; the seed is that of the draw.
    pub training: SemiTraining,
}

/// What the methods of a comparison are given alike.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The samples to learn from, all of which may be looked at without their labels.
    pub data: &'a Dataset,
    /// The network of [`Approach::Transfer`].
    pub architecture: &'a Architecture,
    /// The parameters of a pretrained network that begins with its encoder; `None` where no method
    /// takes it.
    pub pretrained: Option<&'a Params>,
    /// How [`Approach::Transfer`] trains, but for the learning rate and the seed.
    pub finetuning: &'a Training,
    /// The learning rates that it chooses from, by the validation labels.
    pub learning_rates: &'a [f32],
    /// How many classifiers, each of a seed of its own, decide together; at least 1.
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
}

/// A trained classifier.
#[derive(Debug)]
pub struct Trained {
    /// The classifier.
    pub network: Network,
    /// The weights of its best epoch.
    pub params: Params,
    /// Those of the other members of its ensemble, of other seeds.
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

impl Trained {
    /// That epoch's record, with what the validation labels made of it; of the first member alone.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.history.get(self.best_epoch.checked_sub(1)?)
    }

    /// How well it classifies the samples of `data` that have a label.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub fn test(&self, cx: &Context, data: &Dataset) -> Result<Evaluation, Error> {
        let (rows, loss) = (data.labelled_rows()?, Loss::cross_entropy());
        let rows = Rows::Listed(&rows);
        if self.others.is_empty() {
            return Evaluation::of(
                cx,
                &self.network,
                &self.params,
                &loss,
                data,
                rows,
                Goal::Classify,
            );
        }
        let mut ensemble = Ensemble::new(self.network.output().len());
        for params in [&self.params].into_iter().chain(&self.others) {
            ensemble.add(cx, &self.network, params, 1.0, data, rows)?;
        }
        Ok(ensemble.evaluation())
    }
}

impl Approach {
    /// What it is called in results.
    pub fn name(&self) -> &str {
        match self {
            Approach::Transfer(method) => method.name(),
            Approach::Semi(semi) => &semi.name,
        }
    }

    /// Whether it is the baseline, training from scratch on the labels alone.
    pub fn is_scratch(&self) -> bool {
        matches!(self, Approach::Transfer(Method::Scratch))
    }

    /// Whether it starts from a pretrained encoder.
    pub fn needs_encoder(&self) -> bool {
        match self {
            Approach::Transfer(method) => *method != Method::Scratch,
            Approach::Semi(semi) => semi.from_encoder,
        }
    }

    /// Refuses what cannot work on `data`, before anything is trained.
    ///
    /// # Errors
    /// If a setting of its own makes no sense.
    pub fn check(&self, data: &Dataset) -> Result<(), Error> {
        match self {
            Approach::Transfer(_) => Ok(()),
            Approach::Semi(semi) => semi.check(data),
        }
        .map_err(|e| e.during(self.name()))
    }

    /// What tells its own settings from others, whatever the seed: of a method that has none but
    /// those of the comparison, `None`. It changes with the settings that there are, so that
    /// results of another version are not taken for those of this one.
    pub fn fingerprint(&self) -> Option<String> {
        match self {
            Approach::Transfer(_) => None,
            Approach::Semi(semi) => {
                let settings = SemiApproach {
                    training: SemiTraining { seed: 0, ..semi.training.clone() },
                    ..*semi.clone()
                };
                Some(format!("{:08x}", crc32fast::hash(format!("{settings:?}").as_bytes())))
            }
        }
    }

    /// Refuses epochs of fine-tuning that are too few for it ([`Method::check`]).
    ///
    /// # Errors
    /// As there.
    pub fn check_epochs(&self, epochs: usize) -> Result<(), Error> {
        match self {
            Approach::Transfer(method) => method.check(epochs),
            // It has epochs of its own.
            Approach::Semi(_) => Ok(()),
        }
    }

    /// Trains on the labels of `draw`, everything random decided by `seed`: the one classifier of
    /// that seed, and the others of its ensemble. `run` is the name in events, to which candidates
    /// and other members add what they are.
    ///
    /// # Errors
    /// If training diverges with every candidate, or the encoder is not there or another.
    pub fn train_one(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        run: &str,
        observer: &dyn Observer,
    ) -> Result<Trained, Error> {
        let train = |seed, run: &str| match self {
            Approach::Transfer(method) => transfer(*method, cx, given, draw, seed, run, observer),
            Approach::Semi(semi) => semi.train(cx, given, draw, seed, run, observer),
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
fn transfer(
    method: Method,
    cx: &Context,
    given: &Given<'_>,
    draw: &LabelDraw,
    seed: u64,
    run: &str,
    observer: &dyn Observer,
) -> Result<Trained, Error> {
    let network = given.architecture.classifier(given.data.classes())?;
    let task = Task {
        data: given.data,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let mut best: Option<(Run<'_>, f32, String)> = None;
    let mut diverged = None;
    for &lr in given.learning_rates {
        let name = format!("{run} lr {lr}");
        let training = Training { lr, seed, ..given.finetuning.clone() };
        let mut params = Params::new(&network, seed);
        // What starts afresh takes nothing from the parameters that it is given.
        let pretrained = match (given.pretrained, method) {
            (Some(pretrained), _) => pretrained,
            (None, Method::Scratch) => &params.clone(),
            (None, _) => {
                return Err(Error::new(format!(
                    "{}: there is no pretrained encoder",
                    method.name()
                )));
            }
        };
        method.prepare(&mut params, pretrained)?;
        let mut run = Run::new(&name, &network, params, task, &training)?;
        method.anchor(&mut run, pretrained)?;
        if let Err(e) = method.train(&mut run, cx, observer) {
            diverged = Some(e);
            if run.best().is_none() {
                continue;
            }
        }
        if best.as_ref().is_none_or(|(other, _, _)| run.beats(other)) {
            best = Some((run, lr, name));
        }
    }
    let (run, lr, name) = best.ok_or_else(|| match diverged {
        Some(e) => e.during("no learning rate worked"),
        None => Error::new("comparing needs a learning rate"),
    })?;
    let best_epoch = run.best_epoch();
    let (params, history) = (run.trainer.params, run.history);
    Ok(Trained { network, params, others: Vec::new(), run: name, lr, history, best_epoch })
}

impl SemiApproach {
    fn check(&self, data: &Dataset) -> Result<(), Error> {
        self.training.check_for(&self.architecture)?;
        for augmentation in [self.training.augmentation, self.training.strong] {
            Augmenter::new(augmentation, data.image_shape())?;
        }
        self.architecture.classifier(data.classes()).map(drop)
    }

    fn train(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        run: &str,
        observer: &dyn Observer,
    ) -> Result<Trained, Error> {
        let network = self.architecture.classifier(given.data.classes())?;
        let task = SemiTask {
            data: given.data,
            labelled: Rows::Listed(&draw.train),
            unlabelled: Rows::all(given.data.len()),
            validation: Rows::Listed(&draw.validation),
        };
        let training = SemiTraining { seed, ..self.training.clone() };
        let mut params = Params::new(&network, seed);
        if self.from_encoder {
            let none = || Error::new(format!("{}: there is no pretrained encoder", self.name));
            params.copy_from(given.pretrained.ok_or_else(none)?, ENCODER)?;
        }
        let mut trained = SemiRun::new(run, &network, params, task, &training)?;
        trained.train(cx, observer)?;
        let best_epoch = trained.best_epoch();
        let (params, history) = (trained.params, trained.history);
        Ok(Trained {
            network,
            params,
            others: Vec::new(),
            run: run.to_string(),
            lr: training.lr,
            history,
            best_epoch,
        })
    }
}
