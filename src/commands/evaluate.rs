//! `narrows evaluate`: a trained model on the test samples.

use super::inputs::{Chosen, Loaded, no_labels, open_for};
use crate::cli::options::Evaluate;
use crate::cli::options::exporting::Part;
use crate::cli::options::values::variant_name;
use crate::error::Error;
use crate::output::numbers::{percent, thousands};
use crate::output::summary::{CalibrationSummary, Cost, EvaluateSummary, Rate, json};
use crate::output::tables::{classes, confusion};
use crate::run::folder::{CONFUSION, RunFolder, SUMMARY};
use crate::run::reconstructions;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Loss};
use narrows_models::calibration::Calibration;
use narrows_models::checkpoint::Description;
use narrows_models::methods::Ensemble;
use narrows_models::{Confusion, Evaluation, Goal, Metric};
use std::path::Path;
use std::time::Instant;

const NAME: &str = "evaluate";

pub fn run(options: &Evaluate) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    let models = options.runs.iter().map(|run| Loaded::open(run)).collect::<Result<Vec<_>, _>>()?;
    let Some((Loaded { path, description, network, params }, others)) = models.split_first() else {
        return Err(Error::new("evaluate needs a model: give its run folder or .safetensors file"));
    };
    others.iter().try_for_each(|other| models[0].check_with(other))?;
    let parts = open_for(path, description, &mut options.data, options.machine.threads, false)?;
    let mut test = Chosen::from(parts, Some(options.part.part))?.into_data()?;
    if let Some(class) = &options.data.against_rest {
        test = test.one_against_rest(class)?;
    }
    let test = &classes_of(path, description, test)?;
    let cx = options.machine.context()?;
    let folder = match &options.out {
        None => None,
        Some(out) => Some(RunFolder::create(Some(out), NAME)?),
    };
    let (tested, test_mse) = match description.classes {
        Some(classes) => (Some(Tested::of(&cx, &models, test, classes)?), None),
        None => {
            let rows = Rows::all(test.len());
            let evaluation =
                Evaluation::of(&cx, network, params, &Loss::L2, test, rows, Goal::Reconstruct)?;
            (None, Some(evaluation.loss))
        }
    };
    let summary = EvaluateSummary {
        command: NAME,
        dataset: test.name(),
        trained_on: &description.dataset,
        part: &variant_name(&options.part.part),
        members: (models.len() > 1).then_some(models.len()),
        threads: cx.threads(),
        test_samples: tested.as_ref().map_or(test.len(), |tested| tested.all.of),
        test_accuracy: tested.as_ref().map(|tested| tested.all.clone()),
        test_balanced_accuracy: tested
            .as_ref()
            .map(|tested| tested.confusion.accuracy_by(Metric::Balanced)),
        calibration: tested.as_ref().map(|tested| tested.calibration.clone()),
        classes: tested.as_ref().map(|tested| &tested.each[..]),
        confusion: tested
            .as_ref()
            .map(|tested| tested.rows())
            .filter(|rows| rows.len() <= confusion::LARGEST),
        test_mse,
        cost: Cost::since(start),
    };
    let mut text = report(&summary, options.part.part, test.class_names());
    if let Some(tested) = &tested {
        text += &confusion::table(&tested.confusion, test.class_names());
    }
    if let Some(folder) = &folder {
        if description.classes.is_none() {
            reconstructions::draw(&cx, network, params, test, folder)?;
        }
        if let Some(tested) = &tested {
            let csv = confusion::csv(&tested.confusion, test.class_names());
            folder.write(CONFUSION, csv.as_bytes())?;
        }
        folder.write(SUMMARY, json(&summary)?.as_bytes())?;
        folder.keep();
        text += &format!("\nrun folder: {}\n", folder.path().display());
    }
    Ok(text)
}

impl Loaded {
    /// Refuses another model that cannot decide together with this one.
    fn check_with(&self, other: &Loaded) -> Result<(), Error> {
        let (a, b) = (&self.description, &other.description);
        let what = match (a.classes, b.classes) {
            (None, _) | (_, None) => "an autoencoder decides nothing",
            _ if a.classes != b.classes || a.class_names != b.class_names => {
                "their classes are not the same"
            }
            _ if a.architecture.input != b.architecture.input || a.preparation != b.preparation => {
                "they were trained on samples of another form"
            }
            _ => return Ok(()),
        };
        let first = self.path.display();
        Err(Error::at(&other.path, format_args!("it cannot decide together with {first}: {what}")))
    }
}

/// `test` with the classes of a classifier, found by their names, if the model knows any. But of a
/// table their number has to be the same.
fn classes_of(path: &Path, description: &Description, test: Dataset) -> Result<Dataset, Error> {
    let Some(classes) = description.classes else { return Ok(test) };
    if !test.has_labels() {
        return Err(no_labels(&test));
    }
    let advice = "name its data by --data, and the class by --against-rest where it was one \
                  against the rest";
    let (dataset, trained) = (test.name().to_string(), &description.dataset);
    let found = test.classes();
    // Of a table some classes may not occur.
    if found != classes && (test.columns().is_none() || description.class_names.is_empty()) {
        return Err(Error::at(
            path,
            format_args!(
                "the model tells {classes} classes apart ({trained}), but {dataset} has {found}: \
                 {advice}"
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
        true => {
            Err(Error::new(format!("{dataset}: none of the rows chosen by --part has a label")))
        }
        false => Ok(test),
    }
}

/// A classifier on the test samples.
struct Tested {
    /// How many of all are classified correctly.
    all: Rate,
    /// How many of each class.
    each: Vec<Rate>,
    confusion: Confusion,
    calibration: CalibrationSummary,
}

impl Tested {
    fn of(
        cx: &Context,
        models: &[Loaded],
        test: &Dataset,
        classes: usize,
    ) -> Result<Tested, Error> {
        let all = test.labels()?.ok_or_else(|| no_labels(test))?;
        let rows = test.labelled_rows()?;
        let held = Rows::Listed(&rows);
        let mut plain = Calibration::new(1.0);
        let (evaluation, fitted, temperature) = match models {
            [Loaded { description, network, params, .. }] => {
                let temperature = description.temperature;
                let mut fitted = Calibration::new(temperature.unwrap_or(1.0));
                let mut take = |logits: &[f32], labels: &[u32]| {
                    plain.add(logits, labels);
                    fitted.add(logits, labels);
                };
                let evaluation =
                    Evaluation::of_classifier(cx, network, params, test, held, &mut take)?;
                (evaluation, fitted, temperature)
            }
            _ => {
                let mut ensemble = Ensemble::new(classes);
                for Loaded { description, network, params, .. } in models {
                    let temperature = description.temperature.unwrap_or(1.0);
                    ensemble.add(cx, network, params, temperature, test, held)?;
                }
                plain.add(&ensemble.logits(), ensemble.labels());
                (ensemble.evaluation(), plain.clone(), None)
            }
        };
        let labels: Vec<u16> = rows.iter().map(|&row| all[row as usize]).collect();
        let confusion = Confusion::of(classes, &labels, &evaluation.predictions);
        let rate = |class: usize| Rate::of(confusion.row(class)[class], confusion.of_class(class));
        let each: Vec<Rate> = (0..classes).map(rate).collect();
        let calibration = CalibrationSummary {
            expected_calibration_error: fitted.error(),
            confidence: fitted.confidence(),
            test_loss: fitted.loss(),
            temperature,
            uncalibrated_error: temperature.map(|_| plain.error()),
        };
        let all = Rate::of(each.iter().map(|rate| rate.correct).sum(), rows.len());
        Ok(Tested { all, each, confusion, calibration })
    }

    fn rows(&self) -> Vec<&[usize]> {
        (0..self.confusion.classes()).map(|class| self.confusion.row(class)).collect()
    }
}

/// How sure it is, beside how often it is right.
fn sureness(calibration: &CalibrationSummary) -> String {
    let CalibrationSummary { expected_calibration_error: error, confidence, temperature, .. } =
        calibration;
    let (confidence, error) = (percent(*confidence), percent(*error));
    let fitted = match (temperature, calibration.uncalibrated_error) {
        (Some(t), Some(before)) => format!(" at temperature {t:.3}, {} without", percent(before)),
        _ => String::new(),
    };
    format!("confidence {confidence} %; expected calibration error {error} points{fitted}\n")
}

fn report(summary: &EvaluateSummary<'_>, part: Part, class_names: &[String]) -> String {
    let EvaluateSummary { dataset, trained_on, test_samples, .. } = summary;
    // Only what was set aside for the test is one.
    let (samples, test) = match part {
        Part::Test => ("test samples", "test "),
        Part::Train => ("training samples", ""),
        Part::All => ("samples", ""),
    };
    let mut text = format!("{dataset}: {} {samples}", thousands(*test_samples));
    if trained_on != dataset {
        text += &format!("; the model was trained on {trained_on}");
    }
    if let Some(members) = summary.members {
        text += &format!("; the mean of {members} classifiers");
    }
    text.push('\n');
    if let (Some(Rate { mean, ci95: [low, high], .. }), Some(classes), Some(balanced)) =
        (&summary.test_accuracy, summary.classes, summary.test_balanced_accuracy)
    {
        let (mean, low, high) = (percent(*mean), percent(*low), percent(*high));
        let balanced = percent(balanced);
        text += &format!(
            "{test}accuracy {mean} % (95 % interval {low} to {high}); balanced over the classes \
             {balanced} %\n"
        );
        text += &summary.calibration.as_ref().map_or(String::new(), sureness);
        text.push('\n');
        text += &classes::table(classes, class_names);
    }
    if let Some(mse) = summary.test_mse {
        text += &format!(
            "an autoencoder: {test}error {mse:.6}, mean squared per value\n\
             It has no accuracy: fine-tune a classifier on it first, by narrows finetune \
             --encoder\n"
        );
    }
    text
}
