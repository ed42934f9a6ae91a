//! `narrows compare`: what pretraining gains over training from scratch.

use super::inputs::open;
use super::{begin, check_batch, refuse};
use crate::cli::options::approaches::{ApproachName, ComparedSemi, approach, distinct};
use crate::cli::options::values::ids;
use crate::cli::options::{Compare, RecipeName};
use crate::error::Error;
use crate::output::progress::Progress;
use crate::output::summary::{CompareSummary, Cost, json};
use crate::output::tables::comparison::{self, Comparing};
use crate::run::folder::{METRICS, MODEL, SUMMARY};
use crate::run::metrics;
use crate::run::reconstructions;
use crate::run::recorder::{self, Recorder};
use narrows_datasets::Dataset;
use narrows_models::checkpoint::Description;
use narrows_models::curve::{Curve, Point};
use narrows_models::methods::Recipe;
use narrows_models::{Approach, Architecture, Comparison, Method, Metric, Pretraining};
use std::time::Instant;

const NAME: &str = "compare";
/// The candidates of a recipe.
const RECIPE: [&str; 5] = ["lp-ft", "pseudo-labels", "mean-teacher", "vat", "ladder"];

pub fn run(mut options: Compare, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    if options.recipe == RecipeName::None {
        refuse(explicit, &["budget"], "it is the time of a recipe: ask for one by --recipe best")?;
        if !options.methods.0.iter().any(|method| method.is_semi()) {
            refuse(explicit, &ids::<ComparedSemi>(), "none of --methods is semi-supervised")?;
        }
    }
    let data = open(&mut options.data, options.running.machine.threads, options.running.quiet)?;
    let samples = data.train.len();
    let architecture = options.pretraining.architecture(&mut options.architecture, &data.train);
    options.methods.0 = with_scratch(&options.methods.0);
    let seed = options.running.seed;
    let labels = options.labels.to_train(&data.train)?;
    let methods = options
        .methods
        .0
        .iter()
        .map(|&name| options.semi.approach(name, &data.train, &architecture));
    let methods = methods.collect::<Result<_, _>>()?;
    let training = options.pretraining.resolve(samples, &architecture, seed);
    let validation = options.labels.validation;
    let finetuning = options.finetuning.training(labels, seed);
    let (metric, finetune_batch) = (finetuning.metric, finetuning.batch);
    let comparison = Comparison {
        pretraining: Pretraining {
            data: &data,
            architecture: &architecture,
            training: &training,
            held_out: options.pretraining.held_out(samples),
            seed,
        },
        curve: Curve {
            data: &data,
            architecture: architecture.clone(),
            learning_rates: options.finetuning.finetune_lr.0.clone(),
            methods,
            points: vec![Point { labels, validation, finetuning }],
            draws: options.draws.draws,
            ensemble: options.ensemble.ensemble,
            seed,
        },
        recipe: recipe(&options, &data.train, &architecture)?,
    };
    options.pretraining.check(&architecture, &data.train)?;
    options.finetuning.check(&data.train)?;
    let comparison = comparison.check()?;
    check_batch(&architecture, "--batch", training.batch)?;
    check_batch(&architecture, "--finetune-batch", finetune_batch)?;
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let dataset = data.train.name();
    let description = Description::autoencoder(architecture.clone(), &data.train);
    let recorder = Recorder::new(&progress, Pretraining::RUN, &description, &folder);
    let pretrained = comparison.pretrain(&cx, &recorder);
    let pretrained = recorder.close(pretrained, &folder)?;
    let network = architecture.autoencoder()?;
    reconstructions::draw(&cx, &network, &pretrained.params, &data.test, &folder)?;
    let (history, best_epoch) = (pretrained.history.clone(), pretrained.best_epoch);
    let result = comparison.measure(&cx, pretrained, &progress).map_err(|e| {
        recorder::kept(Pretraining::RUN, &history, best_epoch, &folder.file(MODEL), &folder, e)
    })?;

    let histories = result.histories.iter().map(|(name, history)| (name.as_str(), &history[..]));
    folder.write(METRICS, metrics::csv(histories).as_bytes())?;
    let summary = CompareSummary {
        command: NAME,
        dataset,
        seed,
        threads: cx.threads(),
        unlabelled: result.pretrained.unlabelled,
        labels,
        draws: options.draws.draws,
        test_samples: data.test.len(),
        metric: Some(metric).filter(|metric| *metric != Metric::Accuracy),
        pca: &result.pretrained.pca,
        autoencoder: &result.pretrained.autoencoder,
        methods: &result.methods,
        tried: &result.tried,
        cost: Cost::since(start),
    };
    folder.write(SUMMARY, json(&summary)?.as_bytes())?;
    folder.keep();
    let comparing = Comparing {
        dataset,
        test_samples: data.test.len(),
        labels,
        validation,
        draws: options.draws.draws,
        metric,
        result: &result,
        seconds: summary.cost.wall_seconds,
    };
    Ok(comparison::table(&comparing) + &format!("\nrun folder: {}\n", folder.path().display()))
}

/// The methods that a recipe chooses from: those that are for such a model.
fn recipe(
    options: &Compare,
    train: &Dataset,
    architecture: &Architecture,
) -> Result<Option<Recipe>, Error> {
    if options.recipe == RecipeName::None {
        return Ok(None);
    }
    let mut candidates = Vec::new();
    for name in RECIPE {
        let name = approach(name).map_err(Error::new)?;
        let candidate = options.semi.approach(name, train, architecture)?;
        if let Approach::Semi(semi) = &candidate {
            semi.training.check().map_err(|e| e.during(candidate.name()))?;
            if semi.training.check_for(&semi.architecture).is_err() {
                continue;
            }
        }
        candidates.push(candidate);
    }
    Ok(Some(Recipe { candidates, budget: options.budget.duration }))
}

/// The methods asked for, each once, and the baseline, which the gains refer to, first.
fn with_scratch(methods: &[ApproachName]) -> Vec<ApproachName> {
    distinct(&[&[ApproachName::Transfer(Method::Scratch)], methods].concat())
}
