//! `narrows predict`: the class of each row, and its probability.
//!
//! Rows pass by once, and predictions are written as they come: memory does not grow with the rows.

use super::inputs::{Chosen, Loaded, open_for, say};
use crate::cli::options::rows::Predict;
use crate::error::{Error, bail};
use crate::output::numbers::thousands;
use crate::output::summary::Summary;
use crate::run::folder::PREDICTIONS;
use crate::run::row_writer::Target;
use narrows_datasets::{FieldKind, TableCell, Unseen};
use narrows_models::{ErrorKind, inference};
use std::time::Instant;

const NAME: &str = "predict";

pub fn run(options: &Predict) -> Result<String, Error> {
    let start = Instant::now();
    let mut options = options.clone();
    Target::check(options.out.as_deref())?;
    let model = Loaded::open(&options.run)?;
    let Loaded { path, description, network, params } = &model;
    let Some(classes) = description.classes else {
        bail!(
            path,
            "the model is an autoencoder, which predicts no classes: give the run of a classifier, \
             as narrows train makes it"
        )
    };
    if options.data.path.data.is_some() {
        // A table of new rows has no labels, and those of others are not looked at.
        options.data.reading.target.get_or_insert_with(|| "none".to_owned());
    }
    let parts =
        open_for(&model, &mut options.data, options.machine.threads, options.machine.quiet)?;
    let chosen = Chosen::from(parts, options.part.part)?;
    let rows = chosen.rows();
    let names = class_names(description.class_names.clone(), classes);
    let cx = options.machine.context()?;
    let target = match &options.out {
        Some(out) => Target::new(Some(out), NAME, PREDICTIONS)?,
        None => Target::stdout(),
    };

    let top = options.top.min(classes);
    let ranks: Vec<[String; 2]> =
        (2..=top).map(|rank| [format!("class {rank}"), format!("probability {rank}")]).collect();
    let all: Vec<String> = names.iter().map(|name| format!("p {name}")).collect();
    let data = &chosen.data;
    let mut ids = options.id.as_deref().map(|column| data.texts(column)).transpose()?;
    let mut columns = vec![("row", FieldKind::Whole)];
    columns.extend(options.id.as_deref().map(|column| (column, FieldKind::Text)));
    columns.extend(data.has_files().then_some(("file", FieldKind::Text)));
    columns.extend([("class", FieldKind::Text), ("probability", FieldKind::Number)]);
    for [class, probability] in &ranks {
        columns.push((class, FieldKind::Text));
        columns.push((probability, FieldKind::Number));
    }
    if options.all {
        columns.extend(all.iter().map(|name| (name.as_str(), FieldKind::Number)));
    }
    let mut file = target.begin(&columns, rows.len(), Some(classes))?;
    let mut order: Vec<usize> = (0..classes).collect();
    let mut failed = None;
    let mut unseen = Unseen::new(data);
    let take = |rows: &[u32], probabilities: &[f32]| {
        unseen.add(data, rows)?;
        for (&row, of_row) in rows.iter().zip(probabilities.chunks_exact(classes)) {
            let mut cells = Vec::with_capacity(columns.len());
            cells.push(TableCell::Whole(u64::from(row)));
            let id = ids.as_mut().map(|ids| ids.of(data, row)).transpose()?;
            cells.extend(id.map(TableCell::Text));
            cells.extend(data.file(row).map(TableCell::Text));
            highest(of_row, top, &mut order);
            for &class in &order[..top] {
                cells.push(TableCell::Text(&names[class]));
                cells.push(TableCell::Number(of_row[class]));
            }
            if options.all {
                cells.extend(of_row.iter().map(|&value| TableCell::Number(value)));
            }
            if let Err(e) = file.row(&cells, of_row) {
                let stop = narrows_models::Error::of(ErrorKind::Io, e.to_string());
                failed = Some(e);
                return Err(stop);
            }
        }
        Ok(())
    };
    let temperature = description.temperature.unwrap_or(1.0);
    let result = inference::predict(&cx, (network, params), temperature, data, rows, take);
    match failed {
        // Whoever read the rows wanted no more of them.
        Some(_) if target.is_closed() => return Ok(String::new()),
        Some(e) => return Err(e),
        None => result?,
    }
    match file.finish() {
        Err(_) if target.is_closed() => return Ok(String::new()),
        result => result?,
    }
    say(unseen.notes(data));
    let summary = Summary::new(NAME, chosen.data.name())
        .row("trained_on", &description.dataset)
        .row("threads", cx.threads())
        .row("rows", rows.len())
        .row("classes", classes);
    target.keep(summary, start)?;
    if options.out.is_none() {
        return Ok(String::new());
    }
    Ok(format!(
        "{}: {} rows predicted\n\npredictions: {}\n",
        chosen.data.name(),
        thousands(rows.len()),
        target.path().display()
    ))
}

/// Puts the `top` classes of the highest probabilities first, the first of equal ones before the
/// others.
fn highest(probabilities: &[f32], top: usize, order: &mut [usize]) {
    if top == 1 {
        order[0] = (1..probabilities.len())
            .fold(0, |best, at| if probabilities[at] > probabilities[best] { at } else { best });
        return;
    }
    order.iter_mut().enumerate().for_each(|(at, class)| *class = at);
    order.sort_by(|&one, &other| probabilities[other].total_cmp(&probabilities[one]));
}

/// The names of the classes; their numbers where the model does not know any.
fn class_names(names: Vec<String>, classes: usize) -> Vec<String> {
    if names.len() == classes { names } else { (0..classes).map(|at| at.to_string()).collect() }
}
