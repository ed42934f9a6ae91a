//! `narrows embed`: the latent code of each row.

use super::inputs::{Chosen, Loaded, open_for, say};
use crate::cli::options::rows::Embed;
use crate::error::Error;
use crate::output::numbers::{counted, thousands};
use crate::output::summary::Summary;
use crate::run::folder::CODES;
use crate::run::row_writer::Target;
use narrows_datasets::{FieldKind, TableCell, UNLABELLED, Unseen};
use narrows_models::{ErrorKind, inference};
use std::time::Instant;

const NAME: &str = "embed";

pub fn run(options: &Embed) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    Target::check(options.export.out.as_deref())?;
    let model =
        Loaded::open_encoder(&options.run, &options.foreign, options.data.reading.image_size())?;
    let parts =
        open_for(&model, &mut options.data, options.machine.threads, options.machine.quiet)?;
    let mut chosen = Chosen::from(parts, options.part.part)?;
    if let Some(class) = &options.data.against_rest {
        chosen.data = chosen.data.one_against_rest(class)?;
    }
    let (data, rows) = (&chosen.data, chosen.rows());
    let labels = data.labels()?;
    let cx = options.machine.context()?;
    let target = Target::new(options.export.out.as_deref(), NAME, CODES)?;

    let architecture = &model.description.architecture;
    let latent = architecture.latent;
    let names: Vec<String> = (0..latent).map(|at| format!("z{at}")).collect();
    let mut columns = vec![("row", FieldKind::Whole)];
    columns.extend(data.has_files().then_some(("file", FieldKind::Text)));
    columns.extend(names.iter().map(|name| (name.as_str(), FieldKind::Number)));
    columns.extend(labels.map(|_| ("label", FieldKind::Text)));
    let mut file = target.begin(&columns, rows.len(), Some(latent))?;
    let mut failed = None;
    let mut unseen = Unseen::new(data);
    let take = |rows: &[u32], codes: &[f32]| {
        unseen.add(data, rows)?;
        let mut cells = Vec::with_capacity(columns.len());
        for (&row, code) in rows.iter().zip(codes.chunks_exact(latent)) {
            cells.clear();
            cells.push(TableCell::Whole(u64::from(row)));
            cells.extend(data.file(row).map(TableCell::Text));
            cells.extend(code.iter().map(|&value| TableCell::Number(value)));
            cells.extend(labels.map(|labels| match labels[row as usize] {
                UNLABELLED => TableCell::Missing,
                label => TableCell::Text(&data.class_names()[usize::from(label)]),
            }));
            if let Err(e) = file.row(&cells, code) {
                let stop = narrows_models::Error::of(ErrorKind::Io, e.to_string());
                failed = Some(e);
                return Err(stop);
            }
        }
        Ok(())
    };
    let result = inference::embed(&cx, architecture, &model.params, data, rows, take);
    if let Some(e) = failed {
        return Err(e);
    }
    result?;
    file.finish()?;
    say(unseen.notes(data));

    let summary = Summary::new(NAME, data.name())
        .row("trained_on", &model.description.dataset)
        .row("threads", cx.threads())
        .row("rows", rows.len())
        .row("latent", latent);
    target.keep(summary, start)?;
    Ok(format!(
        "{}: latent codes of {} rows, {} each\n\ncodes: {}\n",
        data.name(),
        thousands(rows.len()),
        counted(latent, "value"),
        target.path().display()
    ))
}
