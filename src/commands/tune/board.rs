//! What is shown of a study while it goes on: its state in a line or a table, and each new best
//! trial.

use super::clock::Clock;
use super::ranking::ranking;
use crate::cli::options::tune::GoalName;
use crate::output::numbers::{counted, duration, percent};
use indicatif::{ProgressBar, ProgressStyle};
use narrows_models::tuning::schedule::{FIRST, PROBLEM};
use narrows_models::tuning::{Space, State, Study, Trial, Values};
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
    clock: &'s Clock,
    state: Mutex<Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    quiet: bool,
    last: Instant,
    best: Option<usize>,
}

impl<'s> Board<'s> {
    pub fn new((goal, space): (GoalName, &'s Space), quiet: bool, clock: &'s Clock) -> Board<'s> {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg}");
            let bar = ProgressBar::new_spinner();
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let state = Mutex::new(Shown { bar, quiet, last: Instant::now(), best: None });
        Board { goal, space, clock, state }
    }

    /// A result as it is shown.
    pub fn result(&self, value: f64) -> String {
        result(self.goal, value)
    }

    /// Shows the study after a change of `trial`.
    pub fn update(&self, study: &Study, trial: usize) {
        let mut shown = self.shown();
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

    fn line(&self, study: &Study) -> String {
        let count = |state| study.trials.iter().filter(|trial| trial.state == state).count();
        let best = self.best(study).map_or(String::new(), |best| {
            format!("; best {} (trial {})", self.result(best.value.unwrap_or(0.0)), best.number)
        });
        let left = self.clock.left();
        let left = left.map_or(String::new(), |left| format!("; {} left", duration(left.max(0.0))));
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
