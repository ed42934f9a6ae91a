//! The selection of a method: the one of several that wins on validation labels, within a time.
//!
//! ```text
//! half of the time    each method trains on draw 0 for as long as each other, and the validation
//!                     labels choose one
//! the other half      that one trains on each draw
//! ```
//!
//! The epochs that fit into a time are counted beforehand from a few steps of each method. From
//! then on nothing depends on the clock: what was tried and how many epochs it had is in the
//! result. Where there are checkpoints, these times are kept, so that another process goes on with
//! the same numbers of epochs; and so is each method that was tried to its end.

use super::method::{Given, Method, SemiMethod, TrainedClassifier};
use crate::error::{Error, ErrorKind, bail, ensure, error};
use crate::evaluation::Metric;
use crate::kept::KeptWork;
use crate::semi::{SemiRun, SemiTask, SemiTraining};
use crate::training::best::Score;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Context, Params};
use serde::{Deserialize, Deserializer, Serialize};
use std::time::{Duration, Instant};

/// The steps by which a method's speed is measured.
const STEPS: usize = 20;

/// Methods to choose from, and how long that and all draws may take.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The methods. Those that are semi-supervised have the epochs that they would take if there
    /// was time.
    pub candidates: Vec<Method>,
    /// The time for everything but pretraining. Training on labels alone takes what it takes.
    pub budget: Duration,
}

/// A method that was tried on the first draw.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// The method.
    pub name: String,
    /// The epochs that it had there: of samples without a label, where it looks at them.
    pub epochs: usize,
    /// Its accuracy on the validation labels, by the metric of the training.
    #[serde(default = "nan", skip_serializing_if = "is_nan", deserialize_with = "nan_for_null")]
    pub validation_accuracy: f64,
    /// Its loss on them.
    #[serde(default = "nan", skip_serializing_if = "is_nan", deserialize_with = "nan_for_null")]
    pub validation_loss: f64,
    /// The time that it took, on one thread.
    pub seconds: f64,
    /// Why it did not come to its end: then it loses the choice, and has no accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Tried {
    /// More accurate, or as accurate at a smaller loss.
    pub fn is_better_than(&self, other: &Tried) -> bool {
        let score = |tried: &Tried| Score {
            accuracy: tried.failed.is_none().then_some(tried.validation_accuracy),
            loss: tried.validation_loss,
        };
        score(self).beats(&score(other))
    }
}

/// The result of a selection, but for the settings that it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The place of the winner among the candidates.
    winner: usize,
    /// The epochs that fit into the time of each draw, where it has epochs of its own.
    epochs: Option<usize>,
    tried: Vec<Tried>,
}

/// The result of a selection.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The winner, with the epochs that fit into the time of each draw.
    pub winner: Method,
    /// All that were tried, in the order of the candidates.
    pub tried: Vec<Tried>,
}

impl Selection {
    /// Refuses what cannot work, before anything is trained.
    ///
    /// # Errors
    /// If there is nothing to choose from, or a candidate makes no sense for `data`.
    pub fn check(&self, data: &narrows_datasets::Dataset) -> Result<(), Error> {
        ensure!(!self.candidates.is_empty(), "a choice needs methods to choose from");
        self.candidates.iter().try_for_each(|candidate| candidate.check(data))
    }

    /// Tries the candidates on `draw`, and chooses one for `draws` draws. It goes on from what is
    /// `kept` of it.
    ///
    /// # Errors
    /// If all candidates diverge or cannot be trained on these samples: that of the first. One that
    /// fails loses the choice. [`ErrorKind::Stopped`] if a stop was asked for.
    pub(crate) fn choose(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        draws: usize,
        kept: &KeptWork<'_>,
    ) -> Result<Chosen, Error> {
        let (single, threads) = (cx.single(), cx.threads() as f64);
        let alone = Given { ensemble: 1, ..*given };
        let half = self.budget.as_secs_f64() / 2.0;
        let costs = self.costs(&single, given, draw, seed, kept)?;
        let cost = |i: usize| costs[i].clone().map_err(|problem| error!(Data, "{problem}"));
        let timed = costs.iter().flatten().filter(|cost| **cost > 0.0).count().max(1) as f64;
        let each = half * threads.min(timed) / timed;
        let tried = cx.map(self.candidates.len(), |i| {
            let start = Instant::now();
            let name = format!("{} tried", self.candidates[i].name());
            let kept = kept.part(&name);
            if let Some(tried) = kept.finished()? {
                return Ok(tried);
            }
            let train = || {
                let candidate = within(&self.candidates[i], cost(i)?, each);
                candidate.train_one(&single, &alone, draw, seed, &name, &kept)
            };
            let trained = match train() {
                Err(e) if e.kind() == ErrorKind::Stopped => return Err(e),
                trained => trained,
            };
            // Other failures, of the disk for one, may not come again.
            let is_result = trained.as_ref().err().is_none_or(|e| e.kind() == ErrorKind::Diverged);
            let best = trained.as_ref().ok().and_then(TrainedClassifier::best);
            let tried = Tried {
                name: self.candidates[i].name().to_string(),
                epochs: trained.as_ref().map_or(0, |trained| trained.history.len()),
                validation_accuracy: best
                    .and_then(|best| best.validation_accuracy)
                    .unwrap_or(f64::NAN),
                validation_loss: best.and_then(|best| best.validation_loss).unwrap_or(f64::NAN),
                seconds: start.elapsed().as_secs_f64(),
                failed: trained.err().map(|e| e.to_string()),
            };
            if is_result {
                kept.keep(&single, &tried);
            }
            Ok(tried)
        });
        let tried = tried.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let winner = (1..tried.len())
            .fold(0, |best, i| if tried[i].is_better_than(&tried[best]) { i } else { best });
        if let Some(failed) = tried.get(winner).and_then(|winner| winner.failed.clone()) {
            bail!(Diverged, "{failed}");
        }
        let of_run = half * threads.min(draws as f64) / (draws * given.ensemble) as f64;
        let epochs = match within(&self.candidates[winner], cost(winner)?, of_run) {
            Method::Semi(semi) => Some(semi.training.epochs),
            Method::Transfer(_) | Method::Reference(_) => None,
        };
        Ok(Chosen { winner, epochs, tried })
    }

    /// The seconds of an epoch of each candidate, or why it has none: those that are kept, or else
    /// new ones, with which all begins anew.
    fn costs(
        &self,
        cx: &Context,
        given: &Given<'_>,
        draw: &LabelDraw,
        seed: u64,
        kept: &KeptWork<'_>,
    ) -> Result<Vec<Result<f64, String>>, Error> {
        let times = kept.part("times");
        if let Some(costs) = times.finished::<Vec<_>>()?
            && costs.len() == self.candidates.len()
        {
            return Ok(costs);
        }
        let cost = |candidate: &Method| match candidate {
            Method::Semi(semi) => {
                seconds_per_epoch(cx, semi, given, draw, seed).map_err(|e| e.to_string())
            }
            Method::Transfer(_) | Method::Reference(_) => Ok(0.0),
        };
        let costs = self.candidates.iter().map(cost).collect();
        kept.begin_anew()?;
        times.keep(cx, &costs);
        Ok(costs)
    }

    /// The choice with the winner's settings.
    ///
    /// # Errors
    /// If it is that of another selection.
    pub fn choice(&self, chosen: Chosen) -> Result<Choice, Error> {
        let Chosen { winner, epochs, tried } = chosen;
        let candidate = self.candidates.get(winner);
        let candidate = candidate.ok_or_else(|| error!("the choice has no candidate {winner}"))?;
        Ok(Choice { winner: of_epochs(candidate, epochs.unwrap_or(usize::MAX)), tried })
    }
}

/// The method with no more epochs than fit into `seconds`, but at least 1.
fn within(approach: &Method, seconds_per_epoch: f64, seconds: f64) -> Method {
    of_epochs(approach, (seconds / seconds_per_epoch.max(1e-9)) as usize)
}

/// The method with at most `most` epochs of its own, but at least 1.
fn of_epochs(approach: &Method, most: usize) -> Method {
    let mut approach = approach.clone();
    if let Method::Semi(semi) = &mut approach {
        let (asked, training) = (semi.training.epochs, &mut semi.training);
        training.epochs = asked.min(most).max(1);
        training.schedule = training.schedule.stretched(training.epochs as f64 / asked as f64);
    }
    approach
}

/// Of a method that failed there are no numbers.
fn nan() -> f64 {
    f64::NAN
}

// By reference, as serde calls it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_nan(number: &f64) -> bool {
    number.is_nan()
}

/// They were null in JSON once.
fn nan_for_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The seconds of an epoch, from a few steps on samples spread over all.
fn seconds_per_epoch(
    cx: &Context,
    semi: &SemiMethod,
    given: &Given<'_>,
    draw: &LabelDraw,
    seed: u64,
) -> Result<f64, Error> {
    let learnt = given.data.learnt();
    let n = semi.samples.map_or(learnt, |samples| samples.min(learnt));
    let count = (STEPS * semi.training.batch).min(n);
    let some: Vec<u32> = (0..count).map(|i| (i * n / count) as u32).collect();
    let network = semi.architecture.classifier(given.data.classes())?;
    let task = SemiTask {
        data: given.data,
        labelled: Rows::Listed(&draw.train),
        unlabelled: Rows::Listed(&some),
        validation: Rows::Listed(&[]),
    };
    // The first steps touch their memory for the first time; the second epoch is the one that
    // counts.
    let training =
        SemiTraining { epochs: 2, metric: Metric::Accuracy, seed, ..semi.training.clone() };
    let mut run = SemiRun::new(&semi.name, &network, Params::new(&network, seed), task, &training)?;
    run.train(cx, &())?;
    let measured = run.history().last().map_or(0.0, |epoch| epoch.seconds);
    Ok((measured * n as f64 / count as f64).max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semi::{MeanTeacher, Semi};
    use crate::{Architecture, Model};
    use narrows_datasets::Augmentation;
    use narrows_engine::{Optimizer, Schedule};

    #[test]
    fn fewer_epochs_have_a_schedule_of_the_same_shape() {
        let training = SemiTraining {
            method: Semi::MeanTeacher(MeanTeacher),
            epochs: 90,
            batch: 10,
            labelled_batch: 10,
            class_balance: 0.0,
            lr: 1.0,
            schedule: Schedule::Step { every: 300, gamma: 0.1 },
            optimizer: Optimizer::sgd(),
            weight: 1.0,
            ramp_up: 0.0,
            ema: 0.9,
            metric: Metric::Accuracy,
            seed: 1,
            augmentation: Augmentation::default(),
            strong: Augmentation::default(),
        };
        let architecture = Architecture::new(Model::Dense, 4);
        let semi = SemiMethod {
            name: "one".to_string(),
            architecture,
            from_encoder: false,
            training,
            samples: None,
        };
        let asked = Method::Semi(Box::new(semi));
        for (seconds, epochs, every) in [(60.0, 30, 100), (1e6, 90, 300), (0.1, 1, 3)] {
            let Method::Semi(semi) = within(&asked, 2.0, seconds) else {
                panic!("the same approach")
            };
            assert_eq!(semi.training.epochs, epochs);
            assert_eq!(
                semi.training.schedule,
                Schedule::Step { every, gamma: 0.1 },
                "{epochs} epochs"
            );
        }
    }
}
