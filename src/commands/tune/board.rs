//! What is shown of a study while it goes on: its state in a line or a table, and each new best
//! trial.

use super::test::FINALISTS;
use crate::cli::options::tune::GoalName;
use crate::output::numbers::{counted, duration, percent};
use indicatif::{ProgressBar, ProgressStyle};
use narrows_models::tuning::schedule::{ENCODER_SECONDS, FIRST, PROBLEM, SECONDS};
use narrows_models::tuning::{Space, State, Study, Trial, Values};
use serde_json::Value as Json;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The trials that the table shows.
const SHOWN: usize = 5;
/// The time between two lines where no terminal is.
const EVERY: Duration = Duration::from_secs(10);
/// A study whose first trials have all failed, so many of them, is given up.
const FAILURES: usize = 5;

/// Shows a study.
pub struct Board<'s> {
    goal: GoalName,
    space: &'s Space,
    begun: Instant,
    budget: Option<Duration>,
    /// The label draws of the final test for each of a trial, and the workers at a time.
    test: (f64, f64),
    state: Mutex<Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    quiet: bool,
    last: Instant,
    best: Option<usize>,
    time_of_test: Duration,
}

impl<'s> Board<'s> {
    pub fn new(
        (goal, space): (GoalName, &'s Space),
        quiet: bool,
        begun: Instant,
        budget: Option<Duration>,
        test: (f64, f64),
    ) -> Board<'s> {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg}");
            let bar = ProgressBar::new_spinner();
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let (last, best, time_of_test) = (Instant::now(), None, Duration::ZERO);
        let state = Mutex::new(Shown { bar, quiet, last, best, time_of_test });
        Board { goal, space, begun, budget, test, state }
    }

    /// The time that the final test will take, as far as trials tell.
    pub fn time_of_test(&self) -> Duration {
        self.shown().time_of_test
    }

    /// A result as it is shown.
    pub fn result(&self, value: f64) -> String {
        result(self.goal, value)
    }

    /// Shows the study after a change of `trial`.
    pub fn update(&self, study: &Study, trial: usize) {
        let time = self.estimate(study);
        let mut shown = self.shown();
        shown.time_of_test = time;
        let best = self.best(study);
        let is_new = best.is_some_and(|best| best.number == trial && shown.best != Some(trial));
        shown.best = best.map(|best| best.number);
        if shown.quiet {
            return;
        }
        if let Some(bar) = &shown.bar {
            bar.set_message(self.table(study));
            bar.tick();
            return;
        }
        if let Some(best) = best.filter(|_| is_new) {
            say(&format!(
                "trial {}: {}, the best so far: {}",
                best.number,
                self.result(best.value.unwrap_or(f64::NAN)),
                words(best)
            ));
        }
        if shown.last.elapsed() >= EVERY {
            shown.last = Instant::now();
            say(&self.line(study));
        }
    }

    /// Writes a line that matters.
    pub fn say(&self, text: &str) {
        match &self.shown().bar {
            Some(bar) => bar.println(text),
            None => say(text),
        }
    }

    /// Ends the display of trials.
    pub fn end(&self) {
        if let Some(bar) = self.shown().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Why a study is given up.
    pub fn hopeless(&self, study: &Study) -> Option<String> {
        let trials = &study.trials;
        let failed = |trial: &Trial| trial.state == State::Failed;
        if trials.len() < FAILURES || !trials.iter().all(failed) {
            return None;
        }
        let problem = trials.last()?.attributes.get(PROBLEM)?.as_str()?;
        Some(format!("each of the first {} trials failed: the last one: {problem}", trials.len()))
    }

    fn best<'t>(&self, study: &'t Study) -> Option<&'t Trial> {
        ranking(study, self.space).first().copied()
    }

    /// The time of the final test, of the best trials and of the defaults.
    fn estimate(&self, study: &Study) -> Duration {
        let (draws, workers) = self.test;
        let time = |trial: &Trial, name| trial.attributes.get(name).and_then(Json::as_f64);
        let of = |trial: &Trial| {
            let encoder = time(trial, ENCODER_SECONDS).unwrap_or(0.0);
            let classifiers = time(trial, SECONDS).unwrap_or(0.0) - encoder;
            if draws == 0.0 { 0.0 } else { (encoder + classifiers * draws) / workers }
        };
        let best: f64 = ranking(study, self.space).into_iter().take(FINALISTS).map(of).sum();
        let defaults = study.trials.iter().filter(|trial| trial.attributes.contains_key(FIRST));
        let seconds = best + defaults.map(of).fold(0.0, f64::max);
        // A search without time for a test would be of no use, and a test without a search neither.
        let most = self.budget.map_or(f64::MAX, |budget| budget.as_secs_f64() / 2.0);
        Duration::from_secs_f64(seconds.min(most))
    }

    fn line(&self, study: &Study) -> String {
        let count = |state| study.trials.iter().filter(|trial| trial.state == state).count();
        let best = self.best(study).map_or(String::new(), |best| {
            format!("; best {} (trial {})", self.result(best.value.unwrap_or(0.0)), best.number)
        });
        let left = self.budget.map_or(String::new(), |budget| {
            let left = budget.saturating_sub(self.begun.elapsed()).as_secs_f64();
            format!("; {} left", duration(left))
        });
        let failed = match count(State::Failed) {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!(
            "{}, {} through{failed}{best}{left}",
            counted(study.trials.len(), "trial"),
            count(State::Complete)
        )
    }

    fn table(&self, study: &Study) -> String {
        let mut text = self.line(study);
        for trial in ranking(study, self.space).into_iter().take(SHOWN) {
            let value = self.result(trial.value.unwrap_or(f64::NAN));
            let row = format!("{:>6}  {value:>9}  {}", trial.number, words(trial));
            text += "\n";
            text.extend(row.chars().take(100));
        }
        text
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        // A thread that panicked while it held the lock left at worst a line unwritten.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A result as it is shown.
pub fn result(goal: GoalName, value: f64) -> String {
    match goal {
        GoalName::Accuracy => format!("{} %", percent(value)),
        GoalName::Reconstruction => format!("{value:.6}"),
    }
}

/// The trials that are through, the best one first. Those of another program may have parameters
/// that are not in the space: nothing can be made of them.
pub fn ranking<'s>(study: &'s Study, space: &Space) -> Vec<&'s Trial> {
    let is_known = |name: &String| space.parameters.iter().any(|of| of.name == *name);
    let through = |trial: &&Trial| {
        let finite = trial.value.is_some_and(f64::is_finite);
        trial.state == State::Complete && finite && trial.values.keys().all(is_known)
    };
    let mut trials: Vec<&Trial> = study.trials.iter().filter(through).collect();
    let value = |trial: &Trial| trial.value.unwrap_or(f64::NAN);
    // Stable: of equal trials the first one comes first.
    trials.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        study.direction.better(b, a).cmp(&study.direction.better(a, b))
    });
    trials
}

/// The values of a trial in a line.
pub fn words(trial: &Trial) -> String {
    let values = values(&trial.values);
    match (trial.attributes.contains_key(FIRST), values.is_empty()) {
        (true, true) => "defaults".to_string(),
        (true, false) => format!("defaults, {values}"),
        (false, _) => values,
    }
}

fn values(values: &Values) -> String {
    let each = values.iter().map(|(name, value)| match value.number() {
        Some(x) if x.fract() != 0.0 => format!("{name} {x:.3e}"),
        _ => format!("{name} {value}"),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn say(line: &str) {
    // Where nobody listens, the work goes on.
    let _ = writeln!(std::io::stderr(), "{line}");
}
