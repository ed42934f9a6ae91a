//! `narrows score`: how badly an autoencoder reconstructs each row.
//!
//! Rows pass by once. Their scores go to a file, 4 bytes each (8 of a table), which quantiles are
//! found in exactly, by two passes over it each, and which then becomes the file asked for: so
//! memory does not grow with the rows.

use super::inputs::{Chosen, open_for};
use super::refuse;
use crate::cli::options::Score;
use crate::cli::options::exporting::Part;
use crate::error::Error;
use crate::output::summary::{Cost, QuantileSummary, ScoreSummary, json};
use crate::output::tables::scores::{self, Highest};
use crate::run::folder::{self, SCORES, SUMMARY};
use crate::run::row_writer::{Scores, Target};
use narrows_datasets::{FieldKind, TableCell};
use narrows_models::checkpoint;
use narrows_models::inference::{self, Scored};
use narrows_models::quantile::quantile;
use std::time::Instant;

const NAME: &str = "score";
/// Those that are reported.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// How many of the rows with the highest scores are reported.
const SHOWN: usize = 10;

pub fn run(options: &Score, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    refuse(explicit, &["against_rest"], "a score takes no labels")?;
    let path = folder::model(&options.run)?;
    let (description, _, params) = checkpoint::load(&path)?;
    if description.classes.is_some() {
        return Err(Error::at(
            &path,
            "the model is a classifier, which reconstructs nothing: name the autoencoder that \
             narrows pretrain left",
        ));
    }
    if options.data.data.is_some() && matches!(options.part.part, None | Some(Part::All)) {
        // A column that looks like one of labels need not be one.
        options.data.reading.label.get_or_insert_with(|| "none".to_owned());
    }
    let parts = open_for(&path, &description, &mut options.data, options.machine.threads, false)?;
    let chosen = Chosen::from(parts, options.part.part)?;
    let names = chosen.data.preparation().feature_names();
    let cx = options.machine.context()?;
    let target = Target::new(options.export.out.as_deref(), NAME, SCORES)?;

    let mut spool = target.spool()?;
    let mut highest = Highest::new(SHOWN);
    let mut sum = 0.0;
    let with_worst = !names.is_empty();
    let rows = chosen.rows();
    let take = |Scored { rows, scores, worst }: Scored<'_>| {
        for ((&row, &score), &worst) in rows.iter().zip(scores).zip(worst) {
            sum += f64::from(score);
            highest.push(score, row, worst);
            spool
                .push(score, with_worst.then_some(worst))
                .map_err(|e| narrows_models::Error::new(e.to_string()))?;
        }
        Ok(())
    };
    inference::score(&cx, &description.architecture, &params, &chosen.data, rows, take)?;
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
    for q in QUANTILES {
        quantiles.push(QuantileSummary { quantile: q, score: of(&mut spool, q)? });
    }
    let threshold = match options.quantile {
        Some(q) => Some(of(&mut spool, q)?),
        None => options.threshold,
    };

    let mut columns = vec![("row", FieldKind::Whole), ("score", FieldKind::Number)];
    columns.extend(with_worst.then_some(("worst", FieldKind::Text)));
    columns.extend(threshold.map(|_| ("above", FieldKind::Whole)));
    let mut file = target.begin(&columns, rows.len(), None)?;
    let (mut at, mut above) = (0, 0);
    let mut listed = [0];
    spool.for_each(with_worst, &mut |score, worst| {
        rows.copy_to(at, &mut listed);
        at += 1;
        let mut cells = [
            TableCell::Whole(u64::from(listed[0])),
            TableCell::Number(score),
            TableCell::Missing,
            TableCell::Missing,
        ];
        let mut used = 2;
        if with_worst {
            cells[used] = TableCell::Text(&names[worst as usize]);
            used += 1;
        }
        if let Some(threshold) = threshold {
            above += usize::from(score > threshold);
            cells[used] = TableCell::Whole(u64::from(score > threshold));
            used += 1;
        }
        file.row(&cells[..used], &[score])
    })?;
    file.finish()?;

    let summary = ScoreSummary {
        command: NAME,
        dataset: chosen.data.name(),
        trained_on: &description.dataset,
        threads: cx.threads(),
        rows: rows.len(),
        mean: sum / rows.len() as f64,
        quantiles: &quantiles,
        threshold,
        above: threshold.map(|_| above),
        cost: Cost::since(start),
    };
    target.keep(SUMMARY, &json(&summary)?)?;
    Ok(scores::report(&summary, &highest.descending(), &names)
        + &format!("\nscores: {}\n", target.path().display()))
}
