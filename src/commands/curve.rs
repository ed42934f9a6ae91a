//! `narrows curve`: test accuracy against the number of labels.

use super::inputs::{Loaded, full_path, open};
use super::pretrain::pretrain;
use super::{begin, refuse};
use crate::cli::config;
use crate::cli::options::architecture::{ArchitectureOptions, check_batch};
use crate::cli::options::compared::ComparedOptions;
use crate::cli::options::curve::Curve as Options;
use crate::cli::options::methods::distinct;
use crate::cli::options::pretraining::PretrainingOptions;
use crate::cli::options::values::ids;
use crate::error::{Error, bail};
use crate::output::plot;
use crate::output::points::points;
use crate::output::progress::Progress;
use crate::output::shell::quoted;
use crate::output::summary::Summary;
use crate::output::tables::curve as curve_table;
use crate::run::folder::{CONFIG, CURVE, METRICS, MODEL, RunFolder};
use crate::run::metrics;
use crate::run::results::Results;
use narrows_datasets::TrainTest;
use narrows_engine::{Context, Params};
use narrows_models::checkpoint;
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
    let running = options.compared.running.clone();
    let (threads, quiet) = (running.machine.threads, running.quiet);
    let data = open(encoder.as_ref(), &mut options.data, threads, quiet)?;
    // A curve that is continued has the encoder in its folder, wherever that came from.
    if options.continued.is_none() {
        options.encoder = options.encoder.as_deref().map(full_path).transpose()?;
    }
    let curve = curve_of(&mut options, &data, encoder.as_ref())?;
    let curve = curve.check()?;
    let ComparedOptions { pretraining, finetuning, .. } = &mut options.compared;
    check_batch(&curve.architecture, "--finetune-batch", finetuning.finetune_batch)?;
    let training = pretraining.resolve(&data.train, &curve.architecture, curve.seed);
    let needed = encoder.is_none() && curve.needs_encoder(&[]);
    let pretraining = needed.then(|| pretraining.of(&data, &curve.architecture, &training));
    let pretraining = pretraining.transpose()?;
    let pretraining = pretraining.as_ref().map(Pretraining::check).transpose()?;
    let cx = running.machine.context()?;
    let folder = match earlier {
        Some(folder) => allow(&folder, &options).map(|()| folder)?,
        None => begin(NAME, &options, &running, &cx)?,
    };
    // Another process may be at it: nothing that is there is changed before that is known.
    let (results, done) = Results::open(&folder)?;
    curve.check_done(&done).map_err(|e| Error::at(folder.path(), e))?;
    if options.continued.is_some() {
        let note = "continued, and computed as the run began";
        folder.write(CONFIG, config::text(NAME, &options, note)?.as_bytes())?;
    }

    let progress = Progress::new(quiet);
    let pretrained = match (encoder, pretraining) {
        (Some(encoder), _) => Some(keep_encoder(encoder, &folder)?),
        (None, Some(pretraining)) if curve.needs_encoder(&done) => {
            Some(new_encoder(&pretraining, &cx, &progress, &folder)?)
        }
        (None, _) => None,
    };
    // From here on each result is of use, even if a later one fails.
    folder.keep();
    let append = |result: &_| results.append(result);
    let results = curve.run(&cx, pretrained.as_ref(), &done, &progress, &append).map_err(|e| {
        let path = folder.path().display();
        let again = format!("narrows curve --continue {}", quoted(&path));
        Error::from(e).during(&format!("{path} keeps what is done, for {again}"))
    })?;

    let TrainTest { train, test } = curve.data;
    let points = points(&curve, &results);
    folder.write(CURVE, plot::curve(train.name(), &points)?.as_bytes())?;
    let metric = options.compared.finetuning.metric;
    let summary = Summary::new(NAME, train.name())
        .row("seed", curve.seed)
        .row("threads", cx.threads())
        .row("draws", curve.draws)
        .row("test_samples", test.len())
        .optional("metric", (metric != Metric::Accuracy).then_some(metric))
        .row("points", &points);
    let seconds = folder.finish(summary, start)?;
    Ok(curve_table::table(&curve, &points, seconds)
        + &format!(
            "\ncurve: {}\nrun folder: {}\n",
            folder.file(CURVE).display(),
            folder.path().display()
        ))
}

/// The encoder that is there already: that in the folder of a curve that is continued, or that of
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

/// The curve that the options ask for, from `encoder` if there is one.
fn curve_of<'a>(
    options: &mut Options,
    data: &'a TrainTest,
    encoder: Option<&Loaded>,
) -> Result<Curve<'a>, Error> {
    let ComparedOptions { architecture, pretraining, .. } = &mut options.compared;
    let architecture = match encoder {
        Some(Loaded { description, .. }) => {
            *architecture = ArchitectureOptions::from(&description.architecture);
            description.architecture.clone()
        }
        None => pretraining.architecture(architecture, &data.train),
    };
    options.methods.0 = distinct(&options.methods.0);
    let points = options.points(&data.train)?;
    let (methods, draws) = (&options.methods.0, options.draws.draws);
    options.compared.curve(data, architecture, methods, points, draws)
}

/// The encoder's parameters; its file goes into `folder`, for a later run to go on with.
fn keep_encoder(encoder: Loaded, folder: &RunFolder) -> Result<Params, Error> {
    let Loaded { description, params, .. } = encoder;
    if !folder.file(MODEL).is_file() {
        checkpoint::save(&folder.file(MODEL), &params, &description)?;
    }
    Ok(params)
}

/// Pretrains an encoder and leaves it in `folder`.
fn new_encoder(
    pretraining: &Checked<'_, Pretraining<'_>>,
    cx: &Context,
    progress: &Progress,
    folder: &RunFolder,
) -> Result<Params, Error> {
    let result = pretrain(pretraining, cx, progress, folder, PRETRAINING)?;
    let (from, to) = (folder.file(PRETRAINING), folder.file(MODEL));
    std::fs::rename(&from, &to)
        .map_err(|e| Error::at(&to, format_args!("cannot be made of {}: {e}", from.display())))?;
    folder.write(METRICS, metrics::csv([(Pretraining::RUN, &result.history[..])]).as_bytes())?;
    Ok(result.params)
}

/// Refuses to go on in `folder` with other options than it was begun with.
fn allow(folder: &RunFolder, options: &Options) -> Result<(), Error> {
    match config::difference(&folder.file(CONFIG), options, &FREE)? {
        None => Ok(()),
        Some(key) => bail!(
            folder.path(),
            "was measured with another --{key}: leave it out, or begin a new curve by --out"
        ),
    }
}
