//! The part that all methods share: where it starts, its labels, its
//! training, and what they leave.

use super::super::inputs::{Loaded, full_path, no_labels, open};
use super::super::refuse;
use super::NAME;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::labels::ClassifierLabels;
use crate::cli::options::running::RunningOptions;
use crate::cli::options::train::Train;
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::output::numbers::{counted, percent, thousands};
use crate::output::summary::{Rate, Summary};
use crate::run::folder::{METRICS, MODEL, RunFolder};
use crate::run::metrics;
use crate::run::recorder::Recorder;
use crate::run::session::Session;
use crate::shell::quoted;
use narrows_datasets::{Dataset, LabelDraw, Rows, TrainTest};
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::calibration::fit_temperature;
use narrows_models::methods::draw_seed;
use narrows_models::model_file::{self, Description};
use narrows_models::{Architecture, Evaluation, Goal, Metric, Observer, RunResult, SampleShape};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// The name of the run in events.
pub const RUN: &str = "classifier";

/// The data, and the model whose encoder the classifier starts from, if there is one.
pub struct Source {
    data: TrainTest,
    encoder: Option<Loaded>,
    data_words: String,
}

impl Source {
    /// Opens the encoder, and the data as it sees them.
    pub fn open(options: &mut Train, explicit: &[String]) -> Result<Source, Error> {
        let Train { encoder, foreign, data, running, .. } = options;
        let data_words = data.words()?;
        if encoder.is_some() {
            let reason = "the architecture is that of --encoder";
            refuse(explicit, &ids::<ArchitectureOptions>(), reason)?;
        }
        let size = data.reading.image_size();
        let open_encoder = |run: &Path| Loaded::open_encoder(run, foreign, size);
        let loaded = encoder.as_deref().map(open_encoder).transpose()?;
        let data = open(loaded.as_ref(), data, running.machine.threads, running.machine.quiet)?;
        *encoder = encoder.as_deref().map(full_path).transpose()?;
        Ok(Source { data, encoder: loaded, data_words })
    }

    /// True if the samples are images.
    pub fn is_of_images(&self) -> bool {
        self.data.train.image_shape().is_some()
    }
}

/// Data and architecture of a classifier.
pub struct Start {
    pub data: TrainTest,
    pub architecture: Architecture,
    /// The autoencoder whose encoder it starts from.
    pub pretrained: Option<Params>,
    /// The options that name the data, as they were given.
    data_words: String,
}

impl Start {
    /// Of `source`. The options of the architecture become those of the encoder; without one,
    /// `fresh` fills in what is `auto` of them.
    pub fn of(
        source: Source,
        options: &mut ArchitectureOptions,
        fresh: impl FnOnce(&mut ArchitectureOptions, SampleShape),
    ) -> Start {
        let Source { data, encoder, data_words } = source;
        let (architecture, pretrained) = match encoder {
            Some(Loaded { description, params, .. }) => {
                *options = ArchitectureOptions::from(&description.architecture);
                (description.architecture, Some(params))
            }
            None => {
                let input = SampleShape::of(&data.train);
                fresh(options, input);
                (options.resolve(input, data.train.in_unit_range()), None)
            }
        };
        Start { data, architecture, pretrained, data_words }
    }
}

/// The labels of one draw.
pub struct DrawnLabels<'a> {
    pub draw: LabelDraw,
    /// The number to train on.
    pub n: usize,
    /// The seed of all else. A comparison has the same for this draw, so that its run can be
    /// repeated alone.
    pub seed: u64,
    all: &'a [u16],
}

impl<'a> DrawnLabels<'a> {
    pub fn draw(
        train: &'a Dataset,
        options: &mut ClassifierLabels,
        seed: u64,
    ) -> Result<DrawnLabels<'a>, Error> {
        let all = train.labels()?.ok_or_else(|| no_labels(train))?;
        let (n, validation) = options.settle(train)?;
        let number = options.draw as u64;
        let draw = train
            .draw_labels(n, validation, seed, number)
            .map_err(|e| Error::from(e).during(train.name()))?;
        Ok(DrawnLabels { draw, n, seed: draw_seed(seed, number), all })
    }
}

/// A classifier that a command trains.
pub struct Classifier<'a> {
    pub method: &'a str,
    pub start: &'a Start,
    pub labels: &'a DrawnLabels<'a>,
    pub network: &'a Network,
    pub loss: &'a Loss,
    pub metric: Metric,
    /// How the epoch was chosen, in a sentence.
    pub chosen: &'static str,
}

impl Classifier<'_> {
    /// Trains it by `train`, measures it on its validation labels, fits its temperature if that is
    /// asked for, writes all of it into a run folder, and returns the report.
    pub fn train(
        self,
        options: &impl Serialize,
        (labelling, running): (&ClassifierLabels, &RunningOptions),
        began: Instant,
        train: impl FnOnce(&Context, &dyn Observer) -> Result<RunResult, narrows_models::Error>,
    ) -> Result<String, Error> {
        let Classifier { method, start, labels, network, .. } = self;
        let data = &start.data.train;
        let cx = &running.machine.context()?;
        let session = Session::begin(NAME, options, running, cx, |_| false)?;
        session.unfinished()?.run(|session| {
            let folder = &session.folder;
            let description = Description::classifier(start.architecture.clone(), data);
            let recorder = Recorder::new(session, RUN, &description, folder.file(MODEL));
            let result = train(cx, &recorder);
            let RunResult { params, history, best_epoch } = recorder.close(result, folder)?;
            folder.write(METRICS, metrics::csv([(RUN, &history[..])]).as_bytes())?;

            let held = &labels.draw.validation;
            let rows = Rows::Listed(held);
            let Evaluation { loss, balanced_accuracy, predictions, .. } =
                Evaluation::of(cx, network, &params, self.loss, data, rows, Goal::Classify)?
                    .finite(data)?;
            let calibrate = || calibrate(cx, network, &params, data, held, description, folder);
            let temperature = labelling.calibrate.then(calibrate).transpose()?;
            let pairs = held.iter().zip(&predictions);
            let correct =
                pairs.filter(|(row, class)| labels.all[**row as usize] == **class).count();
            let accuracy = Rate::of(correct, held.len());
            let balanced = balanced_accuracy.filter(|_| self.metric == Metric::Balanced);
            let summary = Summary::new(NAME, data.name())
                .row("seed", running.seed)
                .row("threads", cx.threads())
                .row("method", method)
                .row("labels", labels.n)
                .row("validation", held.len())
                .row("draw", labelling.draw)
                .row("best_epoch", best_epoch)
                .row("validation_loss", loss)
                .row("validation_accuracy", &accuracy)
                .optional("validation_balanced_accuracy", balanced)
                .optional("temperature", temperature);
            folder.finish(summary, began)?;

            let [mean, low, high] =
                [accuracy.mean, accuracy.ci95[0], accuracy.ci95[1]].map(percent);
            let balanced =
                balanced.map_or(String::new(), |x| format!("balanced accuracy {} %\n", percent(x)));
            let temperature = temperature.map_or(String::new(), |t| {
                format!("probabilities calibrated on these samples by the temperature {t:.3}\n")
            });
            let for_test = start.data.test.labelled_rows()?.len();
            let path = folder.path().display();
            let run = quoted(&path);
            Ok(format!(
                "{}: {method} on {}, draw {}; {} to validate, {} for the test\n\
             validation accuracy {mean} % of {} samples (95 % interval {low} to {high}), epoch \
             {best_epoch}\n{balanced}{temperature}{} No test label was looked at.\n\n\
             run folder: {path}\n\
             next: narrows evaluate {run}{}\n\
             {:6}narrows predict {run} NEW-DATA > predictions.csv\n",
                data.name(),
                counted(labels.n, "label"),
                labelling.draw,
                thousands(held.len()),
                thousands(for_test),
                held.len(),
                self.chosen,
                start.data_words,
                ""
            ))
        })
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
    Evaluation::of_classifier(cx, network, params, train, Rows::Listed(held), &mut take)?
        .finite(train)?;
    let temperature = fit_temperature(&logits, &labels);
    let description = Description { temperature: Some(temperature), ..description };
    model_file::save(&folder.file(MODEL), params, &description)?;
    Ok(temperature)
}
