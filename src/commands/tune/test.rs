//! The final test: the best trials and the defaults of their methods, trained anew on other label
//! draws, meet the test samples once.
//!
//! ```text
//! 1. the best trial and the defaults of its method, a few draws at a time: fewer than asked for,
//!    where the budget has no time for more
//! 2. the next best trials, which may take its place, as far as there is time
//! ```

use super::clock::{Clock, FINALISTS, LEAST_DRAWS};
use super::configuration::{Configuration, METHOD};
use super::ranking::ranking;
use super::work::Search;
use crate::error::Error;
use crate::output::progress::Progress;
use narrows_engine::{Context, Params};
use narrows_models::curve::TrialResult;
use narrows_models::experiments::candidate::Encoder;
use narrows_models::statistics::{Accuracies, Gain};
use narrows_models::tuning::schedule::FIRST;
use narrows_models::tuning::{Study, Trial};
use narrows_models::{Checkpoints, Event, Metric, Observer};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The part of the time left that draws are trained in before there is another look at the clock.
const AT_ONCE: f64 = 0.6;

/// What a configuration reaches on the draws of the final test.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// On the validation labels of these draws.
    pub validation: Accuracies,
    /// On all test samples that have a label, by the metric.
    pub test: Accuracies,
    /// The learning rate that most draws chose.
    pub lr: f32,
}

impl Tested {
    /// The mean of the differences to `other`, draw by draw.
    pub fn gain_over(&self, other: &Tested) -> Gain {
        let pairs = self.test.per_draw.iter().zip(&other.test.per_draw);
        Gain::of(&pairs.map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
    }
}

/// The results of the final test.
pub struct Finals<'s> {
    pub trial: &'s Trial,
    pub tuned: Tested,
    /// Those of the defaults, unless the trial has them.
    pub untuned: Option<Tested>,
    /// The trial with the defaults of its method.
    pub defaults: Option<&'s Trial>,
    /// The draws that there was time for.
    pub draws: usize,
    /// The next best trials that there was no time for.
    pub left_out: usize,
    /// True if there was no time for the defaults.
    pub alone: bool,
}

/// The final test of a search.
pub struct Test<'t> {
    pub search: &'t Search<'t>,
    pub clock: &'t Clock,
    /// The label draws.
    pub draws: usize,
    pub cx: &'t Context,
    /// Set by a signal.
    pub stop: &'t Arc<AtomicBool>,
    /// The checkpoints, but for their folder.
    pub checkpoints: &'t Checkpoints,
    /// The folder of the checkpoints, within the study's.
    pub folder: &'t str,
    pub quiet: bool,
}

/// A trial in the final test.
struct Entrant<'s, 't> {
    trial: &'s Trial,
    configuration: Configuration<'t>,
    watch: Watch,
    /// Its own encoder, once it is trained.
    pretrained: Option<Params>,
    results: Vec<TrialResult>,
    /// The time of its last draws, its encoder's left out.
    seconds: f64,
}

/// Watches the final test.
struct Watch {
    progress: Progress,
    checkpoints: Checkpoints,
}

impl Observer for Watch {
    fn notice(&self, event: &Event<'_>) {
        self.progress.notice(event);
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

impl<'t> Test<'t> {
    /// Trains the best trials of a study that has some, and the defaults. The one with the best
    /// validation on all draws, those of the search and these, is returned: only its test counts.
    pub fn of<'s>(&self, study: &'s Study) -> Result<Finals<'s>, Error> {
        let best: Vec<&Trial> =
            ranking(study, &self.search.schedule.space).into_iter().take(FINALISTS).collect();
        let halving = &self.search.schedule.halving;
        let mut entrants = vec![self.enter(best[0])?];
        let least = |trial| self.clock.test(trial, halving, LEAST_DRAWS.min(self.draws));
        let mut alone = false;
        if let Some(defaults) = defaults(study, best[0]).filter(|t| t.number != best[0].number) {
            alone = !self.clock.has(least(best[0]) + least(defaults));
            if !alone {
                entrants.push(self.enter(defaults)?);
            }
        }
        let draws = self.first(&mut entrants)?;
        // They may take longer, or less time, than the trials of the search did.
        let expected = self.clock.test(best[0], halving, draws);
        let took: f64 = entrants[0].results.iter().map(|result| result.seconds).sum();
        let took = took / self.cx.threads().min(draws) as f64;
        let pace = if expected > 0.0 { (took / expected).clamp(0.5, 4.0) } else { 1.0 };
        let mut left_out = 0;
        for &trial in &best[1..] {
            let others = [Some(trial), defaults(study, trial)].into_iter().flatten();
            let is_new = |t: &&Trial| entrants.iter().all(|e| e.trial.number != t.number);
            let mut new: Vec<&Trial> = others.filter(is_new).collect();
            new.dedup_by_key(|trial| trial.number);
            let seconds: f64 = new.iter().map(|t| self.clock.test(t, halving, draws)).sum();
            if !self.clock.has(pace * seconds) {
                left_out += 1;
                continue;
            }
            for trial in new {
                let mut entrant = self.enter(trial)?;
                self.train(&mut entrant, draws)?;
                entrants.push(entrant);
            }
        }
        // On the draws of the search and these.
        let mean = |entrant: &Entrant<'_, '_>| {
            let searched = entrant.trial.value.unwrap_or(f64::NAN) * self.search.draws as f64;
            let fresh: f64 = entrant.tested().validation.per_draw.iter().sum();
            (searched + fresh) / (self.search.draws + draws) as f64
        };
        let is_best = |e: &&Entrant<'_, '_>| best.iter().any(|t| t.number == e.trial.number);
        let winner = entrants.iter().filter(is_best).reduce(|best, other| {
            if study.direction.better(mean(other), mean(best)) { other } else { best }
        });
        let winner = winner.expect("the best trial is in the test");
        // They are of no more use.
        let _ = std::fs::remove_dir_all(self.search.folder.file(self.folder));
        let defaults = defaults(study, winner.trial);
        let of_defaults = entrants.iter().find(|entrant| {
            entrant.trial.number != winner.trial.number
                && defaults.is_some_and(|defaults| defaults.number == entrant.trial.number)
        });
        let (chosen, untuned) = match of_defaults {
            // A choice among many is a lucky one in part, and the defaults are no choice.
            Some(untuned) if mean(untuned) >= mean(winner) => (untuned, None),
            untuned => (winner, untuned),
        };
        Ok(Finals {
            trial: chosen.trial,
            tuned: chosen.tested(),
            untuned: untuned.map(Entrant::tested),
            defaults: defaults.filter(|_| untuned.is_some()),
            draws,
            left_out,
            alone: alone && untuned.is_none(),
        })
    }

    fn enter<'s>(&self, trial: &'s Trial) -> Result<Entrant<'s, 't>, Error> {
        let configuration = Configuration::new(self.search.shared, &trial.values)?;
        let folder = self.search.folder.file(self.folder).join(trial.number.to_string());
        let stop = Arc::clone(self.stop);
        let checkpoints = Checkpoints { folder, stop, ..self.checkpoints.clone() };
        let watch = Watch { progress: Progress::new(self.quiet), checkpoints };
        let (pretrained, results, seconds) = (None, Vec::new(), 0.0);
        Ok(Entrant { trial, configuration, watch, pretrained, results, seconds })
    }

    /// Trains the first ones on all draws, or as many as there is time for; returns these.
    fn first(&self, entrants: &mut [Entrant<'_, '_>]) -> Result<usize, Error> {
        let threads = self.cx.threads().max(1);
        let mut done = 0;
        let mut until = match self.clock.left() {
            None => self.draws,
            Some(_) => LEAST_DRAWS.next_multiple_of(threads).min(self.draws),
        };
        loop {
            let rounds = (until - done).div_ceil(threads) as f64;
            for entrant in &mut *entrants {
                self.train(entrant, until)?;
            }
            done = until;
            let Some(left) = self.clock.left().filter(|_| done < self.draws) else {
                return Ok(done);
            };
            let round = entrants.iter().map(|entrant| entrant.seconds).sum::<f64>() / rounds;
            if left < round {
                return Ok(done);
            }
            let fit = (AT_ONCE * left / round).clamp(1.0, self.draws as f64) as usize;
            until = (done + fit * threads).min(self.draws);
        }
    }

    /// Trains it on the draws below `draws`.
    fn train(&self, entrant: &mut Entrant<'_, '_>, draws: usize) -> Result<(), Error> {
        let Entrant { configuration, watch, pretrained, results, .. } = entrant;
        let encoder = configuration.encoder()?;
        let params = match &encoder {
            Encoder::None => None,
            Encoder::Given(params) => Some(*params),
            Encoder::Pretrained(pretraining) => {
                if pretrained.is_none() {
                    *pretrained = Some(pretraining.check()?.train(self.cx, watch)?);
                }
                pretrained.as_ref()
            }
        };
        let begun = Instant::now();
        let curve = configuration.curve(draws);
        *results = curve.check()?.run(self.cx, params, results, watch, &|_| Ok(()))?;
        entrant.seconds = begun.elapsed().as_secs_f64();
        Ok(())
    }
}

impl Entrant<'_, '_> {
    fn tested(&self) -> Tested {
        let (results, metric) = (&self.results, self.configuration.options.metric.metric);
        let validation = results.iter().map(|r| r.validation_accuracy.unwrap_or(f64::NAN));
        let test = results.iter().map(|result| result.test_by(metric));
        let chosen = |rate: f32| results.iter().filter(|result| result.lr == rate).count();
        let rates = results.iter().map(|result| result.lr);
        let lr = rates.max_by_key(|rate| chosen(*rate)).unwrap_or(f32::NAN);
        Tested {
            lr,
            validation: Accuracies::of(validation.collect()),
            test: Accuracies::of(test.collect()),
        }
    }
}

/// The trial with the defaults of the method of `trial`.
fn defaults<'s>(study: &'s Study, trial: &Trial) -> Option<&'s Trial> {
    let method = |trial: &Trial| trial.values.get(METHOD).cloned();
    let is_default = |other: &&Trial| other.attributes.contains_key(FIRST);
    study.trials.iter().filter(is_default).find(|other| method(other) == method(trial))
}

/// The name of the metric in a table.
pub fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Accuracy => "accuracy",
        Metric::Balanced => "balanced accuracy",
    }
}
