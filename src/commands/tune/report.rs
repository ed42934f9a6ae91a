//! The end of a study: its best trials, the final test, and what it leaves.

use super::board::{result, words};
use super::configuration::Configuration;
use super::ranking::ranking;
use super::test::{self, Finals, Test, Tested};
use super::work::Search;
use super::{NAME, best};
use crate::cli::options::tune::{GoalName, Tune};
use crate::error::{Error, bail};
use crate::output::numbers::{counted, duration, percent};
use crate::output::plot;
use crate::output::summary::Summary;
use crate::output::tables::estimate::{cells, gained};
use crate::report;
use crate::run::folder::SUMMARY;
use crate::shell::quoted;
use narrows_engine::Context;
use narrows_models::Checkpoints;
use narrows_models::statistics::Gain;
use narrows_models::tuning::halving::is_paused;
use narrows_models::tuning::importance::importance;
use narrows_models::tuning::schedule::PROBLEM;
use narrows_models::tuning::{Journal, Space, State, Study, Trial, Values, Worker, is_alive};
use serde_json::Value as Json;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The trials that the table shows.
const SHOWN: usize = 5;
/// The folder of checkpoints of the final test.
const TEST: &str = "test";
/// All trials as a table.
const TABLE: &str = "trials.csv";

/// What the report is made from.
pub struct Report<'r> {
    pub search: &'r Search<'r>,
    pub options: &'r Tune,
    /// The options that name the data, as they were given.
    pub data_words: String,
    pub cx: &'r Context,
    /// Set by a signal.
    pub stop: Arc<AtomicBool>,
    /// The checkpoints of the final test, but for their folder.
    pub checkpoints: Checkpoints,
}

impl Report<'_> {
    /// Ends the study: tests the best trial, writes its files, and returns the report.
    pub fn write(&self, journal: &Journal) -> Result<String, Error> {
        let Search { schedule, folder, goal, .. } = self.search;
        let (goal, base) = (*goal, &self.options.base.0);
        let study = journal.study().ok_or_else(|| self.search.gone())?;
        let path = quoted(folder.path().display());
        if self.options.search.worker {
            if let Some(problem) = self.search.clock.too_small() {
                bail!("{problem}");
            }
            let all = counted(study.trials.len(), "trial");
            return Ok(format!("{all} in the study\nstudy folder: {path}\n"));
        }
        // Of several processes, one tests.
        if is_alive(folder.path(), TEST) {
            return Ok(format!("another process does the final test\nstudy folder: {path}\n"));
        }
        let _one = Worker::begin(folder.path(), TEST)?;
        let Some(&best) = ranking(study, &schedule.space).first() else {
            let problem =
                study.trials.iter().rev().find_map(|t| t.attributes.get(PROBLEM)?.as_str());
            let why = problem
                .map_or(String::new(), |problem| format!(": the last one failed: {problem}"));
            if let Some(problem) = self.search.clock.too_small() {
                bail!("{problem}, to the same command with --study {path}");
            }
            bail!(
                "no trial came to its end{why}: give the same command a longer --budget and \
                 --study {path}"
            )
        };
        folder.write(TABLE, table(study).as_bytes())?;
        self.draw(study)?;
        let finals = match goal {
            GoalName::Accuracy => Some(self.test().of(study)?),
            GoalName::Reconstruction => None,
        };
        let best = finals.as_ref().map_or(best, |finals| finals.trial);
        let configuration = Configuration::new(self.search.shared, &best.values)?;
        let rate = finals.as_ref().map(|finals| finals.tuned.lr);
        best::write(folder, &configuration, best.number, goal == GoalName::Accuracy, rate)?;
        let dataset = self.search.shared.data.train.name();
        let mut text = self.head(study, dataset)?;
        text += &leaders(study, &schedule.space, goal);
        let mut summary = Summary::new(NAME, dataset)
            .row("seed", base.running.seed)
            .row("threads", self.cx.threads())
            .row("trials", study.trials.len())
            .row("best_trial", best.number)
            .row("best_value", best.value)
            .row("best_values", &best.values);
        if let Some(finals) = &finals {
            summary = summary
                .row("draws", finals.draws)
                .row("tuned", &finals.tuned)
                .optional("defaults", finals.untuned.as_ref());
            text += &self.comparison(finals);
        }
        let seconds = self.search.clock.elapsed();
        folder.write(SUMMARY, summary.text(seconds)?.as_bytes())?;
        let _ = write!(text, "\n{} in all\n", duration(seconds));
        text += &report::leave(folder.path());
        let _ = writeln!(text, "study folder: {path}");
        Ok(text + &self.next(&configuration, &path))
    }

    fn test(&self) -> Test<'_> {
        Test {
            search: self.search,
            clock: self.search.clock,
            draws: self.options.base.0.labels.draws,
            cx: self.cx,
            stop: &self.stop,
            checkpoints: &self.checkpoints,
            folder: TEST,
            quiet: self.options.base.0.running.machine.quiet,
        }
    }

    /// Draws the study.
    fn draw(&self, study: &Study) -> Result<(), Error> {
        let Search { schedule, folder, goal, .. } = self.search;
        let title = &self.search.shared.data.train.name();
        let (name, percent) = match goal {
            GoalName::Accuracy => ("validation accuracy", true),
            GoalName::Reconstruction => ("error held out", false),
        };
        let measure = plot::Measure { name, percent };
        let shares = importance(study).into_iter().map(|of| (of.parameter, of.share));
        let shares: Vec<_> = shares.collect();
        let coordinates = plot::coordinates(study, &schedule.space, title, &measure)?;
        folder.write("coordinates.svg", coordinates.as_bytes())?;
        folder.write("importance.svg", plot::importance(&shares, title)?.as_bytes())?;
        folder.write("courses.svg", plot::courses(study, title, "epoch", &measure)?.as_bytes())
    }

    fn head(&self, study: &Study, dataset: &str) -> Result<String, Error> {
        let count = |state| study.trials.iter().filter(|trial| trial.state == state).count();
        let (all, through) = (study.trials.len(), count(State::Complete));
        let mut text = format!("{dataset}: {}, {} through", counted(all, "trial"), through);
        let measured = |trial: &&Trial| trial.last_value().is_some();
        let paused = study.trials.iter().filter(|trial| is_paused(trial)).count();
        let early = count(State::Pruned) + paused;
        let unfinished = count(State::Running) + count(State::Waiting) - paused;
        for (trials, word) in [(early, "ended early"), (unfinished, "unfinished")] {
            if trials > 0 {
                let _ = write!(text, ", {trials} {word}");
            }
        }
        if count(State::Failed) > 0 {
            let _ = write!(text, ", {} failed", count(State::Failed));
        }
        if self.search.goal == GoalName::Accuracy {
            let configuration = Configuration::new(self.search.shared, &Values::new())?;
            let validation = configuration.curve(1).points[0].validation;
            let _ = write!(
                text,
                "\n{} a trial, {} each; these labels measured {}",
                counted(self.search.draws, "label draw"),
                counted(validation, "validation label"),
                counted(study.trials.iter().filter(measured).count(), "configuration"),
            );
        }
        Ok(text + "\n\n")
    }

    /// The final test.
    fn comparison(&self, finals: &Finals<'_>) -> String {
        let Finals { trial: best, tuned, untuned, defaults, draws, .. } = finals;
        let (base, draws) = (&self.options.base.0, *draws);
        let metric = test::name(base.metric.metric);
        let mut text = format!(
            "\n{:<28} {:>14} {:>20} {:>18}\n",
            format!("{} of their own", counted(draws, "draw")),
            "validation, %",
            format!("test {metric}, %"),
            "95 % interval"
        );
        let mut row = |name: &str, tested: &Tested| {
            let [test, interval] = cells(&tested.test.estimate);
            let validation = percent(tested.validation.estimate.mean);
            let _ = writeln!(text, "{name:<28} {validation:>14} {test:>20} {interval:>18}");
        };
        let no_time = no_time(finals, base.labels.draws);
        let Some(untuned) = untuned else {
            if finals.alone {
                row(&format!("trial {}", best.number), tuned);
                return text + &no_time;
            }
            row("defaults", tuned);
            return text + &no_time + "\nNo trial was better than the defaults.\n";
        };
        row("defaults", untuned);
        row(&format!("trial {}", best.number), tuned);
        let gain = tuned.gain_over(untuned);
        let _ = writeln!(text, "{no_time}\ngain on the test: {} points", gained(&gain, draws));
        let lead = best.value.zip(defaults.and_then(|trial| trial.value)).map(|(a, b)| a - b);
        text + &lead.map_or(String::new(), |lead| vanished(lead, &gain))
    }

    /// The commands to go on by.
    fn next(&self, best: &Configuration<'_>, path: &str) -> String {
        let data = &self.data_words;
        let pretrain = format!("narrows pretrain{data} --config {path}/{}", best::PRETRAIN);
        if self.search.goal == GoalName::Reconstruction {
            return format!("next: {pretrain}\n");
        }
        let train = format!("narrows train{data} --config {path}/{}", best::TRAIN);
        let encoder =
            self.options.base.0.encoder.as_ref().filter(|_| best.method().needs_encoder());
        match (best.pretrains(), encoder) {
            (true, _) => format!("next: {pretrain}\n{:6}{train} --encoder runs/pretrain-N\n", ""),
            (false, Some(run)) => {
                format!("next: {train} --encoder {}\n", quoted(run.display()))
            }
            (false, None) => format!("next: {train}\n"),
        }
    }
}

/// What the budget had no time for.
fn no_time(&Finals { draws, left_out, alone, .. }: &Finals<'_>, of: usize) -> String {
    let mut left = Vec::new();
    if alone {
        left.push("the defaults".to_string());
    }
    if draws < of {
        left.push(format!("{} of {of} draws", of - draws));
    }
    if left_out > 0 {
        left.push(format!("{} that might be better still", counted(left_out, "trial")));
    }
    match left.is_empty() {
        true => String::new(),
        false => format!("\nNo time within the budget for {}.\n", left.join(", and ")),
    }
}

/// A sentence on how much of the lead on validation labels is left on the test.
fn vanished(lead: f64, gain: &Gain) -> String {
    let (lead, gain) = (100.0 * lead, 100.0 * gain.mean);
    let gone = lead - gain;
    let lead = format!("Lead on the validation labels of the search: {lead:+.2} points");
    match gone > 0.0 && gain > 0.0 {
        true => format!(
            "{lead}. {gone:.2} of them vanished:\nthe best of many trials is partly lucky.\n"
        ),
        false => format!("{lead}.\n"),
    }
}

/// The best trials.
fn leaders(study: &Study, space: &Space, goal: GoalName) -> String {
    let heading = match goal {
        GoalName::Accuracy => "validation",
        GoalName::Reconstruction => "error held out",
    };
    let mut text = format!("{:>6}  {heading:>14}\n", "trial");
    for trial in ranking(study, space).into_iter().take(SHOWN) {
        let value = result(goal, trial.value.unwrap_or(f64::NAN));
        let head = format!("{:>6}  {value:>14}  ", trial.number);
        text += &wrapped(&head, &words(trial));
    }
    text
}

/// `head` and `text` in lines of at most 100 columns, the later ones as far in as the head is long.
fn wrapped(head: &str, text: &str) -> String {
    let mut lines = vec![head.to_string()];
    for word in text.split(", ") {
        let line = lines.last_mut().expect("there is one");
        if line.len() > head.len() && line.len() + word.len() + 3 > 100 {
            line.push(',');
            lines.push(format!("{:1$}{word}", "", head.len()));
        } else {
            let comma = if line.len() > head.len() { ", " } else { "" };
            *line += &format!("{comma}{word}");
        }
    }
    lines.join("\n") + "\n"
}

/// All trials as CSV.
fn table(study: &Study) -> String {
    let names: std::collections::BTreeSet<&String> =
        study.trials.iter().flat_map(|trial| trial.values.keys()).collect();
    let cell = |text: String| match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    };
    let mut text = "trial,state,value,seconds".to_string();
    names.iter().for_each(|name| text += &format!(",{}", cell((*name).clone())));
    text += "\n";
    for trial in &study.trials {
        let state = format!("{:?}", trial.state).to_lowercase();
        let value = trial.last_value().map_or(String::new(), |value| value.to_string());
        let seconds = trial.attributes.get("seconds").and_then(Json::as_f64);
        let seconds = seconds.map_or(String::new(), |seconds| seconds.to_string());
        text += &format!("{},{state},{value},{seconds}", trial.number);
        for name in &names {
            let value = trial.values.get(*name).map_or(String::new(), ToString::to_string);
            text += &format!(",{}", cell(value));
        }
        text += "\n";
    }
    text
}
