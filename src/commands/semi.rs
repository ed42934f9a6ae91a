//! `narrows semi`: a classifier from a few labels and all other samples at once.

use super::finetune::{Encoder, calibrate, report};
use super::{against_rest, begin, full_path, no_labels, open, open_for, refuse};
use crate::error::Error;
use crate::journal::Journal;
use crate::metrics;
use crate::options::Semi;
use crate::options::architecture::ArchitectureOptions;
use crate::progress::Progress;
use crate::run_folder::{METRICS, SUMMARY};
use crate::summary::{Cost, FinetuneSummary, Rate, json};
use narrows_datasets::{LabelDraw, Rows, draw_labels};
use narrows_engine::{Loss, Params};
use narrows_models::architecture::ENCODER;
use narrows_models::checkpoint::Description;
use narrows_models::compare::draw_seed;
use narrows_models::semi::{SemiRun, SemiTask};
use narrows_models::{Evaluation, Goal, Metric, SampleShape};
use std::time::Instant;

const NAME: &str = "semi";
/// The name of the run in events.
const RUN: &str = "classifier";

pub fn run(mut options: Semi, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let (threads, quiet) = (options.running.machine.threads, options.running.quiet);
    let method = options.semi.method;
    let others = ["threshold", "strong_augment", "epsilon", "entropy", "noise", "costs", "ema"];
    let foreign: Vec<&str> = others.into_iter().filter(|id| !method.takes(id)).collect();
    refuse(explicit, &foreign, &format!("the method {} has no use for it", method.name()))?;
    let (data, architecture, pretrained) = match options.encoder.clone() {
        // An encoder is given what it learnt to see.
        Some(run) => {
            refuse(explicit, &ArchitectureOptions::IDS, "the architecture is that of --encoder")?;
            let Encoder { path, description, params } = Encoder::open(&run)?;
            let data = open_for(&path, &description, &mut options.data, threads, quiet)?.split()?;
            let data = against_rest(data, &options.data)?;
            options.encoder = Some(full_path(&run)?);
            options.architecture = ArchitectureOptions::from(&description.architecture);
            (data, description.architecture, Some(params))
        }
        None => {
            let data = open(&mut options.data, threads, quiet)?;
            let (input, unit_range) = (SampleShape::of(&data.train), data.train.in_unit_range());
            options.architecture.be_for(method, input);
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
    let seed = draw_seed(seed, draw);
    let training = options.semi.resolve(train, seed);
    options.semi.check(train)?;
    training.check_for(&architecture)?;
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, seed);
    if let Some(pretrained) = &pretrained {
        params.copy_from(pretrained, ENCODER)?;
    }
    let LabelDraw { train: rows, validation: held } = &labelled;
    let task = SemiTask {
        data: train,
        labelled: Rows::Listed(rows),
        unlabelled: Rows::all(train.len()),
        validation: Rows::Listed(held),
    };
    let mut run = SemiRun::new(RUN, &network, params, task, &training)?;
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let description = Description::classifier(architecture.clone(), train);
    let journal = Journal::new(&progress, RUN, &description, &folder);
    let result = run.train(&cx, &journal);
    journal.close(result, &folder)?;

    folder.write(METRICS, metrics::csv([(RUN, &run.history[..])]).as_bytes())?;
    let (loss, held_rows) = (Loss::cross_entropy(), Rows::Listed(held));
    let evaluation = Evaluation::of(&cx, &network, &run.params, &loss, train, held_rows, Goal::Classify)?;
    let temperature = match options.calibrate {
        true => Some(calibrate(&cx, &network, &run.params, train, held, description, &folder)?),
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
