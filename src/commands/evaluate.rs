//! `narrows evaluate`: a trained model on the test samples.

use super::{Chosen, no_labels, open_for, reconstruction};
use crate::error::Error;
use crate::numbers::percent;
use crate::options::Evaluate;
use crate::run_folder::{self, RunFolder, SUMMARY};
use crate::summary::{Cost, EvaluateSummary, Rate, json};
use crate::table;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::checkpoint::{self, Description};
use narrows_models::{Evaluation, Goal};
use std::path::Path;
use std::time::Instant;

const NAME: &str = "evaluate";

pub fn run(options: &Evaluate) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    let path = run_folder::model(&options.run)?;
    let (description, network, params) = checkpoint::load(&path)?;
    let parts = open_for(&path, &description, &mut options.data, options.machine.threads, false)?;
    let mut test = Chosen::from(parts, Some(options.part.part))?.into_data()?;
    if let Some(class) = &options.data.against_rest {
        test = test.one_against_rest(class)?;
    }
    let test = &classes_of(&path, &description, test)?;
    let cx = options.machine.context()?;
    let folder = match &options.out {
        None => None,
        Some(out) => Some(RunFolder::create(Some(out), NAME)?),
    };
    let (rates, test_mse) = match description.classes {
        Some(classes) => (Some(rates(&cx, &network, &params, test, classes)?), None),
        None => {
            let rows = Rows::all(test.len());
            let evaluation =
                Evaluation::of(&cx, &network, &params, &Loss::L2, test, rows, Goal::Reconstruct)?;
            (None, Some(evaluation.loss))
        }
    };
    let summary = EvaluateSummary {
        command: NAME,
        dataset: test.name(),
        trained_on: &description.dataset,
        threads: cx.threads(),
        test_samples: rates.as_ref().map_or(test.len(), |(all, _)| all.of),
        test_accuracy: rates.as_ref().map(|(all, _)| all.clone()),
        test_balanced_accuracy: rates.as_ref().map(|(_, each)| balanced(each)),
        classes: rates.as_ref().map(|(_, each)| &each[..]),
        test_mse,
        cost: Cost::since(start),
    };
    let mut text = report(&summary, test.class_names());
    if let Some(folder) = &folder {
        if description.classes.is_none() {
            reconstruction::draw(&cx, &network, &params, test, folder)?;
        }
        folder.write(SUMMARY, json(&summary)?.as_bytes())?;
        folder.keep();
        text += &format!("\nrun folder: {}\n", folder.path().display());
    }
    Ok(text)
}

/// `test` with the classes of a classifier, found by their names, if the model knows any. But of a table their number has to be
/// the same.
fn classes_of(path: &Path, description: &Description, test: Dataset) -> Result<Dataset, Error> {
    let Some(classes) = description.classes else { return Ok(test) };
    if !test.has_labels() {
        return Err(no_labels(&test));
    }
    let advice = "name its data by --data, and the class by --against-rest where it was one against the rest";
    let (dataset, trained) = (test.name().to_string(), &description.dataset);
    let found = test.classes();
    // Of a table some classes may not occur.
    if found != classes && (test.columns().is_none() || description.class_names.is_empty()) {
        return Err(Error::at(
            path,
            format_args!(
                "the model tells {classes} classes apart ({trained}), but {dataset} has {found}: {advice}"
            ),
        ));
    }
    if description.class_names.is_empty() {
        return Ok(test);
    }
    let test = test.with_classes(&description.class_names).map_err(|e| {
        Error::at(
            path,
            format_args!("the model tells {classes} classes apart ({trained}), but {e}: {advice}"),
        )
    })?;
    match test.labelled_rows()?.is_empty() {
        true => Err(Error::new(format!("{dataset}: none of the rows chosen by --part has a label"))),
        false => Ok(test),
    }
}

/// How many test samples are classified correctly: of all, and of each class.
fn rates(
    cx: &Context,
    network: &Network,
    params: &Params,
    test: &Dataset,
    classes: usize,
) -> Result<(Rate, Vec<Rate>), Error> {
    let labels = test.labels()?.ok_or_else(|| no_labels(test))?;
    let rows = test.labelled_rows()?;
    let loss = Loss::cross_entropy();
    let evaluation = Evaluation::of(cx, network, params, &loss, test, Rows::Listed(&rows), Goal::Classify)?;
    let mut counts = vec![(0, 0); classes];
    for (&row, &predicted) in rows.iter().zip(&evaluation.predictions) {
        let label = labels[row as usize];
        let (correct, of) = &mut counts[usize::from(label)];
        *correct += usize::from(label == predicted);
        *of += 1;
    }
    let correct = counts.iter().map(|(correct, _)| correct).sum();
    let each = counts.iter().map(|&(correct, of)| Rate::of(correct, of)).collect();
    Ok((Rate::of(correct, rows.len()), each))
}

/// The mean over the classes that there are samples of.
fn balanced(each: &[Rate]) -> f64 {
    let seen: Vec<f64> = each.iter().filter(|rate| rate.of > 0).map(|rate| rate.mean).collect();
    seen.iter().sum::<f64>() / seen.len() as f64
}

fn report(summary: &EvaluateSummary<'_>, class_names: &[String]) -> String {
    let EvaluateSummary { dataset, trained_on, test_samples, .. } = summary;
    let mut text = format!("{dataset}: {} test samples", crate::numbers::thousands(*test_samples));
    if trained_on != dataset {
        text += &format!("; the model was trained on {trained_on}");
    }
    text.push('\n');
    if let (Some(Rate { mean, ci95: [low, high], .. }), Some(classes)) =
        (&summary.test_accuracy, summary.classes)
    {
        let (mean, low, high) = (percent(*mean), percent(*low), percent(*high));
        let balanced = percent(balanced(classes));
        text += &format!(
            "test accuracy {mean} % (95 % interval {low} to {high}); balanced over the classes {balanced} %\n\n"
        );
        text += &table::classes(classes, class_names);
    }
    if let Some(mse) = summary.test_mse {
        text += &format!(
            "an autoencoder: test error {mse:.6}, mean squared per value\n\
             It has no accuracy: fine-tune a classifier on it first, by narrows finetune --encoder\n"
        );
    }
    text
}
