//! `narrows finetune`: a classifier from a few labels.

use super::{against_rest, begin, check_batch, full_path, no_labels, open, open_for, refuse};
use crate::error::Error;
use crate::journal::Journal;
use crate::metrics;
use crate::numbers::{counted, percent};
use crate::options::Finetune;
use crate::options::architecture::ArchitectureOptions;
use crate::progress::Progress;
use crate::run_folder::{self, METRICS, MODEL, RunFolder, SUMMARY};
use crate::summary::{Cost, FinetuneSummary, Rate, json};
use narrows_datasets::{Dataset, LabelDraw, Rows, draw_labels};
use narrows_engine::{Context, Network, Params};
use narrows_models::calibration::fit_temperature;
use narrows_models::checkpoint::{self, Description};
use narrows_models::compare::draw_seed;
use narrows_models::{Evaluation, Goal, Method, Metric, Run, SampleShape, Task};
use std::path::{Path, PathBuf};
use std::time::Instant;

const NAME: &str = "finetune";
/// The name of the run in events.
const RUN: &str = "classifier";

pub fn run(mut options: Finetune, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let (threads, quiet) = (options.running.machine.threads, options.running.quiet);
    let (data, architecture, pretrained) = match encoder(&options, explicit)? {
        // An encoder is given what it learnt to see.
        Some(Encoder { path, description, params }) => {
            let data = open_for(&path, &description, &mut options.data, threads, quiet)?.split()?;
            let data = against_rest(data, &options.data)?;
            options.encoder = options.encoder.as_deref().map(full_path).transpose()?;
            options.architecture = ArchitectureOptions::from(&description.architecture);
            (data, description.architecture, Some(params))
        }
        None => {
            let data = open(&mut options.data, threads, quiet)?;
            let (input, unit_range) = (SampleShape::of(&data.train), data.train.in_unit_range());
            let architecture = options.architecture.resolve(input, unit_range);
            (data, architecture, None)
        }
    };
    let train = &data.train;
    let labels = train.labels()?.ok_or_else(|| no_labels(train))?;
    let (n, validation) = (options.labels.to_train(train)?, options.labels.validation);
    let (seed, draw) = (options.running.seed, options.draw as u64);
    let labelled = draw_labels(labels, train.classes(), n, validation, seed, draw)
        .map_err(|e| Error::from(e).during(train.name()))?;
    // As compare does, so that a draw can be repeated alone.
    let seed = draw_seed(seed, draw);
    let training = options.finetuning.training(n, seed);
    options.finetuning.augmentation.check(train)?;
    check_batch(&architecture, "--batch", training.batch)?;
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, seed);
    let method = match &pretrained {
        Some(pretrained) => {
            options.finetuning.method.prepare(&mut params, pretrained)?;
            options.finetuning.method
        }
        None => Method::Scratch,
    };
    let LabelDraw { train: rows, validation: held } = &labelled;
    let task =
        Task { data: train, train: Rows::Listed(rows), validation: Rows::Listed(held), goal: Goal::Classify };
    let mut run = Run::new(RUN, &network, params, task, &training)?;
    if let Some(pretrained) = &pretrained {
        method.anchor(&mut run, pretrained)?;
    }
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let description = Description::classifier(architecture.clone(), train);
    let journal = Journal::new(&progress, RUN, &description, &folder);
    let result = method.train(&mut run, &cx, &journal);
    journal.close(result, &folder)?;

    folder.write(METRICS, metrics::csv([(RUN, &run.history[..])]).as_bytes())?;
    let params = &run.trainer.params;
    let evaluation =
        Evaluation::of(&cx, &network, params, &training.loss, train, Rows::Listed(held), Goal::Classify)?;
    let temperature = match options.calibrate {
        true => Some(calibrate(&cx, &network, params, train, held, description, &folder)?),
        false => None,
    };
    let pairs = held.iter().zip(&evaluation.predictions);
    let correct = pairs.filter(|(row, class)| labels[**row as usize] == **class).count();
    let summary = FinetuneSummary {
        command: NAME,
        dataset: train.name(),
        seed: options.running.seed,
        threads: cx.threads(),
        method: method.name(),
        labels: n,
        validation,
        draw: options.draw,
        best_epoch: run.best_epoch(),
        validation_loss: evaluation.loss,
        validation_accuracy: Rate::of(correct, held.len()),
        validation_balanced_accuracy: match training.metric {
            Metric::Accuracy => None,
            Metric::Balanced => evaluation.balanced_accuracy,
        },
        temperature,
        cost: Cost::since(start),
    };
    folder.write(SUMMARY, json(&summary)?.as_bytes())?;
    folder.keep();
    Ok(report(&summary, &folder))
}

/// Fits the temperature of a classifier on the labels it was validated on, and saves it with the model.
pub fn calibrate(
    cx: &Context,
    network: &Network,
    params: &Params,
    train: &Dataset,
    held: &[u32],
    description: Description,
    folder: &RunFolder,
) -> Result<f32, Error> {
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    let mut take = |batch: &[f32], of: &[u32]| {
        logits.extend_from_slice(batch);
        labels.extend_from_slice(of);
    };
    Evaluation::of_classifier(cx, network, params, train, Rows::Listed(held), &mut take)?;
    let temperature = fit_temperature(&logits, &labels);
    let description = Description { temperature: Some(temperature), ..description };
    checkpoint::save(&folder.file(MODEL), params, &description)?;
    Ok(temperature)
}

/// A pretrained autoencoder, of which the encoder is used.
pub struct Encoder {
    pub path: PathBuf,
    pub description: Description,
    pub params: Params,
}

impl Encoder {
    /// That of the run folder or file `run`.
    pub fn open(run: &Path) -> Result<Encoder, Error> {
        let path = run_folder::model(run)?;
        let (description, _, params) = checkpoint::load(&path)?;
        Ok(Encoder { path, description, params })
    }
}

/// The encoder to start from, if any.
fn encoder(options: &Finetune, explicit: &[String]) -> Result<Option<Encoder>, Error> {
    let Some(run) = &options.encoder else {
        if !options.scratch {
            return Err(Error::new(
                "finetune needs an encoder: give --encoder RUN, or --scratch to start without one",
            ));
        }
        refuse(
            explicit,
            &["method", "lr_decay", "l2_sp"],
            "there is no pretrained encoder to treat one way or another",
        )?;
        return Ok(None);
    };
    refuse(explicit, &ArchitectureOptions::IDS, "the architecture is that of --encoder")?;
    Encoder::open(run).map(Some)
}

/// What to print of a trained classifier.
pub fn report(summary: &FinetuneSummary<'_>, folder: &RunFolder) -> String {
    let FinetuneSummary { dataset, method, labels, draw, best_epoch, .. } = summary;
    let Rate { mean, ci95: [low, high], of, .. } = summary.validation_accuracy;
    let (mean, low, high) = (percent(mean), percent(low), percent(high));
    let (labels, path) = (counted(*labels, "label"), folder.path().display());
    let balanced = summary.validation_balanced_accuracy;
    let balanced = balanced.map_or(String::new(), |x| format!("balanced accuracy {} %\n", percent(x)));
    let temperature = summary.temperature;
    let temperature =
        temperature.map_or(String::new(), |t| format!("temperature {t:.3}, fitted on these samples\n"));
    format!(
        "{dataset}: {method} on {labels}, draw {draw}\n\
         validation accuracy {mean} % of {of} samples (95 % interval {low} to {high}), epoch {best_epoch}\n{balanced}{temperature}\
         That epoch was chosen by these samples, so expect less elsewhere. No test label was looked at.\n\n\
         run folder: {path}\n\
         next: narrows evaluate {path}\n"
    )
}
