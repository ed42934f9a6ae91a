//! `narrows score`: how unusual each row is. Its values are rare beside those of training rows, an
//! autoencoder reconstructs it badly, or its code lies far from those of training rows.
//!
//! Rows pass by once. Their scores go to a file, 4 bytes each (up to 12 of a table), which
//! quantiles are found in exactly, by two passes over it each, and which then becomes the file
//! asked for: so memory does not grow with the rows.

mod measure;
mod opening;
mod training;

use super::inputs::{Chosen, Loaded, no_labels, open_for};
use super::refuse;
use crate::cli::options::row_output::Part;
use crate::cli::options::rows::{Score, ScoreKind};
use crate::cli::options::values::{List, variant_name};
use crate::error::{Error, bail};
use crate::output::summary::Summary;
use crate::output::tables::scores::{self, Highest, Quantile, Report};
use crate::run::folder::SCORES;
use crate::run::row_writer::{Scores, Target};
use measure::{Measure, kind, names};
use narrows_datasets::{Dataset, FieldKind, Parts, TableCell, UNLABELLED};
use narrows_models::novelty::Detector;
use narrows_models::quantile::quantile;
use narrows_models::{ErrorKind, Ranking};
use std::time::Instant;
use training::Training;

const NAME: &str = "score";
/// The quantiles in the report.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// The number of rows with the highest scores in the report.
const SHOWN: usize = 10;

pub fn run(options: &Score, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    refuse(explicit, &["against_rest"], "a score takes no labels")?;
    Target::check(options.export.out.as_deref())?;
    let size = options.data.reading.image_size();
    let run = opening::run(&mut options);
    let model = run.map(|run| Loaded::open_encoder(&run, &options.foreign, size)).transpose()?;
    let kind = kind(model.as_ref(), options.score)?;
    if kind != ScoreKind::Knn {
        refuse(explicit, &["knn_neighbours"], "only --score knn has neighbours to choose")?;
    }
    let labels_wanted = options.normal.is_some() || options.data.reading.labels_file.is_some();
    if model.is_some()
        && options.data.path.data.is_some()
        && matches!(options.part.part, None | Some(Part::All))
        && !labels_wanted
    {
        // A column that looks like one of labels need not be one.
        options.data.reading.target.get_or_insert_with(|| "none".to_owned());
    }
    let (threads, quiet) = (options.machine.threads, options.machine.quiet);
    let parts = match &model {
        Some(model) => open_for(model, &mut options.data, threads, quiet)?,
        None => opening::parts(&mut options.data, options.part.part, threads, quiet)?,
    };
    let given = options.normal.take();
    let normal = normal(given.clone(), &parts)?;
    let chosen = Chosen::from(parts.clone(), options.part.part)?;
    let unusual = normal.map(|normal| Unusual::of(&chosen.data, &normal)).transpose()?;
    let training = |all: bool| {
        let mut training = Training::of(&parts, options.part.part, all)?;
        given.iter().try_for_each(|List(normal)| training.restrict(normal))?;
        Ok::<_, Error>(training)
    };
    let cx = options.machine.context()?;
    let target = Target::new(options.export.out.as_deref(), NAME, SCORES)?;
    let measure = match (kind, &model) {
        (ScoreKind::Reconstruction, Some(model)) => {
            Measure::Reconstruction(model, names(&chosen.data, false))
        }
        (ScoreKind::Knn, Some(model)) => {
            Measure::Knn(model, training(false)?, options.knn_neighbours)
        }
        _ => {
            let training = training(true)?;
            let samples = training.normal();
            let is_usual = given.is_some() || !samples.same;
            let detector = Detector::fit(&cx, samples, is_usual)?;
            Measure::Rarity(Box::new(detector), names(&chosen.data, true))
        }
    };
    let mut spool = target.spool(measure.words())?;
    let mut highest = Highest::new(SHOWN);
    let (mut sum, mut ranked) = (0.0, Vec::new());
    let rows = chosen.rows();
    measure.scores(&cx, &chosen.data, rows, &mut |rows, scores, words| {
        for (at, (&row, &score)) in rows.iter().zip(scores).enumerate() {
            sum += f64::from(score);
            if let Some(is) = unusual.as_ref().and_then(|unusual| unusual.is(row)) {
                ranked.push((score, is));
            }
            highest.push(score, row, words(at));
            spool
                .push(score, words(at))
                .map_err(|e| narrows_models::Error::of(ErrorKind::Io, e.to_string()))?;
        }
        Ok(())
    })?;
    let of = |spool: &mut Scores, q| {
        let found = quantile(q, |take| {
            spool.for_each(&mut |score, _| {
                take(score);
                Ok(())
            })
        });
        found?.ok_or_else(|| {
            Error::new(format!("{}: there are no rows to score", chosen.data.name()))
        })
    };
    let mut quantiles = Vec::new();
    for quantile in QUANTILES {
        quantiles.push(Quantile { quantile, score: of(&mut spool, quantile)? });
    }
    let threshold = match options.quantile {
        Some(q) => Some(of(&mut spool, q)?),
        None => options.threshold,
    };

    let mut columns = vec![("row", FieldKind::Whole)];
    columns.extend(chosen.data.has_files().then_some(("file", FieldKind::Text)));
    columns.push(("score", FieldKind::Number));
    columns.extend_from_slice(measure.columns());
    columns.extend(threshold.map(|_| ("above", FieldKind::Whole)));
    let mut file = target.begin(&columns, rows.len(), None)?;
    let (mut at, mut above) = (0, 0);
    let (mut listed, mut cells) = ([0], Vec::with_capacity(columns.len()));
    spool.for_each(&mut |score, words| {
        rows.copy_to(at, &mut listed);
        at += 1;
        cells.clear();
        cells.push(TableCell::Whole(u64::from(listed[0])));
        cells.extend(chosen.data.file(listed[0]).map(TableCell::Text));
        cells.push(TableCell::Number(score));
        cells.extend(measure.cells(words));
        if let Some(threshold) = threshold {
            above += usize::from(score > threshold);
            cells.push(TableCell::Whole(u64::from(score > threshold)));
        }
        file.row(&cells, &[score])
    })?;
    file.finish()?;

    let above = threshold.map(|threshold| (threshold, above));
    let (neighbours, says) = (measure.neighbours(), measure.says());
    let report = Report {
        rows: rows.len(),
        score: &says,
        mean: sum / rows.len() as f64,
        quantiles: &quantiles,
        above,
    };
    let ranking = Ranking::of(ranked);
    let dataset = chosen.data.name();
    let trained_on = model.as_ref().map_or(dataset, |model| &model.description.dataset);
    let summary = Summary::new(NAME, dataset)
        .row("trained_on", trained_on)
        .row("threads", cx.threads())
        .row("rows", report.rows)
        .row("score", variant_name(&kind))
        .optional("knn_neighbours", neighbours.map(|(k, _)| k))
        .optional("training_rows", neighbours.map(|(_, rows)| rows))
        .row("mean", report.mean)
        .row("quantiles", report.quantiles)
        .optional("threshold", above.map(|(threshold, _)| threshold))
        .optional("above", above.map(|(_, rows)| rows))
        .optional("ranking", ranking);
    target.keep(summary, start)?;
    let trained = if trained_on == dataset { "" } else { trained_on };
    let file = |row| chosen.data.file(row);
    let beside = |words| measure.shown(words);
    let beside = (&*measure.heading(), &beside as &dyn Fn([u32; 2]) -> String);
    Ok(scores::table(dataset, trained, &report, &highest.descending(), beside, &file)
        + &ranking.map_or(String::new(), |ranking| scores::ranking(&ranking))
        + &format!("\nscores: {}\n", target.path().display()))
}

/// The names of the classes that are not unusual: those that were `given`, or those of the training
/// half where the test half has others.
fn normal(given: Option<List<String>>, parts: &Parts) -> Result<Option<Vec<String>>, Error> {
    if let Some(List(names)) = given {
        return Ok(Some(names));
    }
    Ok(match parts {
        Parts::Halves(train, test) if train.classes() > 0 && test.classes() > train.classes() => {
            Some(train.class_names()[..train.classes()].to_vec())
        }
        _ => None,
    })
}

/// The classes whose rows are unusual.
struct Unusual<'a> {
    labels: &'a [u16],
    /// True for each class that is unusual.
    classes: Vec<bool>,
}

impl Unusual<'_> {
    /// Those of `data` but for the `normal` ones, each of which it has.
    fn of<'a>(data: &'a Dataset, normal: &[String]) -> Result<Unusual<'a>, Error> {
        let labels = data.labels()?.ok_or_else(|| no_labels(data))?;
        let names = data.class_names();
        if let Some(missing) = normal.iter().find(|name| !names.contains(name)) {
            let names = names.iter().take(12).map(|name| format!("{name:?}")).collect::<Vec<_>>();
            bail!(
                "{}: has no class {missing:?}: it has {}: choose by --normal",
                data.name(),
                names.join(", ")
            );
        }
        let classes = names.iter().map(|name| !normal.contains(name)).collect();
        Ok(Unusual { labels, classes })
    }

    /// True if the row is unusual; `None` if it has no label.
    fn is(&self, row: u32) -> Option<bool> {
        let label = self.labels[row as usize];
        (label != UNLABELLED).then(|| self.classes[usize::from(label)])
    }
}
