//! Columns of a table that cannot be read as they are.

use super::lines::lines;
use crate::error::{listed, marks};
use narrows_datasets::{RefusedColumn, Remedy};

/// Each column with its problem, and the options that read the rest of the table.
pub fn text(columns: &[RefusedColumn]) -> String {
    let rows: Vec<(&str, String)> = columns.iter().map(|of| (of.name.as_str(), why(of))).collect();
    let one = columns.len() == 1;
    format!(
        "\n{} refused, and left out above:\n{}\nadd to read the rest: {}\n",
        if one { "1 column is".to_owned() } else { format!("{} columns are", columns.len()) },
        lines(&rows),
        options(columns)
    )
}

/// The problem, without its remedy where an option solves it.
fn why(of: &RefusedColumn) -> String {
    let problem = match of.problem.rfind(": ").filter(|_| of.remedy.is_some()) {
        Some(end) => &of.problem[..end],
        None => &of.problem,
    };
    match &of.row {
        Some(row) => format!("{row}: {problem}"),
        None => problem.to_owned(),
    }
}

fn options(columns: &[RefusedColumn]) -> String {
    let (marked, others): (Vec<_>, Vec<_>) = columns.iter().partition(|column| {
        column.remedy == Some(Remedy::MissingOrCategories) && !column.marks.is_empty()
    });
    let missing = (!marked.is_empty()).then(|| format!("--missing={}", marks(marked)));
    let names = others.iter().map(|column| &column.name);
    let ignore = (!others.is_empty()).then(|| format!("--ignore {}", listed(names)));
    [ignore, missing].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
