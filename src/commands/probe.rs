//! `narrows probe`: how much a few labels tell about the codes of a frozen encoder.

use super::inputs::{Loaded, against_rest, open, open_for};
use crate::cli::options::probe::Probe as Options;
use crate::error::Error;
use crate::output::numbers::{counted, duration, percent, thousands};
use crate::output::progress::Progress;
use crate::output::summary::{Cost, ProbeSummary, json};
use crate::output::tables::estimate::cells;
use crate::run::folder::{RunFolder, SUMMARY};
use narrows_models::Metric;
use narrows_models::probe::{Probe as Kind, ProbeResult, Probing};
use std::time::Instant;

const NAME: &str = "probe";

pub fn run(options: &Options) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    if options.transductive && !options.probes.0.contains(&Kind::Propagation) {
        return Err(Error::new(
            "--transductive has no effect: only propagation has a graph, and it is not among \
             --probes",
        ));
    }
    let threads = options.machine.threads;
    let encoder = options.run.as_deref().map(Loaded::open).transpose()?;
    let data = match &encoder {
        Some(Loaded { path, description, .. }) => {
            let data = open_for(path, description, &mut options.data, threads, false)?.split()?;
            against_rest(data, &options.data)?
        }
        None => open(&mut options.data, threads, false)?,
    };
    let probing = Probing {
        data: &data,
        encoder: encoder
            .as_ref()
            .map(|encoder| (&encoder.description.architecture, &encoder.params)),
        probes: options.probes.0.clone(),
        transductive: options.transductive,
        metric: options.metric,
        labels: options.labels.to_train(&data.train)?,
        validation: options.labels.validation,
        draws: options.draws.draws,
        seed: options.seed,
    };
    probing.check()?;
    let cx = options.machine.context()?;
    let folder = match &options.out {
        None => None,
        Some(out) => Some(RunFolder::create(Some(out), NAME)?),
    };
    let results = probing.run(&cx, &Progress::new(false))?;
    let summary = ProbeSummary {
        command: NAME,
        dataset: data.train.name(),
        trained_on: encoder.as_ref().map(|encoder| &encoder.description.dataset[..]),
        seed: probing.seed,
        threads: cx.threads(),
        code: probing
            .encoder
            .map_or(data.train.sample_len(), |(architecture, _)| architecture.latent),
        labels: probing.labels,
        validation: probing.validation,
        draws: probing.draws,
        test_samples: data.test.labelled_rows()?.len(),
        metric: Some(probing.metric).filter(|metric| *metric != Metric::Accuracy),
        transductive: probing.transductive,
        probes: &results,
        cost: Cost::since(start),
    };
    let mut text = report(&summary);
    if let Some(folder) = &folder {
        folder.write(SUMMARY, json(&summary)?.as_bytes())?;
        folder.keep();
        text += &format!("\nrun folder: {}\n", folder.path().display());
    }
    Ok(text)
}

fn report(summary: &ProbeSummary<'_>) -> String {
    let ProbeSummary { dataset, code, labels, validation, draws, test_samples, probes, .. } =
        summary;
    let of = if summary.trained_on.is_some() { "latent codes" } else { "samples as they are" };
    let accuracy = if summary.metric.is_some() { "balanced test, %" } else { "test accuracy, %" };
    let mut text = format!(
        "{dataset}: {of}, {} each; {} test samples\n{} of {} to train on and {} to validate; {} in \
         all\n\n\
         {:<12} {accuracy:>16} {:>16} {:>14}  {:<24} {:>9}\n",
        counted(*code, "value"),
        thousands(*test_samples),
        counted(*draws, "draw"),
        counted(*labels, "label"),
        thousands(*validation),
        duration(summary.cost.wall_seconds),
        "probe",
        "95 % interval",
        "validation, %",
        "chosen most often",
        "time",
    );
    for result in *probes {
        let ProbeResult { name, test_accuracy, validation_accuracy, seconds, .. } = result;
        let [accuracy, interval] = cells(&test_accuracy.estimate);
        text += &format!(
            "{:<12} {accuracy:>16} {interval:>16} {:>14}  {:<24} {:>9}\n",
            name.name(),
            percent(validation_accuracy.estimate.mean),
            most_often(&result.chosen),
            duration(*seconds)
        );
    }
    if summary.transductive {
        text += "\nThe propagation's graph has the test samples too, without their labels.\n";
    }
    text
}

/// The choice made on the most draws, the first of several, and on how many.
fn most_often(chosen: &[String]) -> String {
    let count = |of: &String| chosen.iter().filter(|other| *other == of).count();
    let mut best: Option<(&String, usize)> = None;
    for choice in chosen {
        if best.is_none_or(|(_, most)| count(choice) > most) {
            best = Some((choice, count(choice)));
        }
    }
    best.map_or(String::new(), |(choice, times)| format!("{choice} x{times}"))
}
