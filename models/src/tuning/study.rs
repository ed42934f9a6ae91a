//! A study: its trials so far, as the journal tells them.

use super::space::Domain;
use super::value::Values;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The better of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smaller one.
    Minimize,
    /// The larger one.
    Maximize,
}

impl Direction {
    /// True if `a` is better than `b`. A value that is not a number is worse than any other.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            _ if a.is_nan() || b.is_nan() => !a.is_nan(),
            Direction::Minimize => a < b,
            Direction::Maximize => a > b,
        }
    }
}

/// The state of a trial, as Optuna has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In progress, or paused at a rung.
    Running,
    /// Through, with a value.
    Complete,
    /// Ended early: the best intermediate value is what is known of it.
    Pruned,
    /// Ended by an error.
    Failed,
    /// Its parameters are set, and nobody works on it yet.
    Waiting,
}

impl State {
    /// True if nothing more happens to the trial.
    pub fn is_finished(self) -> bool {
        matches!(self, State::Complete | State::Pruned | State::Failed)
    }
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The number in the study, from 0 on.
    pub number: usize,
    /// The state.
    pub state: State,
    /// The parameters' values.
    pub values: Values,
    /// The domain that each was drawn from.
    pub domains: BTreeMap<String, Domain>,
    /// The result, of a trial that is complete.
    pub value: Option<f64>,
    /// The results on the way, by step.
    pub intermediate: BTreeMap<u64, f64>,
    /// The attributes of the user, which is us.
    pub attributes: BTreeMap<String, Json>,
    /// The attributes of the program that samples.
    pub system: BTreeMap<String, Json>,
    /// The time of its start, as ISO 8601 without a zone.
    pub started: Option<String>,
    /// The time of its end.
    pub ended: Option<String>,
}

impl Trial {
    /// The result, or the last one on the way.
    pub fn last_value(&self) -> Option<f64> {
        self.value.or_else(|| self.intermediate.values().next_back().copied())
    }
}

/// A study.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The name.
    pub name: String,
    /// The better of two values.
    pub direction: Direction,
    /// The attributes of the user, which is us.
    pub attributes: BTreeMap<String, Json>,
    /// The trials by their number.
    pub trials: Vec<Trial>,
}

impl Study {
    /// The best trial that is complete; the first of equal ones.
    pub fn best(&self) -> Option<&Trial> {
        let complete = self.trials.iter().filter(|trial| trial.state == State::Complete);
        complete.filter(|trial| trial.value.is_some_and(f64::is_finite)).reduce(|best, trial| {
            let better = match (trial.value, best.value) {
                (Some(a), Some(b)) => self.direction.better(a, b),
                _ => false,
            };
            if better { trial } else { best }
        })
    }
}
