//! Probes: how much a few labels tell about the codes of a frozen encoder.

use super::super::inputs::{Loaded, open};
use super::NAME;
use crate::cli::options::evaluate::{Evaluate, ProbeOptions};
use crate::cli::options::values::List;
use crate::error::{Error, bail, ensure};
use crate::output::numbers::{counted, duration, percent, thousands};
use crate::output::progress::Progress;
use crate::output::summary::Summary;
use crate::output::tables::estimate::cells;
use crate::run::folder::RunFolder;
use narrows_datasets::TrainTest;
use narrows_models::Metric;
use narrows_models::probe::{Probe, ProbeResult, Probing};
use std::time::Instant;

/// Probes the codes, and the samples themselves where that is asked for.
pub fn run(options: &Evaluate) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    let ProbeOptions { probe, probe_samples, probe_test_graph, labels, metric, seed } =
        &mut options.probing;
    let List(probes) = probe.take().unwrap_or(List(Vec::new()));
    let (transductive, metric) = (*probe_test_graph, metric.metric);
    ensure!(
        !transductive || probes.contains(&Probe::Propagation),
        "--probe-test-graph has no effect: only propagation has a graph, and it is not among the \
         probes"
    );
    let model =
        Loaded::open_encoder(&options.run, &options.foreign, options.data.reading.image_size())?;
    let (threads, quiet) = (options.machine.threads, options.machine.quiet);
    let data = open(Some(&model), &mut options.data, threads, quiet)?;
    let &[(train_labels, validation)] = &labels.settle(&data.train)?[..] else {
        bail!("probes take one number of labels: give one by --labels");
    };
    let Loaded { description, params, .. } = &model;
    let encoder = Some((&description.architecture, params));
    let probing = |encoder| Probing {
        data: &data,
        encoder,
        probes: probes.clone(),
        transductive,
        metric,
        labels: train_labels,
        validation,
        draws: labels.draws,
        seed: *seed,
    };
    let mut probings = vec![probing(encoder)];
    if *probe_samples {
        probings.push(probing(None));
    }
    probings.iter().try_for_each(|probing| probing.check().map(drop))?;
    let cx = options.machine.context()?;
    let folder = options.out.as_deref().map(|out| RunFolder::create(Some(out), NAME));
    let folder = folder.transpose()?;
    let mut results = Vec::new();
    let (mut text, mut last) = (String::new(), start);
    for probing in &probings {
        let result = probing.run(&cx, &Progress::new(quiet))?;
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{}", report(probing, &result, last.elapsed().as_secs_f64())?);
        last = Instant::now();
        results.push(result);
    }
    if let Some(folder) = &folder {
        let probing = &probings[0];
        let summary = Summary::new(NAME, data.train.name())
            .row("trained_on", &description.dataset)
            .row("seed", probing.seed)
            .row("threads", cx.threads())
            .row("code", probing.code_len())
            .row("labels", probing.labels)
            .row("validation", probing.validation)
            .row("draws", probing.draws)
            .row("test_samples", data.test.labelled_rows()?.len())
            .optional("metric", (metric != Metric::Accuracy).then_some(metric))
            .row("transductive", transductive)
            .row("probes", &results[0])
            .optional("probes_of_samples", results.get(1));
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
