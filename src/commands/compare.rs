//! `narrows compare`: what pretraining gains over training from scratch.

use super::inputs::open;
use super::pretrain::pretrain;
use super::{begin, refuse};
use crate::cli::options::architecture::check_batch;
use crate::cli::options::compared::ComparedOptions;
use crate::cli::options::methods::{MethodName, SemiMethodOptions, distinct, method};
use crate::cli::options::values::ids;
use crate::cli::options::{Compare, RecipeName};
use crate::error::Error;
use crate::output::progress::Progress;
use crate::output::summary::Summary;
use crate::output::tables::comparison;
use crate::run::folder::{METRICS, MODEL};
use crate::run::metrics;
use crate::run::reconstructions;
use crate::run::recorder;
use narrows_datasets::Dataset;
use narrows_models::curve::Point;
use narrows_models::methods::Selection;
use narrows_models::{Architecture, Comparison, Method, Metric, Pretraining, Transfer};
use std::time::Instant;

const NAME: &str = "compare";
/// The candidates of a recipe.
const RECIPE: [&str; 5] = ["lp-ft", "pseudo-labels", "mean-teacher", "vat", "ladder"];

pub fn run(mut options: Compare, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    if options.recipe == RecipeName::None {
        refuse(explicit, &["budget"], "it is the time of a recipe: ask for one by --recipe best")?;
        if !options.methods.0.iter().any(|method| method.is_semi()) {
            refuse(explicit, &ids::<SemiMethodOptions>(), "none of --methods is semi-supervised")?;
        }
    }
    let ComparedOptions { running, .. } = &options.compared;
    let data = open(None, &mut options.data, running.machine.threads, running.quiet)?;
    let (train, seed) = (&data.train, running.seed);
    let (labels, validation) = options.labels.of(train)?;
    // The baseline, which the gains refer to, comes first.
    options.methods.0.insert(0, MethodName::Transfer(Transfer::Scratch));
    options.methods.0 = distinct(&options.methods.0);
    let ComparedOptions { architecture, pretraining, finetuning, .. } = &mut options.compared;
    let architecture = pretraining.architecture(architecture, train);
    let training = pretraining.resolve(train, &architecture, seed);
    let finetuning = finetuning.training(labels, seed);
    let (metric, finetune_batch) = (finetuning.metric, finetuning.batch);
    let points = vec![Point { labels, validation, finetuning }];
    let compared = &options.compared;
    let (methods, draws) = (&options.methods.0, options.draws.draws);
    let comparison = Comparison {
        curve: compared.curve(&data, architecture.clone(), methods, points, draws)?,
        selection: selection(&options, train, &architecture)?,
        pretraining: compared.pretraining.of(&data, &architecture, &training)?,
    };
    let comparison = comparison.check()?;
    check_batch(&architecture, "--finetune-batch", finetune_batch)?;
    let cx = compared.running.machine.context()?;
    let folder = begin(NAME, &options, &compared.running, &cx)?;

    let progress = Progress::new(compared.running.quiet);
    let pretrained = pretrain(&comparison.pretraining(), &cx, &progress, &folder, MODEL)?;
    let network = architecture.autoencoder()?;
    reconstructions::draw(&cx, &network, &pretrained.params, &data.test, &folder)?;
    let (history, best_epoch) = (pretrained.history.clone(), pretrained.best_epoch);
    let result = comparison.measure(&cx, pretrained, &progress).map_err(|e| {
        recorder::kept(Pretraining::RUN, &history, best_epoch, &folder.file(MODEL), &folder, e)
    })?;

    let histories = result.histories.iter().map(|(name, history)| (name.as_str(), &history[..]));
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
        .optional("tried", (!result.tried.is_empty()).then_some(&result.tried));
    let seconds = folder.finish(summary, start)?;
    Ok(comparison::table(&comparison.curve, &result, seconds)
        + &format!("\nrun folder: {}\n", folder.path().display()))
}

/// The methods that a recipe chooses from: those that are for such a model.
fn selection(
    options: &Compare,
    train: &Dataset,
    architecture: &Architecture,
) -> Result<Option<Selection>, Error> {
    if options.recipe == RecipeName::None {
        return Ok(None);
    }
    let mut candidates = Vec::new();
    for name in RECIPE {
        let name = method(name).map_err(Error::new)?;
        let candidate = options.compared.semi.method(name, train, architecture)?;
        if let Method::Semi(semi) = &candidate {
            semi.training.check().map_err(|e| e.during(candidate.name()))?;
            if semi.training.check_for(&semi.architecture).is_err() {
                continue;
            }
        }
        candidates.push(candidate);
    }
    Ok(Some(Selection { candidates, budget: options.budget.value }))
}
