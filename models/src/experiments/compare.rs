//! The main job: what pretraining gains over training from scratch, over several label draws.
//!
//! 1. PCA and the autoencoder learn from all training images, without labels.
//! 2. Each label draw keeps a few labels, for training and for validation.
//! 3. On each draw each method trains once per candidate learning rate. The validation labels
//!    choose the epoch and the candidate, for the baseline just as for the rest. A candidate that
//!    diverges is judged by the epochs it had.
//! 4. What was chosen meets the test set, once.

use super::curve::{Curve, MethodResult};
use crate::checked::Checked;
use crate::checkpoint::Identity;
use crate::error::{Error, bail, ensure};
use crate::event::{EpochRecord, Event, Observer};
use crate::kept::KeptWork;
use crate::methods::{Choice, Chosen, Selection, Tried, draw_seed};
use crate::pretraining::{Pretrained, Pretraining};
use narrows_datasets::Rows;
use narrows_engine::{Context, Params};

/// A comparison: a pretraining, and a curve of one point.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The pretraining of the encoder that methods start from.
    pub pretraining: Pretraining<'a>,
    /// The methods, scratch among them, on one number of labels.
    pub curve: Curve<'a>,
    /// Methods of which the one that wins on the first draw's validation labels joins the others.
    pub selection: Option<Selection>,
}

/// The results of a comparison.
#[derive(Clone, Debug)]
pub struct ComparisonResult {
    /// The autoencoder, and PCA with as many components as the code has values.
    pub pretrained: Pretrained,
    /// The methods, in the order asked for.
    pub methods: Vec<MethodResult>,
    /// The methods that the selection tried on the first draw, if there is one.
    pub tried: Vec<Tried>,
    /// The epochs of each run that was kept, by the run's name.
    pub histories: Vec<(String, Vec<EpochRecord>)>,
}

impl Comparison<'_> {
    /// Refuses what cannot work, before anything is trained.
    ///
    /// # Errors
    /// If an option makes no sense, or the data have too few labels.
    pub fn check(&self) -> Result<Checked<'_, Self>, Error> {
        let Comparison { pretraining, curve, selection } = self;
        let [point] = &curve.points[..] else {
            bail!("comparing needs one number of labels");
        };
        ensure!(curve.draws != 0, "comparing needs at least 1 label draw");
        if curve.learning_rates.is_empty() || !curve.methods.iter().any(|m| m.is_scratch()) {
            bail!("comparing needs a learning rate and the scratch baseline");
        }
        let _ = (curve.check()?, pretraining.check()?);
        if let Some(selection) = selection {
            selection.check(&curve.data.train)?;
            let mut candidates = selection.candidates.iter();
            candidates.try_for_each(|method| method.check_epochs(point.finetuning.epochs))?;
        }
        Ok(Checked::new(self))
    }
}

impl Checked<'_, Comparison<'_>> {
    /// Runs everything: [`pretraining`](Self::pretraining), and then [`measure`](Self::measure).
    ///
    /// # Errors
    /// If a run fails.
    pub fn run(&self, cx: &Context, observer: &dyn Observer) -> Result<ComparisonResult, Error> {
        self.measure(cx, self.pretraining().run(cx, observer)?, observer)
    }

    /// The pretraining of the encoder.
    pub fn pretraining(&self) -> Checked<'_, Pretraining<'_>> {
        Checked::new(&self.pretraining)
    }

    /// Trains the methods from `pretrained` and measures them.
    ///
    /// # Errors
    /// If a method fails.
    pub fn measure(
        &self,
        cx: &Context,
        pretrained: Pretrained,
        observer: &dyn Observer,
    ) -> Result<ComparisonResult, Error> {
        let (mut curve, mut tried) = (self.curve.clone(), Vec::new());
        let params = Some(&pretrained.params);
        if let Some(selection) = &self.selection {
            observer.notice(&Event::Stage("choice of a method"));
            let choice = self.choice(selection, cx, params, observer)?;
            tried = choice.tried;
            if curve.methods.iter().all(|method| method.name() != choice.winner.name()) {
                curve.methods.push(choice.winner);
            }
        }
        let trials = curve.measure(cx, params, &curve.missing(&[]), observer, |trial| {
            Ok((trial.result, (trial.run, trial.history)))
        })?;
        let (finished, runs): (Vec<_>, Vec<_>) = trials.into_iter().unzip();
        let mut histories = vec![(Pretraining::RUN.to_string(), pretrained.history.clone())];
        histories.extend(runs);
        let methods = curve.results(&finished).remove(0);
        Ok(ComparisonResult { pretrained, methods, tried, histories })
    }

    /// The choice of the selection.
    fn choice(
        &self,
        selection: &Selection,
        cx: &Context,
        pretrained: Option<&Params>,
        observer: &dyn Observer,
    ) -> Result<Choice, Error> {
        let curve = &self.curve;
        let point = &curve.points[0];
        let (given, draw) = (curve.given(point, pretrained), curve.labels_of(point, 0)?);
        let identity = || {
            let settings = (selection, point, &curve.learning_rates, curve.seed, curve.ensemble);
            let network = curve.architecture.classifier(given.data.classes())?;
            let rows = [
                ("training labels", Rows::Listed(&draw.train)),
                ("validation labels", Rows::Listed(&draw.validation)),
            ];
            Identity::new(&settings, &network, pretrained).on(given.data, &rows)
        };
        let kept = KeptWork::new(observer, "choice", identity)?;
        if let Some(chosen) = kept.finished::<Chosen>()? {
            return selection.choice(chosen);
        }
        let seed = draw_seed(curve.seed, 0);
        let chosen = selection.choose(cx, &given, &draw, seed, curve.draws, &kept)?;
        kept.keep(cx, &chosen);
        selection.choice(chosen)
    }
}
