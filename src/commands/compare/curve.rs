//! A curve: test accuracy against the number of labels. It can be stopped and continued.

use super::super::inputs::Loaded;
use super::super::pretrain::pretrain;
use super::NAME;
use crate::cli::config::{self, CONFIG};
use crate::cli::options::compare::Compare;
use crate::error::Error;
use crate::output::label_draws::label_draws;
use crate::output::plot;
use crate::output::points::points;
use crate::output::summary::Summary;
use crate::output::tables::conclusion::of_duplicates;
use crate::output::tables::curve as curve_table;
use crate::report;
use crate::run::folder::{CURVE, METRICS, MODEL, RunFolder};
use crate::run::metrics;
use crate::run::results::Results;
use crate::run::session::Session;
use crate::shell::quoted;
use narrows_datasets::{TrainTest, test_duplicates};
use narrows_engine::{Context, Params};
use narrows_models::model_file;
use narrows_models::{Checked, Curve, Metric, Pretraining};
use std::time::Instant;

/// The weights of a pretraining that may yet fail: what is continued must not take them for the
/// encoder.
const PRETRAINING: &str = "pretraining.safetensors";
/// The options that may change when a curve is continued: what is finished stays what it was.
const FREE: [&str; 4] = ["labels", "validation", "draws", "methods"];
/// Words before the options of semi-supervised methods. They may change, too: each result has the
/// checksum of its own settings, and is not mixed with others.
const CHECKED: [&str; 4] = ["semi-", "pseudo-labels-", "vat-", "ladder-"];

/// Measures `curve`: from `encoder`, or one that is pretrained if a method needs it.
pub fn run(
    mut options: Compare,
    curve: Curve<'_>,
    encoder: Option<Loaded>,
    start: Instant,
) -> Result<String, Error> {
    let curve = curve.check()?;
    let data = curve.data;
    let running = options.running.clone();
    let words = options.data.words()?;
    let duplicates = test_duplicates(data)?;
    let pretraining = &mut options.pretraining;
    let training = pretraining.resolve(&data.train, &curve.architecture, curve.seed);
    let needed = encoder.is_none() && curve.needs_encoder(&[]);
    let pretraining = needed.then(|| pretraining.of(data, &curve.architecture, &training));
    let pretraining = pretraining.transpose()?;
    let pretraining = pretraining.as_ref().map(Pretraining::check).transpose()?;
    let cx = running.machine.context()?;
    let session = Session::begin(NAME, &options, &running, &cx, free)?;
    session.run(|session| {
        let folder = &session.folder;
        let (results, done) = Results::open(folder)?;
        curve.check_done(&done).map_err(|e| Error::at(folder.path(), e))?;
        if running.resume.is_some() {
            let note = "continued, and computed as the run began";
            folder.write(CONFIG, config::text(NAME, &options, note)?.as_bytes())?;
        }

        let pretrained = match (encoder, pretraining) {
            (Some(encoder), _) => Some(keep_encoder(encoder, folder)?),
            (None, Some(pretraining)) if curve.needs_encoder(&done) => {
                Some(new_encoder(&pretraining, &cx, session)?)
            }
            (None, _) => None,
        };
        // From here on each result is of use, even if a later one fails.
        folder.keep();
        let append = |result: &_| results.append(result);
        let results =
            curve.run(&cx, pretrained.as_ref(), &done, session, &append).map_err(|e| {
                let e = Error::from(e);
                if e.is_stopped() {
                    return e;
                }
                let path = folder.path().display();
                let again = format!("narrows compare --resume {}", quoted(&path));
                e.during(&format!("{path} keeps what is done, for {again}"))
            })?;

        let TrainTest { train, test } = curve.data;
        let points = points(&curve, &results);
        folder.write(CURVE, plot::curve(train.name(), &points)?.as_bytes())?;
        let metric = options.metric.metric;
        let summary = Summary::new(NAME, train.name())
            .row("seed", curve.seed)
            .row("threads", cx.threads())
            .row("draws", curve.draws)
            .row("test_samples", test.len())
            .optional("metric", (metric != Metric::Accuracy).then_some(metric))
            .row("points", &points)
            .row("test_duplicates", duplicates)
            .line("label_draws", label_draws(&curve)?);
        let seconds = folder.finish(summary, start)?;
        Ok(curve_table::table(&curve, &points, seconds)
            + &of_duplicates(duplicates, data)
            + &format!("\ncurve: {}\n", folder.file(CURVE).display())
            + &report::leave(folder.path())
            + &format!("run folder: {}\n", folder.path().display())
            + &match pretrained {
                Some(_) => {
                    let run = quoted(folder.path().display());
                    format!("next: narrows train --encoder {run}{words}\n")
                }
                None => format!("next: narrows train{words}\n"),
            })
    })
}

/// The encoder's parameters; its file goes into `folder`, for a later run to go on with.
fn keep_encoder(encoder: Loaded, folder: &RunFolder) -> Result<Params, Error> {
    let Loaded { description, params, .. } = encoder;
    if !folder.file(MODEL).is_file() {
        model_file::save(&folder.file(MODEL), &params, &description)?;
    }
    Ok(params)
}

/// Pretrains an encoder and leaves it in the run's folder.
fn new_encoder(
    pretraining: &Checked<'_, Pretraining<'_>>,
    cx: &Context,
    session: &Session,
) -> Result<Params, Error> {
    let result = pretrain(pretraining, cx, session, PRETRAINING)?;
    let folder = &session.folder;
    let (from, to) = (folder.file(PRETRAINING), folder.file(MODEL));
    std::fs::rename(&from, &to)
        .map_err(|e| Error::at(&to, format_args!("cannot be made of {}: {e}", from.display())))?;
    folder.write(METRICS, metrics::csv([(Pretraining::RUN, &result.history[..])]).as_bytes())?;
    Ok(result.params)
}

/// True if the option may be another when a curve is continued.
fn free(key: &str) -> bool {
    FREE.contains(&key) || CHECKED.iter().any(|word| key.starts_with(word))
}
