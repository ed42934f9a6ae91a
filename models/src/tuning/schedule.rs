//! The next work on a study, which several workers share.
//!
//! ```text
//! under the journal's lock    1. a trial whose worker is gone is taken up again
//!                             2. a trial that waits begins: somebody put it into the queue
//!                             3. a paused trial that belongs to the best of its rung goes on
//!                             4. a new trial: first the given ones, then those of the strategy
//!                             5. where none begins: the best paused one, if few are through
//! ```
//!
//! What a worker is at stands in the journal before it begins, so that no other does the same.

use super::halving::{Halving, OWNER, RUNGS, is_paused, rung_values};
use super::journal::Locked;
use super::queue;
use super::samplers::Strategy;
use super::space::Space;
use super::study::{State, Study, Trial};
use super::value::Values;
use super::worker::is_alive;
use crate::experiments::candidate::Measured;
use serde_json::{Value as Json, json};
use std::path::Path;

/// The owner of a trial that was stopped on the way to its rung.
const FREE: &str = "";
/// The attribute with the time that a trial took so far.
pub const SECONDS: &str = "seconds";
/// The part of that time which no number of draws changes.
pub const ENCODER_SECONDS: &str = "encoder_seconds";
/// The attribute with the results of the draws at the last rung.
pub const SCORES: &str = "scores";
/// The attribute with the place of a trial among those that every study begins with.
pub const FIRST: &str = "defaults";
/// The attribute with the reason why a trial failed.
pub const PROBLEM: &str = "error";
/// The attribute with the number of workers that died at a trial.
const DEATHS: &str = "deaths";

/// A trial that killed so many workers has failed.
const MOST_DEATHS: u64 = 10;
/// At least so many trials, beside the given ones, come to their end.
const FINISHED: usize = 3;
/// The most points of a trial's course that one rung adds to the journal.
const POINTS: usize = 12;

/// Says if there is time for more work on a trial of the study, or for a new one.
pub type Fits<'f> = &'f dyn Fn(&Study, Option<&Trial>) -> bool;

/// The rules by which a study goes on.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The parameters.
    pub space: Space,
    /// The choice of a new trial.
    pub strategy: Strategy,
    /// The early end of poor trials.
    pub halving: Halving,
    /// Decides all that is random.
    pub seed: u64,
    /// The most trials.
    pub most: Option<usize>,
    /// The trials that a study begins with, such as the defaults.
    pub first: Vec<Values>,
}

/// A part of a trial's work.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The trial's number.
    pub trial: usize,
    /// Its parameters.
    pub values: Values,
    /// The rung to reach.
    pub rung: usize,
    /// The part of the trial's whole work until there, at most 1.
    pub part: f64,
}

/// The next work.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// To be done, and recorded by [`Schedule::record`].
    Job(Job),
    /// Nothing as long as others are at work: their results may bring some.
    Wait,
    /// Nothing any more.
    Done,
}

/// The worker at `trial`, if there is one.
fn owner(trial: &Trial) -> Option<&str> {
    trial.attributes.get(OWNER).and_then(Json::as_str)
}

/// The first trial that waits.
fn waiting(journal: &Locked<'_>) -> Option<usize> {
    let mut trials = journal.study()?.trials.iter();
    trials.find(|trial| trial.state == State::Waiting).map(|trial| trial.number)
}

/// The number of rungs that `trial` has passed.
fn passed(trial: &Trial) -> usize {
    trial.attributes.get(RUNGS).and_then(Json::as_array).map_or(0, Vec::len)
}

impl Schedule {
    /// The next work of the worker that is called `worker`, on the study in `folder`. A paused
    /// trial, or a new one where none is given, only goes on if there is time for it, as `fits`
    /// says. It is written into the journal: commit it before the work begins.
    pub fn next(
        &self,
        journal: &mut Locked<'_>,
        worker: &str,
        folder: &Path,
        fits: Fits<'_>,
    ) -> Next {
        while let Some((number, deaths)) = self.left(journal, worker, folder) {
            if deaths >= MOST_DEATHS {
                let problem = format!("{deaths} processes ended while they were at it");
                self.fail(journal, number, &problem);
                continue;
            }
            journal.set_trial_attribute(number, DEATHS, json!(deaths));
            journal.set_trial_attribute(number, OWNER, json!(worker));
            return Next::Job(self.job(journal, number));
        }
        let begins = journal.study().is_some_and(|study| fits(study, None));
        while begins && let Some(number) = waiting(journal) {
            match queue::values(journal, number, &self.space, self.seed) {
                Ok(values) => {
                    journal.start(number);
                    journal.set_values(number, &values, &self.space);
                    journal.set_trial_attribute(number, OWNER, json!(worker));
                    return Next::Job(self.job(journal, number));
                }
                Err(problem) => {
                    self.fail(journal, number, &format!("it waited in the queue, but {problem}"));
                }
            }
        }
        let may = |study: &Study, number: &usize| fits(study, study.trials.get(*number));
        let promoted = journal
            .study()
            .and_then(|study| self.halving.promotion(study).filter(|number| may(study, number)));
        if let Some(number) = promoted {
            journal.set_trial_attribute(number, OWNER, json!(worker));
            return Next::Job(self.job(journal, number));
        }
        if begins && let Some(number) = self.begin(journal, worker) {
            return Next::Job(self.job(journal, number));
        }
        let last = journal
            .study()
            .and_then(|study| self.last_chance(study).filter(|number| may(study, number)));
        if let Some(number) = last {
            journal.set_trial_attribute(number, OWNER, json!(worker));
            return Next::Job(self.job(journal, number));
        }
        let at_work = |trial: &Trial| trial.state == State::Running && owner(trial).is_some();
        let others = |study: &Study| study.trials.iter().any(at_work);
        match journal.study().is_some_and(others) {
            true => Next::Wait,
            false => Next::Done,
        }
    }

    /// A trial that a worker left before its rung, and the number of workers that died at it.
    fn left(&self, journal: &Locked<'_>, worker: &str, folder: &Path) -> Option<(usize, u64)> {
        let mut running = journal.study()?.trials.iter().filter(|t| t.state == State::Running);
        running.find_map(|trial| {
            let owner = owner(trial)?;
            let deaths = trial.attributes.get(DEATHS).and_then(Json::as_u64).unwrap_or(0);
            match owner {
                owner if owner == worker || owner == FREE => Some((trial.number, deaths)),
                owner if !is_alive(folder, owner) => Some((trial.number, deaths + 1)),
                _ => None,
            }
        })
    }

    /// Begins a new trial, if there is to be one; returns its number.
    fn begin(&self, journal: &mut Locked<'_>, worker: &str) -> Option<usize> {
        let study = journal.study()?;
        let place = |trial: &Trial| trial.attributes.get(FIRST).and_then(Json::as_u64);
        if self.most.is_some_and(|most| study.trials.len() >= most) {
            return None;
        }
        let begun = |at: &usize| study.trials.iter().any(|trial| place(trial) == Some(*at as u64));
        let first = (0..self.first.len()).find(|at| !begun(at));
        let values = match first {
            Some(at) => self.first[at].clone(),
            None => {
                let sample = |number| self.strategy.sample(&self.space, study, number, self.seed);
                let is_new = |values: &Values| study.trials.iter().all(|t| t.values != *values);
                match self.strategy {
                    // Trials of another strategy may have some of its points.
                    Strategy::Grid { .. } => (0..).map_while(sample).find(is_new)?,
                    // The given ones are no part of a strategy's order.
                    _ => sample(study.trials.iter().filter(|t| place(t).is_none()).count())?,
                }
            }
        };
        let number = journal.create_trial(&values, &self.space, State::Running);
        if let Some(at) = first {
            journal.set_trial_attribute(number, FIRST, json!(at));
        }
        journal.set_trial_attribute(number, OWNER, json!(worker));
        Some(number)
    }

    /// A paused trial that goes on although too few others have passed its rung, where no new trial
    /// begins: the best of the highest rung, until some have come to their end. A study of few
    /// trials would else end with the given ones alone.
    fn last_chance(&self, study: &Study) -> Option<usize> {
        let given = |trial: &Trial| trial.attributes.contains_key(FIRST);
        let to_the_end = |trial: &&Trial| {
            let last = || self.rung_of(trial) + 1 >= self.halving.rungs.len();
            let running = || trial.state == State::Running && owner(trial).is_some() && last();
            !given(trial) && (trial.state == State::Complete || running())
        };
        if study.trials.iter().filter(to_the_end).count() >= FINISHED {
            return None;
        }
        let passed = |trial: &Trial| {
            let value = *rung_values(trial).last()?;
            (is_paused(trial) && value.is_finite()).then_some((self.rung_of(trial), value))
        };
        let all = study.trials.iter().filter_map(|trial| Some((passed(trial)?, trial.number)));
        let best = all.reduce(|best, other| {
            let ((rung, value), (best_rung, best_value)) = (other.0, best.0);
            let is_better =
                rung > best_rung || rung == best_rung && study.direction.better(value, best_value);
            if is_better { other } else { best }
        });
        best.map(|(_, number)| number)
    }

    fn job(&self, journal: &Locked<'_>, number: usize) -> Job {
        let trial = &journal.study().expect("it has trials").trials[number];
        let rungs = &self.halving.rungs;
        let rung = self.rung_of(trial).min(rungs.len() - 1);
        Job { trial: number, values: trial.values.clone(), rung, part: rungs[rung] }
    }

    /// The rung that a trial works for. Those that a study begins with go to their end at once.
    fn rung_of(&self, trial: &Trial) -> usize {
        match trial.attributes.contains_key(FIRST) {
            true => self.halving.rungs.len() - 1,
            false => self.halving.first_rung(trial.number) + passed(trial),
        }
    }

    /// Writes the result of a job into the journal: the trial is through, or pauses.
    pub fn record(&self, journal: &mut Locked<'_>, job: &Job, measured: &Measured) {
        let Some(trial) = journal.study().and_then(|study| study.trials.get(job.trial)) else {
            return;
        };
        let reported = trial.intermediate.keys().next_back().copied().unwrap_or(0);
        let time = |name| trial.attributes.get(name).and_then(Json::as_f64).unwrap_or(0.0);
        let (seconds, encoder_seconds) = (time(SECONDS), time(ENCODER_SECONDS));
        let mut rungs =
            trial.attributes.get(RUNGS).and_then(Json::as_array).cloned().unwrap_or_default();
        let mean = measured.mean();
        let trial_is_first = trial.attributes.contains_key(FIRST);
        rungs.push(json!(mean));
        let new: Vec<_> =
            measured.course.iter().filter(|(epoch, _)| *epoch as u64 > reported).collect();
        let every = new.len().div_ceil(POINTS).max(1);
        // The last one is always among them.
        for (epoch, value) in new.iter().rev().step_by(every).rev() {
            journal.report(job.trial, *epoch as u64, *value);
        }
        // Those that every study begins with pass no rung but the last.
        if !trial_is_first {
            journal.set_trial_attribute(job.trial, RUNGS, json!(rungs));
        }
        journal.set_trial_attribute(job.trial, SCORES, json!(measured.scores));
        for (name, seconds) in [
            (SECONDS, seconds + measured.seconds),
            (ENCODER_SECONDS, encoder_seconds + measured.encoder_seconds),
        ] {
            journal.set_trial_attribute(job.trial, name, json!((seconds * 1e3).round() / 1e3));
        }
        if !mean.is_finite() {
            return self.fail(journal, job.trial, "its result is not a number");
        }
        if job.rung + 1 == self.halving.rungs.len() {
            journal.finish(job.trial, State::Complete, Some(mean));
        } else {
            journal.set_trial_attribute(job.trial, OWNER, Json::Null);
        }
    }

    /// Leaves a job that was stopped on the way to whoever comes next.
    pub fn release(&self, journal: &mut Locked<'_>, job: &Job) {
        journal.set_trial_attribute(job.trial, OWNER, json!(FREE));
    }

    /// Writes down that a trial came to a bad end.
    pub fn fail(&self, journal: &mut Locked<'_>, trial: usize, problem: &str) {
        journal.set_trial_attribute(trial, PROBLEM, json!(problem));
        journal.finish(trial, State::Failed, None);
    }
}
