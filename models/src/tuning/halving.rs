//! Successive halving and Hyperband without waiting: poor trials end early.
//!
//! A trial does a part of the whole work, up to its first rung, and pauses. Of the trials that
//! finished a rung, the best `1 / factor` go on to the next one.
//!
//! - L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, M. Hardt, B. Recht, A. Talwalkar, A System for
//!   Massively Parallel Hyperparameter Tuning, MLSys 2020, arXiv:1810.05934: algorithm 2 (ASHA).
//! - L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, Hyperband, JMLR 18, 2018,
//!   arXiv:1603.06560: algorithm 1, for the brackets.
//!
//! The state lives in the study, whose attribute [`HALVING`] has the rules. The attribute [`RUNGS`]
//! of a trial lists its values at the rungs that it finished, from its bracket's first one on. The
//! attribute [`OWNER`] names the worker on it. A trial that runs without an owner is paused.

use super::study::{Direction, State, Study, Trial};
use crate::error::{Error, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The attribute of a study that has its [`Halving`].
pub const HALVING: &str = "halving";

/// The attribute that lists a trial's values at the rungs that it finished.
pub const RUNGS: &str = "rungs";

/// The attribute that names the worker on a trial, or is null.
pub const OWNER: &str = "owner";

/// No first rung is at a smaller part of the work: a trial would show too little.
const LEAST_PART: f64 = 1.0 / 16.0;

/// The rungs of trials, and which of them go on from one to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Halving {
    /// One in `factor` trials of a rung goes on to the next.
    pub factor: usize,
    /// The part of the whole work up to each rung, ascending; the last is 1.
    pub rungs: Vec<f64>,
    /// The number of brackets. Bracket `b` has rung `b` as its first.
    pub brackets: usize,
}

impl Halving {
    /// No early end: one rung, which is the whole work.
    pub fn none() -> Halving {
        Halving { factor: 2, rungs: vec![1.0], brackets: 1 }
    }

    /// Rungs at powers of `1 / factor`, down to a sixteenth of the work, in one bracket.
    ///
    /// # Errors
    /// If `factor` is below 2.
    pub fn asha(factor: usize) -> Result<Halving, Error> {
        ensure!(factor >= 2, "the halving factor {factor} ends no trial: choose 2 or more");
        let part = |power: i32| (factor as f64).powi(-power);
        let mut below: Vec<f64> = (1..=4).map(part).filter(|&part| part >= LEAST_PART).collect();
        // At least two rungs, whatever the factor.
        if below.is_empty() {
            below.push(part(1));
        }
        let rungs = below.iter().rev().copied().chain([1.0]).collect();
        Ok(Halving { factor, rungs, brackets: 1 })
    }

    /// The rungs of [`asha`](Halving::asha) with a bracket for each: some trials begin at a later
    /// rung, since the first ones may mislead.
    ///
    /// # Errors
    /// If `factor` is below 2.
    pub fn hyperband(factor: usize) -> Result<Halving, Error> {
        let asha = Halving::asha(factor)?;
        Ok(Halving { brackets: asha.rungs.len(), ..asha })
    }

    /// The rules of a study, from its attribute; none if it has no sound ones.
    pub fn of(study: &Study) -> Option<Halving> {
        let halving = Halving::deserialize(study.attributes.get(HALVING)?).ok()?;
        let Halving { factor, rungs, brackets } = &halving;
        let is_sound = *factor >= 2
            && rungs.is_sorted_by(|a, b| a < b)
            && rungs.first().is_some_and(|&first| first > 0.0)
            && rungs.last() == Some(&1.0)
            && (1..=rungs.len()).contains(brackets);
        is_sound.then_some(halving)
    }

    /// The first rung of trial `number`, which is its bracket.
    ///
    /// In Hyperband bracket `b` of `r` rungs has ceil(r / (s + 1) factor^s) trials, where s is
    /// r - 1 - b. Trials are dealt out in these proportions, each to the bracket that is furthest
    /// behind.
    pub fn first_rung(&self, number: usize) -> usize {
        let brackets = self.brackets.clamp(1, self.rungs.len().max(1));
        if brackets == 1 {
            return 0;
        }
        let shares: Vec<f64> = (0..brackets)
            .map(|bracket| {
                let s = self.rungs.len() - 1 - bracket;
                let more = (self.factor as f64).powi(s.min(64) as i32);
                (self.rungs.len() as f64 / (s + 1) as f64 * more).ceil()
            })
            .collect();
        let all: f64 = shares.iter().sum();
        let mut dealt = vec![0.0; brackets];
        let mut next = 0;
        // The deal begins anew once each bracket has its share.
        for turn in 0..=(number as f64 % all) as usize {
            let behind = |b: usize| shares[b] / all * (turn + 1) as f64 - dealt[b];
            next = (1..brackets).fold(0, |best, b| if behind(b) > behind(best) { b } else { best });
            dealt[next] += 1.0;
        }
        next
    }

    /// The rung that a trial works towards; none if it finished the last one.
    pub fn next_rung(&self, trial: &Trial) -> Option<usize> {
        let next = self.first_rung(trial.number) + rung_values(trial).len();
        (next < self.rungs.len()).then_some(next)
    }

    /// The number of the paused trial to promote next, if there is one.
    ///
    /// The rungs are looked at from the highest down. At each, a trial is promoted if it is among
    /// the best floor(n / factor) of the n trials of its bracket that finished the rung, and is
    /// paused there. Of equal values the earlier trial is the better one. A value that is not
    /// finite is never promoted.
    pub fn promotion(&self, study: &Study) -> Option<usize> {
        let factor = self.factor.max(1);
        let trials: Vec<(usize, Vec<f64>, &Trial)> = study
            .trials
            .iter()
            .map(|trial| (self.first_rung(trial.number), rung_values(trial), trial))
            .collect();
        for rung in (0..self.rungs.len().saturating_sub(1)).rev() {
            for bracket in 0..self.brackets.clamp(1, rung + 1) {
                let place = rung - bracket;
                let mut finished: Vec<(f64, usize, bool)> = trials
                    .iter()
                    .filter(|(first, values, _)| *first == bracket && values.len() > place)
                    .map(|(_, values, trial)| {
                        let here = values.len() == place + 1 && is_paused(trial);
                        (values[place], trial.number, here)
                    })
                    .collect();
                finished
                    .sort_by(|a, b| order(study.direction, a.0, b.0).then_with(|| a.1.cmp(&b.1)));
                let best = &finished[..finished.len() / factor];
                if let Some(next) = best.iter().find(|(value, _, here)| *here && value.is_finite())
                {
                    return Some(next.1);
                }
            }
        }
        None
    }
}

impl Halving {
    /// The paused trials that will hardly go on: at their rung, more trials than are promoted, and
    /// two more, are better.
    pub fn unlikely(&self, study: &Study) -> Vec<usize> {
        let mut out = Vec::new();
        for rung in 0..self.rungs.len() {
            let place = |trial: &Trial| rung.checked_sub(self.first_rung(trial.number));
            let mut there: Vec<(f64, &Trial)> = (study.trials.iter())
                .filter_map(|trial| Some((*rung_values(trial).get(place(trial)?)?, trial)))
                .collect();
            there.sort_by(|a, b| order(study.direction, a.0, b.0));
            let likely = there.len().div_ceil(self.factor.max(1)) + 2;
            let ends_here = |trial: &Trial| place(trial) == Some(rung_values(trial).len() - 1);
            let rest = there.iter().skip(likely).map(|(_, trial)| *trial);
            out.extend(rest.filter(|t| is_paused(t) && ends_here(t)).map(|trial| trial.number));
        }
        out
    }
}

/// The order of two values, the better one first; not a number last.
pub(super) fn order(direction: Direction, a: f64, b: f64) -> std::cmp::Ordering {
    direction.better(b, a).cmp(&direction.better(a, b))
}

/// The values at the rungs that a trial finished. JSON has null for what is not a number.
pub fn rung_values(trial: &Trial) -> Vec<f64> {
    match trial.attributes.get(RUNGS) {
        Some(Json::Array(values)) => {
            values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        }
        _ => Vec::new(),
    }
}

/// True if a trial was begun, and nobody works on it.
pub fn is_paused(trial: &Trial) -> bool {
    trial.state == State::Running && trial.attributes.get(OWNER).is_none_or(Json::is_null)
}

#[cfg(test)]
mod tests;
