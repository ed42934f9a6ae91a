//! A candidate of a search: a configuration, measured on validation samples alone.
//!
//! ```text
//! its own encoder    the autoencoder trains to a part of its epochs; on each draw a classifier
//!                    trains from there, to its end
//! otherwise          on each draw the classifier trains to a part of its epochs
//! ```
//!
//! A candidate that is asked for a larger part goes on from its checkpoints.

use super::curve::{Curve, Point};
use super::pause::Pause;
use crate::error::{Error, ErrorKind, ensure};
use crate::evaluation::{Evaluation, Goal};
use crate::event::{EpochRecord, Observer};
use crate::methods::{Given, Method, draw_seed};
use crate::pretraining::Pretraining;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Context, Loss, Params};
use std::ops::Range;
use std::time::Instant;

/// The encoder that a candidate's classifiers start from.
#[derive(Clone, Debug)]
pub enum Encoder<'a> {
    /// None, or none is needed.
    None,
    /// One that is there already.
    Given(&'a Params),
    /// One that is a part of the candidate.
    Pretrained(Pretraining<'a>),
}

/// A way to train a classifier.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// One method on one number of labels.
    pub curve: Curve<'a>,
    /// The encoder.
    pub encoder: Encoder<'a>,
    /// The numbers of the label draws to measure it on.
    pub draws: Range<usize>,
}

/// The results of a candidate on validation samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The result of each draw: the accuracy by the metric, or of an autoencoder alone the mean
    /// squared error.
    pub scores: Vec<f64>,
    /// The number of epochs, and the mean over the draws of the best result until then. Where the
    /// encoder is a part of the candidate: its epochs so far, and the result with it.
    pub course: Vec<(usize, f64)>,
    /// The wall time.
    pub seconds: f64,
    /// The part of it that no number of draws changes: that of the encoder.
    pub encoder_seconds: f64,
}

impl Measured {
    /// The mean over the draws, rounded to twelve digits behind the point: the same scores in
    /// another order have the same mean.
    pub fn mean(&self) -> f64 {
        let mean = self.scores.iter().sum::<f64>() / self.scores.len() as f64;
        (mean * 1e12).round() / 1e12
    }
}

/// A part of so many epochs, at least one of them.
fn part_of(epochs: usize, part: f64) -> usize {
    ((epochs as f64 * part).ceil() as usize).clamp(1, epochs.max(1))
}

impl Candidate<'_> {
    /// Refuses what cannot work, before anything is trained.
    ///
    /// # Errors
    /// If a setting makes no sense, or there is more than one method or number of labels.
    pub fn check(&self) -> Result<(), Error> {
        let Curve { methods, points, .. } = &self.curve;
        ensure!(
            methods.len() == 1 && points.len() == 1 && !self.draws.is_empty(),
            "a candidate is one method on one number of labels, measured on at least 1 draw"
        );
        let _ = self.curve.check()?;
        match &self.encoder {
            Encoder::Pretrained(pretraining) => pretraining.check().map(drop),
            Encoder::Given(_) | Encoder::None => Ok(()),
        }
    }

    /// Trains it to `part` of its epochs, above 0 and at most 1, and measures it on the validation
    /// samples of its draws. No test sample is looked at.
    ///
    /// If `observer` has checkpoints, it goes on from those of a smaller part.
    ///
    /// # Errors
    /// If a training diverges, a stop was asked for, or what [`Candidate::check`] refuses.
    pub fn measure(
        &self,
        cx: &Context,
        part: f64,
        observer: &dyn Observer,
    ) -> Result<Measured, Error> {
        self.check()?;
        let (start, of_encoder) = (Instant::now(), part);
        let trained = match &self.encoder {
            Encoder::Pretrained(pretraining) => {
                Some(pretraining.train_to_part(cx, part, observer)?.0)
            }
            Encoder::Given(_) | Encoder::None => None,
        };
        let encoder_seconds = start.elapsed().as_secs_f64();
        let start_of = match (&self.encoder, &trained) {
            (Encoder::Given(params), _) => Start { pretrained: Some(params), part, encoder: None },
            // All of the classifier's epochs: they are few beside those of the encoder.
            (_, Some(params)) => Start { pretrained: Some(params), part: 1.0, encoder: Some(part) },
            (_, None) => Start { pretrained: None, part, encoder: None },
        };
        let mut histories = Vec::new();
        for draw in self.draws.clone() {
            histories.push(self.classifier(cx, &start_of, draw, observer)?);
        }
        let semi = matches!(self.curve.methods[0], Method::Semi(_));
        // The last epoch of semi-supervised training is kept, the best one of any other.
        let score = |history: &[EpochRecord]| match semi {
            true => history.last().and_then(|record| record.validation_accuracy),
            false => {
                let scores = history.iter().filter_map(|record| record.validation_accuracy);
                scores.reduce(f64::max)
            }
        };
        let of = |until: usize| {
            let until = |history: &Vec<EpochRecord>| score(&history[..until.min(history.len())]);
            histories.iter().map(|history| until(history).unwrap_or(f64::NAN)).collect::<Vec<_>>()
        };
        let longest = histories.iter().map(Vec::len).max().unwrap_or(0);
        let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
        let course = match &self.encoder {
            // One point: the classifiers are others at each part.
            Encoder::Pretrained(pretraining) => {
                vec![(part_of(pretraining.training.epochs, of_encoder), mean(of(longest)))]
            }
            _ => (1..=longest).map(|epoch| (epoch, mean(of(epoch)))).collect(),
        };
        let seconds = start.elapsed().as_secs_f64();
        Ok(Measured { scores: of(longest), course, seconds, encoder_seconds })
    }

    /// The epochs of the classifier on that draw, by the best learning rate.
    fn classifier(
        &self,
        cx: &Context,
        start: &Start<'_>,
        draw: usize,
        observer: &dyn Observer,
    ) -> Result<Vec<EpochRecord>, Error> {
        let Curve { methods, points, seed, learning_rates, .. } = &self.curve;
        let (method, point) = (&methods[0], &points[0]);
        let labels = self.curve.labels_of(point, draw)?;
        let seed = draw_seed(*seed, draw as u64);
        let rates = match method {
            Method::Transfer(_) => &learning_rates[..],
            Method::Semi(_) | Method::Reference(_) => &learning_rates[..1],
        };
        let best = |history: &[EpochRecord]| {
            let scores = history.iter().filter_map(|record| record.validation_accuracy);
            scores.fold(f64::NEG_INFINITY, f64::max)
        };
        let (mut kept, mut diverged): (Option<Vec<EpochRecord>>, _) = (None, None);
        for lr in rates {
            let given = Given {
                learning_rates: std::slice::from_ref(lr),
                ensemble: 1,
                ..self.curve.given(point, start.pretrained)
            };
            let work = Work { given: &given, method, point, labels: &labels, seed, draw };
            let history = match work.train(cx, start, observer) {
                Err(e) if e.kind() == ErrorKind::Diverged => {
                    diverged = Some(e);
                    continue;
                }
                history => history?,
            };
            if kept.as_ref().is_none_or(|kept| best(&history) > best(kept)) {
                kept = Some(history);
            }
        }
        match (kept, diverged) {
            (None, Some(e)) => Err(e),
            (kept, _) => Ok(kept.unwrap_or_default()),
        }
    }
}

/// The start of classifiers, and the part of their epochs that they train for.
struct Start<'s> {
    pretrained: Option<&'s Params>,
    part: f64,
    /// The part of its own epochs that the encoder has had, where it is a part of the candidate.
    encoder: Option<f64>,
}

/// One training of a classifier.
struct Work<'w> {
    given: &'w Given<'w>,
    method: &'w Method,
    point: &'w Point,
    labels: &'w LabelDraw,
    seed: u64,
    draw: usize,
}

impl Work<'_> {
    fn train(
        &self,
        cx: &Context,
        start: &Start<'_>,
        observer: &dyn Observer,
    ) -> Result<Vec<EpochRecord>, Error> {
        let Work { given, method, point, labels, seed, draw } = *self;
        let epochs = match method {
            Method::Transfer(_) | Method::Reference(_) => point.finetuning.epochs,
            Method::Semi(semi) => semi.training.epochs,
        };
        let until = part_of(epochs, start.part);
        let name = format!("{} draw {draw}", method.name());
        // From another encoder, it is another training.
        let folder = match start.encoder {
            Some(part) => format!("{name} from the encoder at {part}"),
            None => name.clone(),
        };
        let pause = Pause::new(observer, &folder, if until < epochs { until } else { usize::MAX });
        let trained = method.train_one(cx, given, labels, seed, &name, &pause);
        pause.taken(trained)?;
        Ok(pause.into_history())
    }
}

impl Pretraining<'_> {
    /// Trains the autoencoder to `part` of its epochs, and measures it on the samples that are held
    /// out: the mean squared error.
    ///
    /// # Errors
    /// If nothing is held out, the training diverges, or a stop was asked for.
    pub fn measure(
        &self,
        cx: &Context,
        part: f64,
        observer: &dyn Observer,
    ) -> Result<Measured, Error> {
        let start = Instant::now();
        let held = self.held();
        ensure!(!held.is_empty(), "no training sample is held out to measure an autoencoder by");
        let (params, history) = self.train_to_part(cx, part, observer)?;
        let (network, data) = (self.architecture.autoencoder()?, &self.data.train);
        let rows = Rows::Listed(&held);
        let evaluation =
            Evaluation::of(cx, &network, &params, &Loss::L2, data, rows, Goal::Reconstruct)?;
        let losses = history.iter().map(|record| record.validation_loss.unwrap_or(f64::NAN));
        let best = losses.scan(f64::INFINITY, |best, loss| {
            *best = best.min(loss);
            Some(*best)
        });
        let course = best.enumerate().map(|(i, loss)| (i + 1, loss)).collect();
        let seconds = start.elapsed().as_secs_f64();
        Ok(Measured { scores: vec![evaluation.loss], course, seconds, encoder_seconds: seconds })
    }

    /// Trains the autoencoder alone, to its end.
    ///
    /// # Errors
    /// If the training diverges, or a stop was asked for.
    pub fn train(&self, cx: &Context, observer: &dyn Observer) -> Result<Params, Error> {
        Ok(self.train_to_part(cx, 1.0, observer)?.0)
    }

    /// The best weights within `part` of the epochs, and these.
    fn train_to_part(
        &self,
        cx: &Context,
        part: f64,
        observer: &dyn Observer,
    ) -> Result<(Params, Vec<EpochRecord>), Error> {
        let epochs = self.training.epochs;
        let until = part_of(epochs, part);
        let until = if until < epochs { until } else { usize::MAX };
        let pause = Pause::new(observer, Pretraining::RUN, until);
        let held = self.held();
        let network = self.trained_network()?;
        let mut run = self.training_run(&network, &held)?;
        let trained = run.train(cx, &pause, |_, _| {});
        if pause.taken(trained)?.is_none() {
            run.restore_best();
        }
        Ok((run.trainer.params, pause.into_history()))
    }
}
