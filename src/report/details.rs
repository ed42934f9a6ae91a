//! Time, memory, the resolved configuration, and how to repeat a run.

use super::files::Run;
use super::html::{Html, all, element, paragraph, tag, text};
use super::table::{Cell, Table};
use crate::cli::config::CONFIG;
use crate::output::numbers::{duration, significant, thousands};
use crate::shell::quoted;

/// The characters of a configuration that a page shows.
const MOST: usize = 60_000;

/// Facts of a run: data, time, memory.
pub fn facts(run: &Run) -> Html {
    let summary = &run.summary;
    let mut facts: Vec<(&str, String)> = vec![("Data", summary.dataset.clone())];
    if let Some(trained) = summary.trained_on.as_ref().filter(|name| **name != summary.dataset) {
        facts.push(("Trained on", trained.clone()));
    }
    let counts = [
        ("Unlabelled samples", summary.unlabelled),
        ("Labels to train on", summary.labels),
        ("Labels to validate", summary.validation),
        ("Label draws", summary.draws),
        ("Test samples", summary.test_samples),
        ("Rows", summary.rows),
        ("Trials", summary.trials),
        ("Best epoch", summary.best_epoch),
    ];
    facts.extend(counts.iter().filter_map(|(name, n)| Some((*name, thousands((*n)?)))));
    let numbers = [
        ("Validation loss", summary.validation_loss),
        ("Test accuracy, balanced", summary.test_balanced_accuracy),
        ("Mean confidence", summary.confidence),
        ("Calibration error", summary.expected_calibration_error),
        ("Calibration error without temperature", summary.uncalibrated_error),
    ];
    facts.extend(numbers.iter().filter_map(|(name, x)| Some((*name, significant((*x)?, 4)))));
    facts.push(("Time", duration(summary.wall_seconds)));
    if let Some(memory) = summary.peak_memory_mb {
        facts.push(("Memory at its peak", format!("{} MB", significant(memory, 4))));
    }
    facts.extend(summary.threads.map(|n| ("Threads", n.to_string())));
    facts.extend(summary.seed.map(|seed| ("Seed", seed.to_string())));
    let each = facts
        .into_iter()
        .map(|(name, value)| element("div", &[], all([tag("dt", name), tag("dd", value)])));
    element("dl", &[("class", "facts")], all(each))
}

/// How unusual the rows are, where that is what was measured.
pub fn scores(run: &Run) -> Option<Html> {
    let quantiles = &run.summary.quantiles;
    let mut table = Table::new("quantiles", "Scores of all rows", &["quantile", "score"]);
    for of in quantiles {
        let quantile = Cell::number(of.quantile, of.quantile.to_string());
        table.row([quantile, Cell::number(of.score, significant(of.score, 5))]);
    }
    (!quantiles.is_empty()).then(|| table.html())
}

/// How to repeat the run, and all of its settings.
pub fn repeat(run: &Run) -> Option<Html> {
    let config = run.config.as_ref()?;
    let file = run.path.join(CONFIG);
    let command = format!("narrows {} --config {}", run.summary.command, quoted(file.display()));
    let mut section = all([
        paragraph("key", "The same run again, from the same data:"),
        element("pre", &[], tag("code", command)),
    ]);
    let shown: String = config.chars().take(MOST).collect();
    let more = if shown.len() < config.len() { "\n... (more in the file)" } else { "" };
    let summary = tag("summary", format!("All settings ({CONFIG})"));
    let settings = element("pre", &[], element("code", &[], text(shown + more)));
    section.push(element("details", &[], all([summary, settings])));
    Some(section)
}
