//! `narrows probe`: how much a few labels tell about the codes of a frozen encoder.

use super::inputs::{Loaded, open};
use crate::cli::options::probe::Probe as Options;
use crate::error::{Error, ensure};
use crate::output::numbers::{counted, duration, percent, thousands};
use crate::output::progress::Progress;
use crate::output::summary::Summary;
use crate::output::tables::estimate::cells;
use crate::run::folder::RunFolder;
use narrows_datasets::TrainTest;
use narrows_models::Metric;
use narrows_models::probe::{Probe as Kind, ProbeResult, Probing};
use std::time::Instant;

const NAME: &str = "probe";

pub fn run(options: &Options) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    ensure!(
        !options.transductive || options.probes.0.contains(&Kind::Propagation),
        "--transductive has no effect: only propagation has a graph, and it is not among \
             --probes"
    );
    let encoder = options.run.as_deref().map(Loaded::open).transpose()?;
    let data = open(encoder.as_ref(), &mut options.data, options.machine.threads, false)?;
    let (labels, validation) = options.labels.of(&data.train)?;
    let probing = Probing {
        data: &data,
        encoder: encoder
            .as_ref()
            .map(|encoder| (&encoder.description.architecture, &encoder.params)),
        probes: options.probes.0.clone(),
        transductive: options.transductive,
        metric: options.metric,
        labels,
        validation,
        draws: options.draws.draws,
        seed: options.seed,
    };
    probing.check()?;
    let cx = options.machine.context()?;
    let folder = options.out.as_deref().map(|out| RunFolder::create(Some(out), NAME));
    let folder = folder.transpose()?;
    let results = probing.run(&cx, &Progress::new(false))?;
    let seconds = start.elapsed().as_secs_f64();
    let mut text = report(&probing, &results, seconds)?;
    if let Some(folder) = &folder {
        let metric = probing.metric;
        let summary = Summary::new(NAME, data.train.name())
            .optional("trained_on", encoder.as_ref().map(|encoder| &encoder.description.dataset))
            .row("seed", probing.seed)
            .row("threads", cx.threads())
            .row("code", probing.code_len())
            .row("labels", probing.labels)
            .row("validation", probing.validation)
            .row("draws", probing.draws)
            .row("test_samples", data.test.labelled_rows()?.len())
            .optional("metric", (metric != Metric::Accuracy).then_some(metric))
            .row("transductive", probing.transductive)
            .row("probes", &results);
        folder.finish(summary, start)?;
        text += &format!("\nrun folder: {}\n", folder.path().display());
    }
    Ok(text)
}

fn report(probing: &Probing<'_>, results: &[ProbeResult], seconds: f64) -> Result<String, Error> {
    let TrainTest { train, test } = probing.data;
    let of = if probing.encoder.is_some() { "latent codes" } else { "samples as they are" };
    let accuracy = match probing.metric {
        Metric::Accuracy => "test accuracy, %",
        Metric::Balanced => "balanced test, %",
    };
    let mut text = format!(
        "{}: {of}, {} each; {} test samples\n{} of {} to train on and {} to validate; {} in \
         all\n\n\
         {:<12} {accuracy:>16} {:>16} {:>14}  {:<24} {:>9}\n",
        train.name(),
        counted(probing.code_len(), "value"),
        thousands(test.labelled_rows()?.len()),
        counted(probing.draws, "draw"),
        counted(probing.labels, "label"),
        thousands(probing.validation),
        duration(seconds),
        "probe",
        "95 % interval",
        "validation, %",
        "chosen most often",
        "time",
    );
    for result in results {
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
    if probing.transductive {
        text += "\nThe propagation's graph has the test samples too, without their labels.\n";
    }
    Ok(text)
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
