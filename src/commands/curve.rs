//! `narrows curve`: test accuracy against the number of labels.

use super::inputs::{Loaded, against_rest, full_path, open, open_for};
use super::{begin, check_batch, refuse};
use crate::cli::config;
use crate::cli::options::approaches::distinct;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::curve::Curve as Options;
use crate::cli::options::pretraining::Pretraining as PretrainingOptions;
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::output::plot;
use crate::output::points::points;
use crate::output::progress::Progress;
use crate::output::shell::quoted;
use crate::output::summary::{Cost, CurveSummary, json};
use crate::output::tables::curve::{self as curve_table, Curved};
use crate::run::folder::{CONFIG, CURVE, METRICS, MODEL, RunFolder, SUMMARY};
use crate::run::metrics;
use crate::run::recorder::Recorder;
use crate::run::results::Results;
use narrows_datasets::TrainTest;
use narrows_engine::{Context, Params};
use narrows_models::checkpoint::{self, Description};
use narrows_models::curve::Finished;
use narrows_models::{Checked, Curve, Metric, Pretraining};
use std::time::Instant;

const NAME: &str = "curve";
/// The weights of a pretraining that may yet fail: what is continued must not take them for the
/// encoder.
const PRETRAINING: &str = "pretraining.safetensors";
/// The options that may change when a curve is continued: what is finished stays what it was.
const FREE: [&str; 4] = ["labels", "validation", "draws", "methods"];

pub fn run(mut options: Options, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let earlier = options.continued.as_deref().map(RunFolder::reopen);
    let encoder = saved_encoder(&options, earlier.as_ref(), explicit)?;
    let data = open_data(&mut options, encoder.as_ref())?;
    let curve = curve_of(&mut options, &data, encoder.as_ref())?;
    let curve = curve.check()?;
    check_batch(&curve.architecture, "--finetune-batch", options.finetuning.finetune_batch)?;
    let samples = data.train.len();
    let training = options.pretraining.resolve(samples, &curve.architecture, curve.seed);
    let pretraining = Pretraining {
        data: &data,
        architecture: &curve.architecture,
        training: &training,
        held_out: options.pretraining.held_out(samples),
        seed: curve.seed,
    };
    let pretraining = match encoder.is_none() && curve.needs_encoder(&[]) {
        true => {
            options.pretraining.check(&curve.architecture, &data.train)?;
            check_batch(&curve.architecture, "--batch", training.batch)?;
            Some(pretraining.check()?)
        }
        false => None,
    };
    let cx = options.running.machine.context()?;
    let folder = match earlier {
        Some(folder) => allow(&folder, &options).map(|()| folder)?,
        None => begin(NAME, &options, &options.running, &cx)?,
    };
    // Another process may be at it: nothing that is there is changed before that is known.
    let (results, done) = Results::open(&folder)?;
    curve.check_done(&done).map_err(|e| Error::at(folder.path(), e))?;
    if options.continued.is_some() {
        let note = "continued, and computed as the run began";
        folder.write(CONFIG, config::text(NAME, &options, note)?.as_bytes())?;
    }

    let progress = Progress::new(options.running.quiet);
    let pretrained = match (encoder, pretraining) {
        (Some(encoder), _) => Some(keep_encoder(encoder, &folder)?),
        (None, Some(pretraining)) if curve.needs_encoder(&done) => {
            Some(pretrain(pretraining, &cx, &progress, &folder)?)
        }
        (None, _) => None,
    };
    // What comes from here on is worth having, whatever happens.
    folder.keep();
    let append = |finished: &_| results.append(finished);
    let finished = curve.run(&cx, pretrained.as_ref(), &done, &progress, &append).map_err(|e| {
        let path = folder.path().display();
        let again = format!("narrows curve --continue {}", quoted(&path));
        Error::from(e).during(&format!("{path} keeps what is done, for {again}"))
    })?;
    report(&curve, &finished, options.finetuning.metric, cx.threads(), start, &folder)
}

/// The encoder that there is already: that in the folder of a curve that is continued, or that of
/// `--encoder`. Without one, some methods need one that is pretrained.
fn saved_encoder(
    options: &Options,
    earlier: Option<&RunFolder>,
    explicit: &[String],
) -> Result<Option<Loaded>, Error> {
    let kept = earlier.map(|folder| folder.file(MODEL)).filter(|model| model.is_file());
    let Some(path) = kept.as_ref().or(options.encoder.as_ref()) else { return Ok(None) };
    let encoder = Loaded::open(path)?;
    refuse(explicit, &ids::<ArchitectureOptions>(), "the architecture is that of the encoder")?;
    if options.encoder.is_some() && earlier.is_none() {
        let pretraining = ids::<PretrainingOptions>();
        refuse(explicit, &pretraining, "nothing is pretrained, the encoder is that of --encoder")?;
    }
    Ok(Some(encoder))
}

/// The data, as the encoder learnt to see them if there is one.
fn open_data(options: &mut Options, encoder: Option<&Loaded>) -> Result<TrainTest, Error> {
    let (threads, quiet) = (options.running.machine.threads, options.running.quiet);
    let Some(Loaded { path, description, .. }) = encoder else {
        return open(&mut options.data, threads, quiet);
    };
    let data = open_for(path, description, &mut options.data, threads, quiet)?.split()?;
    // A curve that is continued has the encoder in its folder, wherever that came from.
    if options.continued.is_none() {
        options.encoder = options.encoder.as_deref().map(full_path).transpose()?;
    }
    against_rest(data, &options.data)
}

/// The curve that the options ask for, from `encoder` if there is one.
fn curve_of<'a>(
    options: &mut Options,
    data: &'a TrainTest,
    encoder: Option<&Loaded>,
) -> Result<Curve<'a>, Error> {
    let train = &data.train;
    let architecture = match encoder {
        Some(Loaded { description, .. }) => {
            options.architecture = ArchitectureOptions::from(&description.architecture);
            description.architecture.clone()
        }
        None => options.pretraining.architecture(&mut options.architecture, train),
    };
    options.methods.0 = distinct(&options.methods.0);
    let methods =
        options.methods.0.iter().map(|&name| options.semi.approach(name, train, &architecture));
    let methods = methods.collect::<Result<Vec<_>, _>>()?;
    let curve = Curve {
        data,
        architecture,
        learning_rates: options.finetuning.finetune_lr.0.clone(),
        methods,
        points: options.points(train)?,
        draws: options.draws.draws,
        ensemble: options.ensemble.ensemble,
        seed: options.running.seed,
    };
    options.finetuning.check(train)?;
    Ok(curve)
}

/// The encoder's parameters; its file goes into `folder`, for a later run to go on with.
fn keep_encoder(encoder: Loaded, folder: &RunFolder) -> Result<Params, Error> {
    let Loaded { description, params, .. } = encoder;
    if !folder.file(MODEL).is_file() {
        checkpoint::save(&folder.file(MODEL), &params, &description)?;
    }
    Ok(params)
}

/// Writes the picture and the summary, and says what came out.
fn report(
    curve: &Curve<'_>,
    finished: &[Finished],
    metric: Metric,
    threads: usize,
    start: Instant,
    folder: &RunFolder,
) -> Result<String, Error> {
    let TrainTest { train, test } = curve.data;
    let points = points(curve, finished);
    folder.write(CURVE, plot::curve(train.name(), &points)?.as_bytes())?;
    let summary = CurveSummary {
        command: NAME,
        dataset: train.name(),
        seed: curve.seed,
        threads,
        draws: curve.draws,
        test_samples: test.len(),
        metric: Some(metric).filter(|metric| *metric != Metric::Accuracy),
        points: &points,
        cost: Cost::since(start),
    };
    folder.write(SUMMARY, json(&summary)?.as_bytes())?;
    let curved = Curved {
        dataset: train.name(),
        samples: train.len(),
        test_samples: test.len(),
        draws: curve.draws,
        metric,
        points: &points,
        seconds: summary.cost.wall_seconds,
    };
    let (path, picture) = (folder.path().display(), folder.file(CURVE));
    Ok(curve_table::table(&curved)
        + &format!("\ncurve: {}\nrun folder: {path}\n", picture.display()))
}

/// Refuses to go on in `folder` with other options than it was begun with.
fn allow(folder: &RunFolder, options: &Options) -> Result<(), Error> {
    match config::difference(&folder.file(CONFIG), options, &FREE)? {
        None => Ok(()),
        Some(key) => Err(Error::at(
            folder.path(),
            format_args!(
                "was measured with another --{key}: leave it out, or begin a new curve by --out"
            ),
        )),
    }
}

/// Pretrains an autoencoder and leaves it in `folder`.
fn pretrain(
    pretraining: Checked<'_, Pretraining<'_>>,
    cx: &Context,
    progress: &Progress,
    folder: &RunFolder,
) -> Result<Params, Error> {
    let TrainTest { train, .. } = pretraining.data;
    let description = Description::autoencoder(pretraining.architecture.clone(), train);
    let recorder = Recorder::new(progress, Pretraining::RUN, &description, folder)
        .saving_as(PRETRAINING, folder);
    let result = pretraining.run(cx, &recorder);
    let result = recorder.close(result, folder)?;
    let (from, to) = (folder.file(PRETRAINING), folder.file(MODEL));
    std::fs::rename(&from, &to)
        .map_err(|e| Error::at(&to, format_args!("cannot be made of {}: {e}", from.display())))?;
    folder.write(METRICS, metrics::csv([(Pretraining::RUN, &result.history[..])]).as_bytes())?;
    Ok(result.params)
}
