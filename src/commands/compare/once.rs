//! A comparison at one number of labels.

use super::super::pretrain::pretrain;
use super::NAME;
use crate::cli::options::compare::Compare;
use crate::cli::options::methods::method;
use crate::error::Error;
use crate::output::label_draws::label_draws;
use crate::output::summary::Summary;
use crate::output::tables::comparison;
use crate::output::tables::conclusion::{conclusion, of_duplicates};
use crate::report;
use crate::run::folder::{METRICS, MODEL};
use crate::run::metrics;
use crate::run::reconstructions;
use crate::run::recorder;
use crate::run::session::Session;
use crate::shell::quoted;
use narrows_datasets::{Dataset, test_duplicates};
use narrows_models::compare::ComparisonResult;
use narrows_models::methods::{Selection, Tried};
use narrows_models::{
    Architecture, Comparison, Curve, Method, Metric, Model, Pretraining, Transfer,
};
use std::time::Instant;

/// The candidates of `--auto`.
const CANDIDATES: [&str; 5] = ["lp-ft", "pseudo-labels", "mean-teacher", "vat", "ladder"];

/// Compares the methods of `curve`, which has one point.
pub fn run(mut options: Compare, curve: Curve<'_>, start: Instant) -> Result<String, Error> {
    let (data, seed, draws) = (curve.data, curve.seed, curve.draws);
    let (train, metric) = (&data.train, options.metric.metric);
    let (labels, architecture) = (curve.points[0].labels, curve.architecture.clone());
    let selection = selection(&mut options, train, &curve)?;
    let training = options.pretraining.resolve(train, &architecture, seed);
    let comparison = Comparison {
        selection,
        pretraining: options.pretraining.of(data, &architecture, &training)?,
        curve,
    };
    let comparison = comparison.check()?;
    let cx = options.running.machine.context()?;
    let words = options.data.words()?;
    let duplicates = test_duplicates(data)?;
    let session = Session::begin(NAME, &options, &options.running, &cx, |_| false)?;
    session.unfinished()?.run(|session| {
        let folder = &session.folder;
        let pretrained = pretrain(&comparison.pretraining(), &cx, session, MODEL)?;
        let network = architecture.autoencoder()?;
        reconstructions::draw(&cx, &network, &pretrained.params, &data.test, folder)?;
        let (history, best_epoch) = (pretrained.history.clone(), pretrained.best_epoch);
        let result = comparison.measure(&cx, pretrained, session).map_err(|e| {
            recorder::kept(Pretraining::RUN, &history, best_epoch, &folder.file(MODEL), folder, e)
        })?;

        let histories =
            result.histories.iter().map(|(name, history)| (name.as_str(), &history[..]));
        folder.write(METRICS, metrics::csv(histories).as_bytes())?;
        let summary = Summary::new(NAME, train.name())
            .row("seed", seed)
            .row("threads", cx.threads())
            .row("unlabelled", result.pretrained.unlabelled)
            .row("labels", labels)
            .row("draws", draws)
            .row("test_samples", data.test.len())
            .optional("metric", (metric != Metric::Accuracy).then_some(metric))
            .row("pca", &result.pretrained.pca)
            .row("autoencoder", &result.pretrained.autoencoder)
            .row("methods", &result.methods)
            .row("test_duplicates", duplicates)
            .line("label_draws", label_draws(&comparison.curve)?)
            .optional("tried", (!result.tried.is_empty()).then_some(&result.tried));
        let seconds = folder.finish(summary, start)?;
        Ok(comparison::table(&comparison.curve, &result, seconds)
            + &of_duplicates(duplicates, data)
            + "\n"
            + &report::leave(folder.path())
            + &format!("run folder: {}\n", folder.path().display())
            + &next(&result, &architecture, &quoted(folder.path().display()), &words))
    })
}

/// The command that trains a classifier on all labels: by the method that validation labels chose,
/// or else the best of the table, and says so.
fn next(result: &ComparisonResult, architecture: &Architecture, run: &str, data: &str) -> String {
    let better = |best, other: _| if Tried::is_better_than(other, best) { other } else { best };
    let (method, note) = match result.tried.iter().reduce(better) {
        Some(best) => (Some(&best.name[..]), ""),
        None => {
            let best = conclusion(&result.methods).and_then(|conclusion| conclusion.best);
            (best, "    # the best by the test samples above")
        }
    };
    let is_transfer = |name: &str| Transfer::ALL.iter().any(|(other, _)| *other == name);
    match method {
        None | Some("lp-ft") => format!("next: narrows train --encoder {run}{data}\n"),
        Some(name) if is_transfer(name) => {
            format!("next: narrows train --encoder {run}{data} --method {name}{note}\n")
        }
        Some(name) => {
            let model = match architecture.model {
                Model::Dense => String::new(),
                other => format!(" --model {}", other.name()),
            };
            format!("next: narrows train{data} --method {name}{model}{note}\n")
        }
    }
}

/// The methods that `--auto` chooses from: those that are for such a model.
fn selection(
    options: &mut Compare,
    train: &Dataset,
    curve: &Curve<'_>,
) -> Result<Option<Selection>, Error> {
    let (architecture, points) = (&curve.architecture, &curve.points);
    if options.auto.is_none() {
        return Ok(None);
    }
    let Some((time, budget)) = options.time_of_choice(train, architecture, points)? else {
        return Ok(None);
    };
    let mut candidates = Vec::new();
    for name in CANDIDATES {
        let name = method(name).map_err(Error::new)?;
        let candidate =
            options.semi.method(name, train, architecture, options.metric.metric, time)?;
        if let Method::Semi(semi) = &candidate {
            semi.training.check().map_err(|e| e.during(candidate.name()))?;
            if semi.training.check_for(&semi.architecture).is_err() {
                continue;
            }
        }
        candidates.push(candidate);
    }
    Ok(Some(Selection { candidates, budget }))
}
