//! `narrows embed`: the latent code of each row.

use super::inputs::{Chosen, open_for};
use crate::cli::options::Embed;
use crate::error::Error;
use crate::output::numbers::{counted, thousands};
use crate::output::summary::{Cost, EmbedSummary, json};
use crate::run::folder::{self, CODES, SUMMARY};
use crate::run::row_writer::Target;
use narrows_datasets::{FieldKind, TableCell, UNLABELLED};
use narrows_models::checkpoint;
use narrows_models::inference;
use std::time::Instant;

const NAME: &str = "embed";

pub fn run(options: &Embed) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    let path = folder::model(&options.run)?;
    let (description, _, params) = checkpoint::load(&path)?;
    let parts = open_for(&path, &description, &mut options.data, options.machine.threads, false)?;
    let Chosen { mut data, rows } = Chosen::from(parts, options.part.part)?;
    if let Some(class) = &options.data.against_rest {
        data = data.one_against_rest(class)?;
    }
    let chosen = Chosen { data, rows };
    let (data, rows) = (&chosen.data, chosen.rows());
    let labels = data.labels()?;
    let cx = options.machine.context()?;
    let target = Target::new(options.export.out.as_deref(), NAME, CODES)?;

    let latent = description.architecture.latent;
    let names: Vec<String> = (0..latent).map(|at| format!("z{at}")).collect();
    let mut columns = vec![("row", FieldKind::Whole)];
    columns.extend(names.iter().map(|name| (name.as_str(), FieldKind::Number)));
    columns.extend(labels.map(|_| ("label", FieldKind::Text)));
    let mut file = target.begin(&columns, rows.len(), Some(latent))?;
    let mut failed = None;
    let take = |rows: &[u32], codes: &[f32]| {
        let mut cells = Vec::with_capacity(columns.len());
        for (&row, code) in rows.iter().zip(codes.chunks_exact(latent)) {
            cells.clear();
            cells.push(TableCell::Whole(u64::from(row)));
            cells.extend(code.iter().map(|&value| TableCell::Number(value)));
            if let Some(labels) = labels {
                cells.push(match labels[row as usize] {
                    UNLABELLED => TableCell::Missing,
                    label => TableCell::Text(&data.class_names()[usize::from(label)]),
                });
            }
            if let Err(e) = file.row(&cells, code) {
                let stop = narrows_models::Error::new(e.to_string());
                failed = Some(e);
                return Err(stop);
            }
        }
        Ok(())
    };
    let result = inference::embed(&cx, &description.architecture, &params, data, rows, take);
    if let Some(e) = failed {
        return Err(e);
    }
    result?;
    file.finish()?;

    let summary = EmbedSummary {
        command: NAME,
        dataset: data.name(),
        trained_on: &description.dataset,
        threads: cx.threads(),
        rows: rows.len(),
        latent,
        cost: Cost::since(start),
    };
    target.keep(SUMMARY, &json(&summary)?)?;
    Ok(format!(
        "{}: latent codes of {} rows, {} each\n\ncodes: {}\n",
        data.name(),
        thousands(rows.len()),
        counted(latent, "value"),
        target.path().display()
    ))
}
