//! The trials of a curve or a comparison: several side by side, and each kept on disk, where there
//! are checkpoints.

use super::curve::{Curve, Point, Trial, TrialResult};
use crate::checkpoint::Identity;
use crate::error::{Error, ErrorKind};
use crate::evaluation::Metric;
use crate::event::{EpochRecord, Event, Observer};
use crate::kept::KeptWork;
use crate::methods::{Method, draw_seed};
use crate::references::Reference;
use crate::training::FrozenSamples;
use crate::transfer::Transfer;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Context, Params};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A trial that is through.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FinishedTrial {
    pub result: TrialResult,
    /// The name of the run that was kept.
    pub run: String,
    /// The epochs of that run.
    pub history: Vec<EpochRecord>,
}

/// The settings of a trial, for its [`Identity`].
#[derive(Debug)]
#[expect(dead_code, reason = "read as text")]
struct Settings<'s> {
    method: &'s Method,
    point: &'s Point,
    learning_rates: &'s [f32],
    ensemble: usize,
    seed: u64,
}

impl Curve<'_> {
    /// Runs `trials`, several side by side, each on one thread: that scales better than threads
    /// within a small step. Returns what `keep` makes of each as soon as it is through, in
    /// the order of `trials`.
    pub(super) fn measure<T: Send>(
        &self,
        cx: &Context,
        pretrained: Option<&Params>,
        trials: &[Trial<'_>],
        observer: &dyn Observer,
        keep: impl Fn(FinishedTrial) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        observer.notice(&Event::Runs { what: "classifiers", count: trials.len() });
        let codes = self.test_codes(cx, pretrained, trials, observer)?;
        let (next, single) = (AtomicUsize::new(0), cx.single());
        let kept = cx.map(trials.len(), |_| {
            // In this order, whichever thread comes first.
            let at = next.fetch_add(1, Ordering::Relaxed);
            let trial = &trials[at];
            let result = self.trial(&single, trial, (pretrained, codes.as_ref()), observer);
            if !matches!(&result, Err(e) if e.kind() == ErrorKind::Stopped) {
                observer.notice(&Event::RunDone);
            }
            let labels = trial.point.labels;
            let finished = result.map_err(|e| match self.points.len() {
                1 => e,
                _ => e.during(&format!("{labels} labels")),
            })?;
            Ok((at, keep(finished)?))
        });
        // A stop is no failure of a trial, and comes before those there are.
        let stopped = |kept: &Result<_, Error>| match kept {
            Err(e) if e.kind() == ErrorKind::Stopped => Some(e.clone()),
            _ => None,
        };
        if let Some(e) = kept.iter().find_map(stopped) {
            return Err(e);
        }
        let mut kept = kept.into_iter().collect::<Result<Vec<_>, Error>>()?;
        kept.sort_by_key(|(at, _)| *at);
        Ok(kept.into_iter().map(|(_, kept)| kept).collect())
    }

    fn trial(
        &self,
        cx: &Context,
        &Trial { point, method, draw }: &Trial<'_>,
        (pretrained, codes): (Option<&Params>, Option<&FrozenSamples>),
        observer: &dyn Observer,
    ) -> Result<FinishedTrial, Error> {
        let start = Instant::now();
        let labels = self.labels_of(point, draw)?;
        let name = format!("{} draw {draw}", method.name());
        let identity = || self.identity(point, method, pretrained, &labels);
        let part = format!("{} labels {name}", point.labels);
        let kept = KeptWork::new(observer, &part, identity)?;
        if let Some(finished) = kept.finished()? {
            return Ok(finished);
        }
        let seed = draw_seed(self.seed, draw as u64);
        if let Method::Reference(reference) = method {
            let finished = self.refer(cx, *reference, (point, draw, seed), &labels, &kept)?;
            kept.keep(cx, &finished);
            return Ok(finished);
        }
        let given = self.given(point, pretrained);
        let trained = method.train_one(cx, &given, &labels, seed, &name, &kept)?;
        let seconds = start.elapsed().as_secs_f64();
        let test = trained.test_watched(cx, &self.data.test, codes, &kept)?;
        let best = trained.best();
        let result = TrialResult {
            labels: point.labels,
            method: method.name().to_string(),
            draw,
            validation: point.validation,
            seed,
            test_accuracy: test.accuracy_by(Metric::Accuracy).unwrap_or(f64::NAN),
            test_balanced_accuracy: test.accuracy_by(Metric::Balanced).unwrap_or(f64::NAN),
            test_loss: Some(test.loss).filter(|loss| loss.is_finite()),
            validation_accuracy: best.and_then(|best| best.validation_accuracy),
            validation_loss: best.and_then(|best| best.validation_loss),
            lr: trained.lr,
            chosen: None,
            epochs: trained.history.len(),
            best_epoch: trained.best_epoch,
            seconds,
            settings: method.fingerprint(),
        };
        let finished = FinishedTrial { result, run: trained.run, history: trained.history };
        kept.keep(cx, &finished);
        Ok(finished)
    }

    /// A reference on one draw.
    fn refer(
        &self,
        cx: &Context,
        reference: Reference,
        (point, draw, seed): (&Point, usize, u64),
        labels: &LabelDraw,
        observer: &dyn Observer,
    ) -> Result<FinishedTrial, Error> {
        let (start, metric) = (Instant::now(), point.finetuning.metric);
        let fitted = reference.fit(cx, &self.data.train, labels, (metric, seed), observer)?;
        let seconds = start.elapsed().as_secs_f64();
        let test = fitted.test(cx, &self.data.test, observer)?;
        let method = reference.name().to_string();
        let run = format!("{method} draw {draw}");
        let result = TrialResult {
            labels: point.labels,
            method,
            draw,
            validation: point.validation,
            seed,
            test_accuracy: test.accuracy_by(Metric::Accuracy),
            test_balanced_accuracy: test.accuracy_by(Metric::Balanced),
            test_loss: None,
            validation_accuracy: fitted.validation_accuracy,
            validation_loss: None,
            lr: 0.0,
            chosen: Some(fitted.chosen),
            epochs: 0,
            best_epoch: 0,
            seconds,
            settings: None,
        };
        Ok(FinishedTrial { result, run, history: Vec::new() })
    }

    /// The codes of the test samples by the pretrained encoder, once for all trials in which it
    /// stays as it is, if there are several.
    fn test_codes(
        &self,
        cx: &Context,
        pretrained: Option<&Params>,
        trials: &[Trial<'_>],
        observer: &dyn Observer,
    ) -> Result<Option<FrozenSamples>, Error> {
        let freezes = |trial: &&Trial<'_>| {
            matches!(trial.method, Method::Transfer(Transfer::Freeze | Transfer::Linear))
        };
        let (Some(pretrained), 2..) = (pretrained, trials.iter().filter(freezes).count()) else {
            return Ok(None);
        };
        let network = self.architecture.classifier(self.data.train.classes())?;
        let mut params = Params::zeros(&network);
        Transfer::Freeze.prepare(&mut params, pretrained)?;
        observer.notice(&Event::Stage("codes of the test samples"));
        let test = &self.data.test;
        let rows = test.labelled_rows()?;
        FrozenSamples::of(cx, (&network, &params), test, Rows::Listed(&rows), observer)
    }

    /// What a trial is.
    fn identity(
        &self,
        point: &Point,
        method: &Method,
        pretrained: Option<&Params>,
        labels: &LabelDraw,
    ) -> Result<Identity, Error> {
        let Curve { learning_rates, ensemble, seed, .. } = self;
        let settings = Settings { method, point, learning_rates, ensemble: *ensemble, seed: *seed };
        let architecture = match method.is_scratch() {
            true => self.architecture.baseline(),
            false => self.architecture.clone(),
        };
        let network = architecture.classifier(self.data.train.classes())?;
        let pretrained = pretrained.filter(|_| method.needs_encoder());
        let (train, validation) = (Rows::Listed(&labels.train), Rows::Listed(&labels.validation));
        Identity::new(&settings, &network, pretrained)
            .on(&self.data.train, &[("training labels", train), ("validation labels", validation)])?
            .on(&self.data.test, &[])
    }
}
