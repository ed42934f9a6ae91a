//! A study: its trials, and the drawings that the search left of them.

use super::chart::{Figure, picture};
use super::files::{DRAWINGS, Run, TRIALS};
use super::html::{Html, all, element, paragraph};
use super::table::{Cell, Table};
use crate::output::numbers::{counted, significant};

/// The bytes that a drawing may have in a page.
const MOST: usize = 400_000;

pub fn section(run: &Run) -> Option<Html> {
    let trials = trials(run)?;
    let mut figures = Vec::new();
    let all_trials = counted(trials.rows.len(), "trial");
    for ((name, title), drawing) in DRAWINGS.iter().zip(&run.drawings) {
        let Some(drawing) = drawing else { continue };
        if drawing.len() > MOST {
            let note = format!("{name} is too large to stand in a page; it is in the run folder.");
            figures.push(paragraph("note", note));
            continue;
        }
        let said = between(drawing, "<desc>", "</desc>").unwrap_or(title);
        let note = format!(
            "Validation split, {all_trials}. Stopped trials are grey. The file {name} is the same."
        );
        let figure = Figure {
            title,
            note: &note,
            description: said,
            legend: Html::default(),
            table: trials.clone(),
        };
        figures.push(figure.around(picture("drawing", "image/svg+xml", drawing.as_bytes(), said)));
    }
    if figures.is_empty() {
        figures.push(trials.html());
    }
    Some(element("div", &[("class", "figures wide")], all(figures)))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let rest = text.split_once(open)?.1;
    Some(rest.split_once(close)?.0)
}

/// All trials.
fn trials(run: &Run) -> Option<Table> {
    let (head, rows) = run.trials.split_first()?;
    let columns: Vec<&str> = head.iter().map(String::as_str).collect();
    let caption = format!("All trials, as {TRIALS} has them. Values: validation split.");
    let mut table = Table::new("trials", caption, &columns);
    for row in rows {
        table.row(row.iter().map(|cell| match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Cell::number(number, significant(number, 5)),
            _ => Cell::text(cell),
        }));
    }
    Some(table)
}
