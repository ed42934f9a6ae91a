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
use crate::run::recorder::Recorder;
use narrows_datasets::Dataset;
use narrows_models::checkpoint::{self, Description};
use narrows_models::methods::Recipe;
use narrows_models::{
    Approach, Architecture, Comparison, Method, Metric, Pretraining, SampleShape,
};
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
    let architecture = Architecture {
        variational: options.pretraining.objective.is_variational(),
        ..options.architecture.resolve(SampleShape::of(&data.train), data.train.in_unit_range())
    };
    options.methods.0 = with_scratch(&options.methods.0);
    let seed = options.running.seed;
    let labels = options.labels.to_train(&data.train)?;
    let methods = options
        .methods
        .0
        .iter()
        .map(|&name| options.semi.approach(name, &data.train, &architecture));
    let comparison = Comparison {
        data: &data,
        pretraining: options.pretraining.resolve(samples, &architecture, seed),
        architecture: architecture.clone(),
        held_out: options.pretraining.held_out(samples),
        finetuning: options.finetuning.training(labels, seed),
        learning_rates: options.finetuning.finetune_lr.0.clone(),
        methods: methods.collect::<Result<_, _>>()?,
        recipe: recipe(&options, &data.train, &architecture)?,
        labels,
        validation: options.labels.validation,
        draws: options.draws.draws,
        ensemble: options.ensemble.ensemble,
        seed,
    };
    options.pretraining.check(&comparison.architecture, &data.train)?;
    options.finetuning.check(&data.train)?;
    comparison.check()?;
    check_batch(&comparison.architecture, "--batch", comparison.pretraining.batch)?;
    check_batch(&comparison.architecture, "--finetune-batch", comparison.finetuning.batch)?;
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let dataset = data.train.name();
    let description = Description::autoencoder(comparison.architecture.clone(), &data.train);
    let recorder = Recorder::new(&progress, Pretraining::RUN, &description, &folder);
    let result = comparison.run(&cx, &recorder);
    let result = recorder.close(result, &folder)?;

    let (_, network, params) = checkpoint::load(&folder.file(MODEL))?;
    reconstructions::draw(&cx, &network, &params, &data.test, &folder)?;
    let histories = result.histories.iter().map(|(name, history)| (name.as_str(), &history[..]));
    folder.write(METRICS, metrics::csv(histories).as_bytes())?;
    let summary = CompareSummary {
        command: NAME,
        dataset,
        seed,
        threads: cx.threads(),
        unlabelled: result.unlabelled,
        labels: comparison.labels,
        draws: comparison.draws,
        test_samples: data.test.len(),
        metric: Some(comparison.finetuning.metric).filter(|metric| *metric != Metric::Accuracy),
        pca: &result.pca,
        autoencoder: &result.autoencoder,
        methods: &result.methods,
        tried: &result.tried,
        cost: Cost::since(start),
    };
    folder.write(SUMMARY, json(&summary)?.as_bytes())?;
    folder.keep();
    let comparing = Comparing {
        dataset,
        test_samples: data.test.len(),
        labels: comparison.labels,
        validation: comparison.validation,
        draws: comparison.draws,
        metric: comparison.finetuning.metric,
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
