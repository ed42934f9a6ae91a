//! The time of a search: its budget, and what trials and the final test take.
//!
//! Nothing is guessed: a whole trial and a draw of the final test take what trials took so far.
//! Until one is through, the epochs of those in progress tell.

use super::ranking::ranking;
use crate::output::numbers::duration;
use narrows_models::tuning::halving::rung_values;
use narrows_models::tuning::schedule::{ENCODER_SECONDS, FIRST, SECONDS};
use narrows_models::tuning::{Halving, Space, State, Study, Trial};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The best trials of the search, which are trained anew to choose one.
pub const FINALISTS: usize = 3;
/// The fewest draws of the final test, however little time there is: one has no interval.
pub const LEAST_DRAWS: usize = 2;
/// So many trials of a search, beside the defaults, are to come to their end.
const THROUGH: usize = 3;
/// From these parts of the budget on, the first trials tell that it is too small, if one takes so
/// many times the budget: the first epochs may be slow ones.
const TOO_SMALL: [(f64, f64); 3] = [(0.5, 1.05), (0.1, 1.5), (0.02, 3.0)];

/// The work of a trial, and of the final test.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// The label draws of a trial.
    pub trial_draws: usize,
    /// Those of the final test; 0 without one.
    pub test_draws: usize,
    /// The trials at a time.
    pub workers: usize,
    /// The threads of each of them.
    pub threads: usize,
}

/// The time of a search.
pub struct Clock {
    begun: Instant,
    budget: Option<Duration>,
    amounts: Amounts,
    costs: Mutex<Costs>,
}

/// What the parts of a search take, in seconds.
#[derive(Debug, Default)]
struct Costs {
    /// The final test, so far as there is to be time for it.
    test: f64,
    /// A whole trial, as long as most.
    trial: Option<f64>,
    /// The least of them, with the least test.
    least: Option<f64>,
    /// True if a trial came to its end.
    through: bool,
    /// The whole trials that came to no rung yet, where their epochs tell.
    expected: BTreeMap<usize, Option<Cost>>,
}

/// What a trial took.
#[derive(Clone, Copy, Debug)]
struct Cost {
    encoder: f64,
    /// All of its classifiers, where it has no encoder of its own.
    classifiers: f64,
    /// The part of its work that it did.
    part: f64,
    /// The times that its classifiers were trained, where it has an encoder of its own.
    rungs: usize,
}

impl Cost {
    /// None if it was not measured.
    fn of(trial: &Trial, halving: &Halving) -> Option<Cost> {
        let time = |name| trial.attributes.get(name).and_then(Json::as_f64);
        let (all, encoder) = (time(SECONDS)?, time(ENCODER_SECONDS).unwrap_or(0.0));
        let passed = rung_values(trial).len();
        let part = match (trial.attributes.contains_key(FIRST), passed) {
            (true, _) => 1.0,
            (false, 0) => return None,
            (false, passed) => {
                let last = halving.first_rung(trial.number) + passed - 1;
                halving.rungs[last.min(halving.rungs.len() - 1)]
            }
        };
        Some(Cost { encoder, classifiers: (all - encoder).max(0.0), part, rungs: passed.max(1) })
    }

    /// The time is kept in milliseconds.
    fn has_encoder(&self) -> bool {
        self.encoder > 2e-3
    }

    /// From one part of the work to another.
    fn between(&self, from: f64, to: f64) -> f64 {
        match self.has_encoder() {
            // Classifiers are trained anew with each encoder.
            true => self.encoder * (to - from) / self.part + self.classifiers / self.rungs as f64,
            false => self.classifiers * (to - from) / self.part,
        }
    }

    /// So many draws of the final test, side by side on one thread each.
    fn test(&self, amounts: Amounts, draws: usize) -> f64 {
        let Amounts { trial_draws, workers, threads, .. } = amounts;
        let times = if self.has_encoder() { self.rungs as f64 } else { self.part };
        let draw = self.classifiers / times / trial_draws as f64;
        let rounds = draws.div_ceil(workers * threads) as f64;
        // More threads are faster, but not by their number.
        let faster = |threads: usize| (threads as f64).sqrt();
        self.encoder / self.part / faster(workers) + rounds * draw * faster(threads)
    }
}

impl Clock {
    pub fn new(begun: Instant, budget: Option<Duration>, amounts: Amounts) -> Clock {
        Clock { begun, budget, amounts, costs: Mutex::default() }
    }

    /// The seconds since the beginning.
    pub fn elapsed(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// The seconds until the end of the budget, if there is one.
    pub fn left(&self) -> Option<f64> {
        self.budget.map(|budget| budget.as_secs_f64() - self.elapsed())
    }

    /// True if so many seconds of work end within the budget.
    pub fn has(&self, seconds: f64) -> bool {
        self.left().is_none_or(|left| seconds <= left)
    }

    /// True if nothing more is to be searched: the rest is for the final test.
    pub fn is_over(&self) -> bool {
        !self.has(self.costs().test) || self.too_small().is_some()
    }

    /// True if there is time to bring `trial` to its next rung, or a new one to its end.
    pub fn fits(&self, study: &Study, halving: &Halving, trial: Option<&Trial>) -> bool {
        let costs = self.costs();
        let seconds = match trial {
            Some(trial) => Cost::of(trial, halving).map(|cost| {
                let next = halving.next_rung(trial).map_or(1.0, |rung| halving.rungs[rung]);
                cost.between(cost.part, next)
            }),
            // Behind those that are to come to their end all the same.
            None => costs.trial.map(|trial| {
                let own = |t: &&Trial| !t.attributes.contains_key(FIRST);
                let through = |t: &&Trial| own(t) && t.state == State::Complete;
                let missing = THROUGH.saturating_sub(study.trials.iter().filter(through).count());
                trial * missing.div_ceil(self.amounts.workers).max(1) as f64
            }),
        };
        self.has(costs.test + seconds.unwrap_or(0.0))
    }

    /// The seconds of the final test of `trial` on so many draws.
    pub fn test(&self, trial: &Trial, halving: &Halving, draws: usize) -> f64 {
        let expected = || self.costs().expected.get(&trial.number).copied().flatten();
        let cost = Cost::of(trial, halving).or_else(expected);
        cost.map_or(0.0, |cost| cost.test(self.amounts, draws))
    }

    /// Takes notice of what trials took.
    pub fn update(&self, study: &Study, space: &Space, halving: &Halving) {
        let costs = |trial: &Trial| Cost::of(trial, halving);
        let mut whole: Vec<f64> =
            study.trials.iter().filter_map(|t| Some(costs(t)?.between(0.0, 1.0))).collect();
        whole.sort_by(f64::total_cmp);
        let through = study.trials.iter().any(|trial| trial.state == State::Complete);
        let least = study.trials.iter().filter_map(|t| Some(self.least(&costs(t)?)));
        let (least, test) = (least.reduce(f64::min), self.of_test(study, space, halving));
        let mut shared = self.costs();
        shared.trial = whole.get(3 * whole.len() / 4).copied();
        (shared.least, shared.test) = (least, test);
        shared.through |= through;
    }

    /// The time to keep for the final test: all of it, but no more than half of the budget, unless
    /// the least of it takes more.
    fn of_test(&self, study: &Study, space: &Space, halving: &Halving) -> f64 {
        let draws = self.amounts.test_draws;
        let best = ranking(study, space);
        let of = |trial: &Trial, draws| self.test(trial, halving, draws);
        let with_defaults = |trials: usize, draws| {
            let best = &best[..trials.min(best.len())];
            let is_other = |t: &&Trial| best.iter().all(|best| best.number != t.number);
            let defaults = study.trials.iter().filter(|t| t.attributes.contains_key(FIRST));
            let defaults = defaults.filter(is_other).map(|trial| of(trial, draws));
            best.iter().map(|trial| of(trial, draws)).sum::<f64>() + defaults.fold(0.0, f64::max)
        };
        if draws == 0 || best.is_empty() {
            return 0.0;
        }
        let most = self.budget.map_or(f64::MAX, |budget| budget.as_secs_f64() / 2.0);
        let least = of(best[0], LEAST_DRAWS.min(draws));
        with_defaults(FINALISTS, draws).min(most).max(least)
    }

    /// The work on `trial` begins.
    pub fn begin(&self, trial: usize) {
        self.costs().expected.insert(trial, None);
    }

    /// The encoder and the classifiers of `trial` will take so many seconds, as its first epochs
    /// tell.
    pub fn expect(&self, trial: usize, encoder: f64, classifiers: f64) {
        let cost = Cost { encoder, classifiers, part: 1.0, rungs: 1 };
        self.costs().expected.insert(trial, Some(cost));
    }

    /// A whole trial like this, and the least test.
    fn least(&self, cost: &Cost) -> f64 {
        let draws = LEAST_DRAWS.min(self.amounts.test_draws);
        let test = if draws == 0 { 0.0 } else { cost.test(self.amounts, draws) };
        cost.between(0.0, 1.0) + test
    }

    /// The work on `trial` has ended.
    pub fn end(&self, trial: usize) {
        self.costs().expected.remove(&trial);
    }

    /// Why no trial can come to its end within the budget, once that is known.
    pub fn too_small(&self) -> Option<String> {
        let (budget, elapsed) = (self.budget?.as_secs_f64(), self.elapsed());
        let costs = self.costs();
        let (_, sure) = TOO_SMALL.into_iter().find(|(part, _)| elapsed >= part * budget)?;
        if costs.through || costs.expected.is_empty() {
            return None;
        }
        // Each of them: another may be quicker.
        let expected = costs.expected.values().copied().collect::<Option<Vec<Cost>>>()?;
        let (mut trial, mut enough) = (f64::INFINITY, 0.0);
        for cost in &expected {
            if self.least(cost) <= sure * budget {
                return None;
            }
            let whole = cost.between(0.0, 1.0);
            if whole < trial {
                // Trials beside the defaults, and the whole test of two configurations.
                let test = cost.test(self.amounts, self.amounts.test_draws);
                (trial, enough) = (whole, 1.2 * (2.0 * whole + 2.0 * test));
            }
        }
        if costs.least.is_some_and(|least| least <= sure * budget) {
            return None;
        }
        let (budget, trial) = (duration(budget), duration(trial));
        Some(format!(
            "the budget of {budget} is too small: one trial takes about {trial}, and the final \
             test comes on top: give --budget {} or more",
            rounded(enough)
        ))
    }

    fn costs(&self) -> MutexGuard<'_, Costs> {
        // Each change is one store.
        self.costs.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A time as `--budget` takes it, rounded up.
fn rounded(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{:.0}s", (seconds / 5.0).ceil() * 5.0),
        60.0..5400.0 => format!("{:.0}m", (seconds / 60.0).ceil()),
        _ => format!("{:.0}h", (seconds / 3600.0).ceil()),
    }
}

#[cfg(test)]
mod tests;
