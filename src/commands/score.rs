//! `narrows score`: how unusual each row is. Either an autoencoder reconstructs it badly, or its
//! code lies far from those of training rows.
//!
//! Rows pass by once. Their scores go to a file, 4 bytes each (8 of a table), which quantiles are
//! found in exactly, by two passes over it each, and which then becomes the file asked for: so
//! memory does not grow with the rows.

mod training;

use super::inputs::{Chosen, Loaded, no_labels, open_for};
use super::refuse;
use crate::cli::options::row_output::Part;
use crate::cli::options::rows::{Score, ScoreKind};
use crate::cli::options::values::{List, variant_name};
use crate::error::{Error, bail, ensure};
use crate::output::summary::Summary;
use crate::output::tables::scores::{self, Highest, Quantile, Report};
use crate::run::folder::SCORES;
use crate::run::row_writer::{Scores, Target};
use narrows_datasets::{Dataset, FieldKind, Parts, TableCell, UNLABELLED};
use narrows_models::inference::{self, Scored};
use narrows_models::novelty;
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
    let model = Loaded::open_encoder(&options.run, &options.foreign, size)?;
    let Loaded { description, params, .. } = &model;
    let kind = kind(&model, options.score)?;
    if kind == ScoreKind::Reconstruction {
        refuse(explicit, &["knn_neighbours"], "only --score knn has neighbours")?;
    }
    let labels_wanted = options.normal.is_some() || options.data.reading.labels_file.is_some();
    if options.data.path.data.is_some()
        && matches!(options.part.part, None | Some(Part::All))
        && !labels_wanted
    {
        // A column that looks like one of labels need not be one.
        options.data.reading.target.get_or_insert_with(|| "none".to_owned());
    }
    let parts =
        open_for(&model, &mut options.data, options.machine.threads, options.machine.quiet)?;
    let mut training =
        (kind == ScoreKind::Knn).then(|| Training::of(&parts, options.part.part)).transpose()?;
    if let (Some(training), Some(List(normal))) = (&mut training, &options.normal) {
        training.restrict(normal)?;
    }
    let normal = normal(options.normal.take(), &parts)?;
    let chosen = Chosen::from(parts, options.part.part)?;
    let unusual = normal.map(|normal| Unusual::of(&chosen.data, &normal)).transpose()?;
    let mut names = Vec::new();
    // A distance has no value that is the worst.
    if training.is_none() {
        names = chosen.data.preparation().feature_names();
        let columns = chosen.data.columns().into_iter().flatten();
        names.extend(columns.map(|column| format!("{}: a category never seen", column.name)));
    }
    let cx = options.machine.context()?;
    let target = Target::new(options.export.out.as_deref(), NAME, SCORES)?;

    let mut spool = target.spool()?;
    let mut highest = Highest::new(SHOWN);
    let (mut sum, mut ranked) = (0.0, Vec::new());
    let with_worst = !names.is_empty();
    let rows = chosen.rows();
    let mut take = |rows: &[u32], scores: &[f32], worst: &[u32]| {
        let worst = worst.iter().copied().chain(std::iter::repeat(0));
        for ((&row, &score), worst) in rows.iter().zip(scores).zip(worst) {
            sum += f64::from(score);
            if let Some(is) = unusual.as_ref().and_then(|unusual| unusual.is(row)) {
                ranked.push((score, is));
            }
            highest.push(score, row, worst);
            spool
                .push(score, with_worst.then_some(worst))
                .map_err(|e| narrows_models::Error::of(ErrorKind::Io, e.to_string()))?;
        }
        Ok(())
    };
    let architecture = &description.architecture;
    match &training {
        None => {
            let take = |Scored { rows, scores, worst }: Scored<'_>| take(rows, scores, worst);
            inference::score(&cx, architecture, params, &chosen.data, rows, take)?;
        }
        Some(training) => {
            let (k, samples) = (options.knn_neighbours, (&chosen.data, rows));
            let take = |rows: &[u32], scores: &[f32]| take(rows, scores, &[]);
            novelty::score(&cx, (architecture, params), training.normal(), k, samples, take)?;
        }
    }
    let of = |spool: &mut Scores, q| {
        let found = quantile(q, |take| {
            spool.for_each(with_worst, &mut |score, _| {
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
    columns.extend(with_worst.then_some(("worst", FieldKind::Text)));
    columns.extend(threshold.map(|_| ("above", FieldKind::Whole)));
    let mut file = target.begin(&columns, rows.len(), None)?;
    let (mut at, mut above) = (0, 0);
    let (mut listed, mut cells) = ([0], Vec::with_capacity(columns.len()));
    spool.for_each(with_worst, &mut |score, worst| {
        rows.copy_to(at, &mut listed);
        at += 1;
        cells.clear();
        cells.push(TableCell::Whole(u64::from(listed[0])));
        cells.extend(chosen.data.file(listed[0]).map(TableCell::Text));
        cells.push(TableCell::Number(score));
        cells.extend(with_worst.then(|| TableCell::Text(&names[worst as usize])));
        if let Some(threshold) = threshold {
            above += usize::from(score > threshold);
            cells.push(TableCell::Whole(u64::from(score > threshold)));
        }
        file.row(&cells, &[score])
    })?;
    file.finish()?;

    let above = threshold.map(|threshold| (threshold, above));
    let neighbours = training.as_ref().map(|training| (options.knn_neighbours, training.len()));
    let report = Report {
        rows: rows.len(),
        neighbours,
        mean: sum / rows.len() as f64,
        quantiles: &quantiles,
        above,
    };
    let ranking = Ranking::of(ranked);
    let (dataset, trained_on) = (chosen.data.name(), &description.dataset);
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
    Ok(scores::table(dataset, trained, &report, &highest.descending(), (&names, &file))
        + &ranking.map_or(String::new(), |ranking| scores::ranking(&ranking))
        + &format!("\nscores: {}\n", target.path().display()))
}

/// The score that was `given`, or that which suits the model.
fn kind(model: &Loaded, given: Option<ScoreKind>) -> Result<ScoreKind, Error> {
    let Loaded { path, description, .. } = model;
    let is_foreign = description.architecture.backbone.is_some();
    let usual = match is_foreign && description.classes.is_none() {
        true => ScoreKind::Knn,
        false => ScoreKind::Reconstruction,
    };
    let kind = given.unwrap_or(usual);
    if kind == ScoreKind::Reconstruction {
        ensure!(
            description.classes.is_none(),
            path,
            "the model is a classifier, which reconstructs nothing: give the run of an \
             autoencoder, as narrows pretrain makes it, or score by --score knn"
        );
        ensure!(
            !is_foreign,
            path,
            "the model is an encoder alone, which reconstructs nothing: score by --score knn"
        );
    }
    Ok(kind)
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
