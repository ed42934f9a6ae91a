//! `narrows evaluate`: a trained model on the test samples, or its codes by probes.

mod probe;

use super::inputs::{Chosen, Loaded, no_labels, open_for, say};
use super::refuse;
use crate::cli::options::evaluate::{Evaluate, ProbeOptions};
use crate::cli::options::row_output::Part;
use crate::cli::options::values::{ids, variant_name};
use crate::error::{Error, bail, ensure};
use crate::output::numbers::{counted, percent, thousands};
use crate::output::summary::{Rate, Summary};
use crate::output::tables::{classes, confusion};
use crate::run::folder::{CONFUSION, RunFolder};
use crate::run::reconstructions;
use narrows_datasets::{Dataset, Parts, Rows, Unseen};
use narrows_engine::{Context, Loss};
use narrows_models::calibration::Calibration;
use narrows_models::methods::Ensemble;
use narrows_models::model_file::Description;
use narrows_models::{Confusion, Evaluation, Goal, Metric};
use std::path::Path;
use std::time::Instant;

const NAME: &str = "evaluate";

pub fn run(options: &Evaluate, explicit: &[String]) -> Result<String, Error> {
    if options.probing.probe.is_some() {
        refuse(
            explicit,
            &["with", "part"],
            "probes learn from one encoder's codes of all samples",
        )?;
        return probe::run(options);
    }
    let probing = ids::<ProbeOptions>();
    refuse(explicit, &probing, "it is an option of probes: ask for them by --probe")?;
    let start = Instant::now();
    let mut options = options.clone();
    let runs = [&options.run].into_iter().chain(&options.with);
    let models = runs.map(|run| Loaded::open(run)).collect::<Result<Vec<_>, _>>()?;
    let Some((model @ Loaded { description, network, params, .. }, others)) = models.split_first()
    else {
        bail!("evaluate needs a model: give its run folder or .safetensors file");
    };
    // A model is read as a whole, and data may be large: only what a run can be is tried.
    if let Some(data) = &options.data.path.data
        && (data.is_dir() || data.extension().is_some_and(|ending| ending == "safetensors"))
        && Loaded::open(data).is_ok()
    {
        bail!(data, "is a run, not data: let several classifiers decide together by --with RUN");
    }
    others.iter().try_for_each(|other| model.check_with(other))?;
    let parts = open_for(model, &mut options.data, options.machine.threads, options.machine.quiet)?;
    let measured = Measured::of(&parts, options.part.part, &models);
    let part = measured.part;
    let mut test = Chosen::from(parts, Some(part))?.into_data()?;
    if let Some(class) = &options.data.against_rest {
        test = test.one_against_rest(class)?;
    }
    // The one class against the rest has to be the model's.
    let strict = options.data.strict || options.data.against_rest.is_some();
    let test = &classes_of(&model.path, description, test, strict)?;
    let cx = options.machine.context()?;
    let folder = options.out.as_deref().map(|out| RunFolder::create(Some(out), NAME));
    let folder = folder.transpose()?;
    let members = (models.len() > 1).then_some(models.len());
    let mut summary = Summary::new(NAME, test.name())
        .row("trained_on", &description.dataset)
        .row("part", variant_name(&part))
        .optional("members", members)
        .row("threads", cx.threads());
    let (samples, results);
    if let Some(classes) = description.classes {
        let tested = Tested::of(&cx, &models, test, classes)?;
        if let Some(folder) = &folder {
            let csv = confusion::csv(&tested.confusion, test.class_names());
            folder.write(CONFUSION, csv.as_bytes())?;
        }
        (samples, results) = (tested.all.of, tested.report(part, test.class_names()));
        summary = tested.add_to(summary);
    } else {
        let rows = Rows::all(test.len());
        let loss = Loss::L2;
        let goal = Goal::Reconstruct;
        let mse = Evaluation::of(&cx, network, params, &loss, test, rows, goal)?.finite(test)?.loss;
        if let Some(folder) = &folder {
            reconstructions::draw(&cx, network, params, test, folder)?;
        }
        samples = test.len();
        results = format!(
            "an autoencoder: {}error {mse:.6}, mean squared per value\n\
             It has no accuracy: fine-tune a classifier on it first, by narrows train \
             --encoder\n",
            test_prefix(part)
        );
        summary = summary.row("test_samples", samples).row("test_mse", mse);
    }
    let what = match part {
        Part::Test => "test samples",
        Part::Train => "training samples",
        Part::All => "samples",
    };
    say(unseen(test)?);
    let mut text = format!("{}: {} {what}", test.name(), thousands(samples));
    if description.dataset != test.name() {
        text += &format!("; the model was trained on {}", description.dataset);
    }
    text += measured.remark;
    if let Some(members) = members {
        text += &format!("; the mean of {members} classifiers");
    }
    text += &format!("\n{results}");
    if let Some(folder) = &folder {
        folder.finish(summary, start)?;
        text += &format!("\nrun folder: {}\n", folder.path().display());
    }
    Ok(text)
}

/// Notes on the values of `data` that training never saw.
fn unseen(data: &Dataset) -> Result<Vec<String>, Error> {
    /// The rows that are looked at together.
    const BATCH: usize = 1024;
    let (mut unseen, rows) = (Unseen::new(data), Rows::all(data.len()));
    let mut listed = vec![0; BATCH.min(data.len())];
    for start in (0..data.len()).step_by(BATCH) {
        let listed = &mut listed[..BATCH.min(data.len() - start)];
        rows.copy_to(start, listed);
        unseen.add(data, listed)?;
    }
    Ok(unseen.notes(data))
}

/// The part of data that is measured on.
struct Measured {
    part: Part,
    /// More to know of it.
    remark: &'static str,
}

impl Measured {
    /// The part of `parts` that is `asked` for. Without a word, it is the test; but of data in one
    /// piece that no model learnt from, by their name, it is all.
    fn of(parts: &Parts, asked: Option<Part>, models: &[Loaded]) -> Measured {
        let Parts::Whole(data) = parts else {
            return Measured { part: asked.unwrap_or(Part::Test), remark: "" };
        };
        // The same data may be a table and a store of it.
        let stem = |name: &str| Path::new(name).file_stem().map(ToOwned::to_owned);
        let learnt =
            models.iter().any(|model| stem(&model.description.dataset) == stem(data.name()));
        match (asked, learnt) {
            (Some(Part::All), true) => {
                let remark = "; training samples are among them, if it learnt from these data";
                Measured { part: Part::All, remark }
            }
            (Some(part), _) => Measured { part, remark: "" },
            (None, true) => Measured {
                part: Part::Test,
                remark: "; set aside in training, by the name of the data (others: --part all)",
            },
            (None, false) => Measured {
                part: Part::All,
                remark: "; all of the data, whose name is not that of the data learnt from",
            },
        }
    }
}

/// Only rows set aside for the test make a test.
fn test_prefix(part: Part) -> &'static str {
    if part == Part::Test { "test " } else { "" }
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
        bail!(&other.path, "it cannot decide together with {first}: {what}")
    }
}

/// `test` with the classes of a classifier, found by their names, if the model knows any. But of a
/// table their number has to be the same.
fn classes_of(
    path: &Path,
    description: &Description,
    test: Dataset,
    strict: bool,
) -> Result<Dataset, Error> {
    let Some(classes) = description.classes else { return Ok(test) };
    if !test.has_labels() {
        if let (Some(label), Some(_)) = (&description.label, test.columns()) {
            bail!(
                "{}: there are no labels to compare with: the column {label:?}, which the model \
                 learnt them from, is missing or empty: add it, or name another by --target",
                test.name()
            );
        }
        return Err(no_labels(&test));
    }
    let advice = "name its data, and the class by --against-rest where it was one \
                  against the rest";
    let (dataset, trained) = (test.name().to_string(), &description.dataset);
    let found = test.classes();
    let names = &description.class_names;
    // Some classes may not occur in a table; and some may be new, but not to one against the rest.
    let may_differ = match test.columns() {
        Some(_) => !names.is_empty(),
        None => !names.is_empty() && found > classes && !names.iter().any(|name| name == "rest"),
    };
    ensure!(
        found == classes || may_differ,
        path,
        "the model tells {classes} classes apart ({trained}), but {dataset} has {found}: \
                 {advice}"
    );
    if description.class_names.is_empty() {
        return Ok(test);
    }
    let test = test.with_known_classes(&description.class_names)?;
    let unseen = test.class_names().get(classes..).unwrap_or_default();
    if strict && let Some(first) = unseen.first() {
        bail!(
            path,
            "the model tells {classes} classes apart ({trained}), but {dataset} has others, the \
             first {first:?}: leave --strict out to count them as wrong, and name the model's own \
             by --against-rest"
        );
    }
    let (labels, rows) = (test.labels()?.unwrap_or_default(), test.labelled_rows()?);
    ensure!(!rows.is_empty(), "{dataset}: none of the rows chosen by --part has a label");
    let known = |&row: &u32| usize::from(labels[row as usize]) < classes;
    ensure!(
        rows.iter().any(known),
        "{dataset}: none of its labels is a class of the model: they are {}, and the model knows \
         {}: name the column of the labels by --target, or write them as there",
        listed(unseen),
        listed(names)
    );
    Ok(test)
}

/// The first of some names, in quotes.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(12).map(|name| format!("{name:?}")).collect::<Vec<_>>();
    let more = if names.len() > 12 { " and others" } else { "" };
    shown.join(", ") + more
}

/// The line that says how many samples are of classes that the model does not know; empty without
/// any.
fn unseen_line(confusion: &Confusion, class_names: &[String]) -> String {
    let unseen = confusion.unseen();
    let samples: usize = unseen.iter().sum();
    if samples == 0 {
        return String::new();
    }
    let names = class_names.get(confusion.classes()..).unwrap_or_default();
    format!(
        "{} of classes that training never saw count as wrong: {}\n\n",
        counted(samples, "sample"),
        listed(names)
    )
}

/// A classifier on the test samples.
struct Tested {
    /// The rate of all samples.
    all: Rate,
    /// The rate of each class.
    each: Vec<Rate>,
    confusion: Confusion,
    /// At the temperature of the model.
    calibration: Calibration,
    /// The temperature, if the model has one, and the calibration error without.
    temperature: Option<(f32, f64)>,
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
        let (evaluation, calibration, temperature) = match models {
            [Loaded { description, network, params, .. }] => {
                let temperature = description.temperature;
                let mut fitted = Calibration::new(temperature.unwrap_or(1.0));
                let mut take = |logits: &[f32], labels: &[u32]| {
                    plain.add(logits, labels);
                    fitted.add(logits, labels);
                };
                let evaluation =
                    Evaluation::of_classifier(cx, network, params, test, held, &mut take)?;
                let evaluation = evaluation.finite(test)?;
                (evaluation, fitted, temperature.map(|temperature| (temperature, plain.error())))
            }
            _ => {
                let mut ensemble = Ensemble::new(classes);
                for Loaded { description, network, params, .. } in models {
                    let temperature = description.temperature.unwrap_or(1.0);
                    ensemble.add(cx, network, params, temperature, test, held)?;
                }
                plain.add(&ensemble.logits(), ensemble.labels());
                (ensemble.evaluation(), plain, None)
            }
        };
        let labels: Vec<u16> = rows.iter().map(|&row| all[row as usize]).collect();
        let confusion = Confusion::of(classes, &labels, &evaluation.predictions);
        let rate = |class: usize| Rate::of(confusion.row(class)[class], confusion.of_class(class));
        let each: Vec<Rate> = (0..classes).map(rate).collect();
        let all = Rate::of(each.iter().map(|rate| rate.correct).sum(), rows.len());
        Ok(Tested { all, each, confusion, calibration, temperature })
    }

    /// Adds its rows to a summary. Their keys say "test" for each part of the data.
    fn add_to(&self, summary: Summary) -> Summary {
        let Tested { all, each, confusion, calibration, temperature } = self;
        let unseen = confusion.unseen().iter().sum::<usize>();
        let rows = || (0..each.len()).map(|class| confusion.row(class)).collect::<Vec<_>>();
        summary
            .row("test_samples", all.of)
            .optional("unseen_class_samples", Some(unseen).filter(|&unseen| unseen > 0))
            .row("test_accuracy", all)
            .row("test_balanced_accuracy", confusion.accuracy_by(Metric::Balanced))
            .row("expected_calibration_error", calibration.error())
            .row("confidence", calibration.confidence())
            .optional("test_loss", calibration.loss())
            .optional("temperature", temperature.map(|(temperature, _)| temperature))
            .optional("uncalibrated_error", temperature.map(|(_, error)| error))
            .row("classes", each)
            .optional("confusion", (each.len() <= confusion::LARGEST).then(rows))
    }

    fn report(&self, part: Part, class_names: &[String]) -> String {
        let Rate { mean, ci95: [low, high], .. } = self.all;
        let [mean, low, high] = [mean, low, high].map(percent);
        let balanced = percent(self.confusion.accuracy_by(Metric::Balanced));
        let [confidence, error] =
            [self.calibration.confidence(), self.calibration.error()].map(percent);
        let fitted = self.temperature.map_or(String::new(), |(temperature, before)| {
            format!(" at temperature {temperature:.3}, {} without", percent(before))
        });
        format!(
            "{}accuracy {mean} % (95 % interval {low} to {high}); balanced over the classes \
             {balanced} %\nconfidence {confidence} %; expected calibration error {error} \
             points{fitted}\n\n{}{}",
            test_prefix(part),
            unseen_line(&self.confusion, class_names) + &classes::table(&self.each, class_names),
            confusion::table(&self.confusion, class_names)
        )
    }
}
