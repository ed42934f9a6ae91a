//! What the commands that train one classifier share: where they start, their labels, and what they
//! leave.

use super::inputs::{Loaded, against_rest, full_path, no_labels, open, open_for};
use super::refuse;
use crate::cli::options::ClassifierLabels;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::data::DataOptions;
use crate::cli::options::running::RunningOptions;
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::output::numbers::{counted, percent};
use crate::output::shell::quoted;
use crate::output::summary::{Cost, FinetuneSummary, Rate, json};
use crate::run::folder::{METRICS, MODEL, RunFolder, SUMMARY};
use crate::run::metrics;
use narrows_datasets::{Dataset, LabelDraw, Rows, TrainTest, draw_labels};
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::calibration::fit_temperature;
use narrows_models::checkpoint::{self, Description};
use narrows_models::event::EpochRecord;
use narrows_models::methods::draw_seed;
use narrows_models::{Architecture, Evaluation, Goal, Metric, SampleShape};
use std::path::PathBuf;
use std::time::Instant;

/// The name of the run in events.
pub const RUN: &str = "classifier";

/// What a classifier is made for and of.
pub struct Start {
    pub data: TrainTest,
    pub architecture: Architecture,
    /// The autoencoder whose encoder it starts from.
    pub pretrained: Option<Params>,
    /// The options that name the data, as they were given.
    pub data_words: String,
}

impl Start {
    /// Opens the encoder, if there is one, and the data as it sees them. Where the options left it
    /// open, they then say what was opened; `fresh` chooses what is `auto` of an architecture
    /// without an encoder.
    pub fn open(
        encoder: &mut Option<PathBuf>,
        data: &mut DataOptions,
        architecture: &mut ArchitectureOptions,
        explicit: &[String],
        running: &RunningOptions,
        fresh: impl FnOnce(&mut ArchitectureOptions, SampleShape),
    ) -> Result<Start, Error> {
        let (threads, quiet) = (running.machine.threads, running.quiet);
        let data_words = data.words()?;
        let Some(run) = encoder else {
            let data = open(data, threads, quiet)?;
            let input = SampleShape::of(&data.train);
            fresh(architecture, input);
            let architecture = architecture.resolve(input, data.train.in_unit_range());
            return Ok(Start { data, architecture, pretrained: None, data_words });
        };
        refuse(explicit, &ids::<ArchitectureOptions>(), "the architecture is that of --encoder")?;
        let Loaded { path, description, params, .. } = Loaded::open(run)?;
        let opened = open_for(&path, &description, data, threads, quiet)?.split()?;
        let data = against_rest(opened, data)?;
        *run = full_path(run)?;
        *architecture = ArchitectureOptions::from(&description.architecture);
        let (architecture, pretrained) = (description.architecture, Some(params));
        Ok(Start { data, architecture, pretrained, data_words })
    }
}

/// The labels of one draw.
pub struct Labels<'a> {
    pub draw: LabelDraw,
    /// How many there are to train on.
    pub n: usize,
    /// The seed of all else, which is that of this draw in a comparison: so that it can be repeated
    /// alone.
    pub seed: u64,
    of_all: &'a [u16],
}

impl<'a> Labels<'a> {
    pub fn draw(
        train: &'a Dataset,
        options: &ClassifierLabels,
        seed: u64,
    ) -> Result<Labels<'a>, Error> {
        let of_all = train.labels()?.ok_or_else(|| no_labels(train))?;
        let (n, validation) = (options.labels.to_train(train)?, options.labels.validation);
        let number = options.draw as u64;
        let draw = draw_labels(of_all, train.classes(), n, validation, seed, number)
            .map_err(|e| Error::from(e).during(train.name()))?;
        Ok(Labels { draw, n, seed: draw_seed(seed, number), of_all })
    }
}

/// A classifier that was trained and saved.
pub struct Trained<'a> {
    pub command: &'static str,
    pub method: &'a str,
    pub train: &'a Dataset,
    /// As [`Start`] has them.
    pub data_words: &'a str,
    pub labels: &'a Labels<'a>,
    pub network: &'a Network,
    pub params: &'a Params,
    pub loss: &'a Loss,
    pub metric: Metric,
    pub history: &'a [EpochRecord],
    pub best_epoch: usize,
    pub description: Description,
}

impl Trained<'_> {
    /// Measures it on its validation labels, fits its temperature if that is asked for, writes down
    /// both, and says what came out.
    pub fn finish(
        self,
        options: &ClassifierLabels,
        running: &RunningOptions,
        cx: &Context,
        folder: &RunFolder,
        start: Instant,
    ) -> Result<String, Error> {
        let Trained { train, labels, network, params, .. } = self;
        let held = &labels.draw.validation;
        folder.write(METRICS, metrics::csv([(RUN, self.history)]).as_bytes())?;
        let evaluation = Evaluation::of(
            cx,
            network,
            params,
            self.loss,
            train,
            Rows::Listed(held),
            Goal::Classify,
        )?;
        let temperature = match options.calibrate {
            true => Some(calibrate(cx, network, params, train, held, self.description, folder)?),
            false => None,
        };
        let pairs = held.iter().zip(&evaluation.predictions);
        let correct = pairs.filter(|(row, class)| labels.of_all[**row as usize] == **class).count();
        let summary = FinetuneSummary {
            command: self.command,
            dataset: train.name(),
            seed: running.seed,
            threads: cx.threads(),
            method: self.method,
            labels: labels.n,
            validation: held.len(),
            draw: options.draw,
            best_epoch: self.best_epoch,
            validation_loss: evaluation.loss,
            validation_accuracy: Rate::of(correct, held.len()),
            validation_balanced_accuracy: match self.metric {
                Metric::Accuracy => None,
                Metric::Balanced => evaluation.balanced_accuracy,
            },
            temperature,
            cost: Cost::since(start),
        };
        folder.write(SUMMARY, json(&summary)?.as_bytes())?;
        folder.keep();
        Ok(report(&summary, folder, self.data_words))
    }
}

/// Fits the temperature of a classifier on the labels it was validated on, and saves it with the
/// model.
fn calibrate(
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

/// What to print of a trained classifier; it is to be tested on data that `data_words` name.
fn report(summary: &FinetuneSummary<'_>, folder: &RunFolder, data_words: &str) -> String {
    let FinetuneSummary { dataset, method, labels, draw, best_epoch, .. } = summary;
    let Rate { mean, ci95: [low, high], of, .. } = summary.validation_accuracy;
    let (mean, low, high) = (percent(mean), percent(low), percent(high));
    let (labels, path) = (counted(*labels, "label"), folder.path().display());
    let balanced = summary.validation_balanced_accuracy;
    let balanced =
        balanced.map_or(String::new(), |x| format!("balanced accuracy {} %\n", percent(x)));
    let temperature = summary.temperature;
    let temperature = temperature
        .map_or(String::new(), |t| format!("temperature {t:.3}, fitted on these samples\n"));
    let run = quoted(&path);
    format!(
        "{dataset}: {method} on {labels}, draw {draw}\n\
         validation accuracy {mean} % of {of} samples (95 % interval {low} to {high}), epoch \
         {best_epoch}\n{balanced}{temperature}That epoch was chosen by these samples, so expect \
         less elsewhere. No test label was looked at.\n\n\
         run folder: {path}\n\
         next: narrows evaluate {run}{data_words}\n"
    )
}
