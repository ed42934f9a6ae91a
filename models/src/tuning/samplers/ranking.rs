//! The order of trials, from the best on.

use crate::tuning::halving::{Halving, order, rung_values};
use crate::tuning::study::{Direction, State, Study, Trial};
use std::cmp::{Ordering, Reverse};

/// The trials of which a result is known, the best first: those that are complete by their value,
/// then the others by how far they came, and by their last value. So does Optuna, but for trials
/// that are paused, which it has not.
///
/// The earlier of equal ones is first, and what is not a number is last of its kind.
pub(super) fn ranked(study: &Study, includes: impl Fn(&Trial) -> bool) -> Vec<&Trial> {
    let halving = Halving::of(study);
    let first = |trial: &Trial| halving.as_ref().map_or(0, |h| h.first_rung(trial.number));
    let mut trials: Vec<(Key, &Trial)> = study
        .trials
        .iter()
        .filter(|trial| includes(trial))
        .filter_map(|trial| Some((Key::of(trial, first(trial))?, trial)))
        .collect();
    trials.sort_by(|(a, one), (b, other)| {
        a.compare(b, study.direction).then_with(|| one.number.cmp(&other.number))
    });
    trials.into_iter().map(|(_, trial)| trial).collect()
}

struct Key {
    /// The steps of a trial that is not complete; more than any for one that is.
    steps: u64,
    value: f64,
}

impl Key {
    /// None if nothing is known of the trial, which began with the rung `first`.
    fn of(trial: &Trial, first: usize) -> Option<Key> {
        match trial.state {
            State::Complete => {
                Some(Key { steps: u64::MAX, value: trial.value.unwrap_or(f64::NAN) })
            }
            State::Running | State::Pruned => {
                let rungs = rung_values(trial);
                match (rungs.last(), trial.intermediate.last_key_value()) {
                    // Steps of trials with different amounts of work are not alike, rungs are.
                    (Some(&value), _) => Some(Key { steps: (first + rungs.len()) as u64, value }),
                    (None, Some((&step, &value))) => Some(Key { steps: step, value }),
                    (None, None) if trial.state == State::Pruned => {
                        Some(Key { steps: 0, value: f64::NAN })
                    }
                    (None, None) => None,
                }
            }
            State::Failed | State::Waiting => None,
        }
    }

    fn compare(&self, other: &Key, direction: Direction) -> Ordering {
        let steps = Reverse(self.steps).cmp(&Reverse(other.steps));
        steps.then_with(|| order(direction, self.value, other.value))
    }
}
