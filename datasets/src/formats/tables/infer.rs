//! What the columns of a table are, found out by a pass over its rows.
//!
//! - A column is of numbers if each cell that is not missing is one, else of categories, of which
//!   numbers may be some.
//! - Categories are few: at most 1,000, and if they are more than 100, at most half as many as
//!   rows. More are an error: such a column numbers the rows, names them or describes them, and no
//!   row tells anything of another.
//! - Whole numbers that count more than 100 rows in their order, one by one, number them as well:
//!   unless the column is to be ordinal, they are an error. Of a sorted table they would give the
//!   label away.
//! - The label's texts or whole numbers are the classes, in ascending order if all are numbers,
//!   else in the order of their bytes. A label that is missing leaves its row unlabelled.
//!
//! Only counts and different values are kept, at most 8 MB of them, never rows. Numbers are not
//! collected unless the column turns out to hold texts as well: then a further pass collects them.

use std::collections::HashMap;
use std::path::Path;

use super::layout::Field;
use super::layout::Layout;
use super::names::{Budget, Names, Seen};
use super::roles::{Role, roles};
use super::source::{Cell, TableSource, is_infinite};
use crate::error::{Error, Problem, Remedy, Short, bail};
use crate::formats::options::TableOptions;
use crate::formats::tables::rounding::loses_digits;
use crate::sample::column::{Column, ColumnKind, Encoding};
use crate::sample::label::MOST_CLASSES;

/// The categories of a column.
const MOST_CATEGORIES: usize = 1_000;
/// So many need not be told apart from names of the rows.
const FEW_CATEGORIES: usize = 100;
/// What is longer than this, in bytes, is a description and no category.
const LONGEST_CATEGORY: usize = 256;

/// What the passes learn of a column.
#[derive(Default)]
struct Counts {
    missing: u64,
    numbers: u64,
    texts: u64,
    /// Those texts that are infinite numbers, and the row of the first.
    infinities: u64,
    first_infinity: Option<(u64, String)>,
    /// The row of the first other text.
    first_text: Option<(u64, String)>,
    /// The first number that `f32` cannot hold.
    first_too_large: Option<(u64, f64)>,
    rounded: u64,
    /// The first number that is not whole.
    first_fraction: Option<(u64, f64)>,
    /// The last number, and how many were one more than the number before.
    last: f64,
    steps: u64,
    seen: Box<Seen>,
    /// Whether there were too many values to be categories; the others were not collected.
    too_many: bool,
    /// Whether numbers are collected; and whether some had passed by before that.
    collects_numbers: bool,
    numbers_passed: bool,
}

impl Counts {
    /// The first and only pass over most columns.
    fn count(
        &mut self,
        row: u64,
        cell: Cell<'_>,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        match cell {
            Cell::Missing => self.missing += 1,
            Cell::Number(number) => {
                self.steps += u64::from(self.numbers > 0 && number - self.last == 1.0);
                self.last = number;
                self.numbers += 1;
                let stored = number as f32;
                if stored.is_infinite() {
                    self.first_too_large.get_or_insert((row, number));
                }
                if number.fract() != 0.0 {
                    self.first_fraction.get_or_insert((row, number));
                }
                self.rounded += u64::from(loses_digits(number));
                if self.collects_numbers {
                    return self.collect(cell, limit, budget);
                }
                self.numbers_passed = true;
            }
            Cell::Text(text) => {
                self.texts += 1;
                if is_infinite(text) {
                    self.infinities += 1;
                    self.first_infinity.get_or_insert_with(|| (row, Short(text).to_string()));
                } else {
                    self.first_text.get_or_insert_with(|| (row, Short(text).to_string()));
                }
                self.collects_numbers = true;
                return self.collect(cell, limit, budget);
            }
        }
        Ok(())
    }

    /// Whether it counts all rows, of which there are so many, one by one.
    fn counts_rows(&self, rows: u64) -> bool {
        rows > FEW_CATEGORIES as u64 && self.steps + 1 == rows && self.first_fraction.is_none()
    }

    fn collect(
        &mut self,
        cell: Cell<'_>,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        if self.too_many {
            return Ok(());
        }
        let fits = match cell {
            Cell::Missing => return Ok(()),
            Cell::Number(number) => self.seen.add_number(number, budget),
            Cell::Text(text) if text.len() > LONGEST_CATEGORY => {
                let problem =
                    format!("a text of {} bytes is no category: ignore the column", text.len());
                return Err(Problem::with(problem, Remedy::Ignore));
            }
            Cell::Text(text) => self.seen.add_text(text, budget),
        };
        if !fits {
            let problem =
                "the different texts of all columns take more than 8 MB: ignore some columns";
            return Err(Problem::with(problem, Remedy::Ignore));
        }
        self.too_many = self.seen.len() > limit;
        Ok(())
    }
}

impl Layout {
    /// Reads all rows of `source`, twice if need be; `path` is what errors call it.
    ///
    /// # Errors
    /// If it cannot be read, `options` do not suit it, it has no rows, or a column holds what it
    /// should not.
    pub(crate) fn infer(
        source: &mut dyn TableSource,
        path: &Path,
        options: &TableOptions,
    ) -> Result<Self, Error> {
        let names = source.column_names().to_vec();
        let row_word = source.row_word();
        let roles = roles(&names, options, path)?;
        let at = |row: u64, column: usize, problem: Problem| {
            let place = format_args!("{row_word} {row}, column {}: ", Short(&names[column]));
            Error::file(path, problem.at(place))
        };
        // What a model learnt from need not be looked at.
        let known: Option<HashMap<&str, &Column>> = options
            .known
            .as_ref()
            .map(|known| known.iter().map(|column| (column.name.as_str(), column)).collect());
        let counted = |role| role == Role::Label || (role != Role::Ignored && known.is_none());
        let limit = |role| if role == Role::Label { MOST_CLASSES } else { MOST_CATEGORIES };
        let mut counts: Vec<Counts> = Vec::new();
        counts.resize_with(names.len(), Counts::default);
        for (counts, role) in counts.iter_mut().zip(&roles) {
            counts.collects_numbers =
                matches!(role, Role::Label | Role::Feature { categorical: true, .. });
        }

        let mut budget = Budget::default();
        let mut rows = 0;
        source.for_each_row(&mut |row, cells| {
            rows += 1;
            for (column, (counts, &cell)) in counts.iter_mut().zip(cells).enumerate() {
                if counted(roles[column]) {
                    let counted = counts.count(row, cell, limit(roles[column]), &mut budget);
                    counted.map_err(|problem| at(row, column, problem))?;
                }
            }
            Ok(())
        })?;
        if rows == 0 {
            bail!(path, "has no rows");
        }
        // Numbers among texts.
        let passed = |counts: &Counts| {
            counts.texts > counts.infinities && counts.numbers_passed && !counts.too_many
        };
        if counts.iter().any(passed) {
            source.for_each_row(&mut |row, cells| {
                for (column, (counts, &cell)) in counts.iter_mut().zip(cells).enumerate() {
                    if passed(counts) {
                        let collected = counts.collect(cell, MOST_CATEGORIES, &mut budget);
                        collected.map_err(|problem| at(row, column, problem))?;
                    }
                }
                Ok(())
            })?;
        }

        let mut layout = Layout {
            path: path.to_owned(),
            row_word,
            fields: Vec::new(),
            columns: Vec::new(),
            label: None,
            class_names: None,
            rows,
            labelled: 0,
            missing: Vec::new(),
            rounded: 0,
        };
        for (column, (counts, role)) in counts.into_iter().zip(roles).enumerate() {
            let name = &names[column];
            let wrong = |problem: Problem| {
                Error::file(path, problem.at(format_args!("the column {} ", Short(name))))
            };
            match role {
                Role::Ignored => layout.fields.push(Field::Ignored),
                Role::Label => {
                    let labelled = counts.numbers + counts.texts;
                    let classes = classes(counts).map_err(|problem| match problem {
                        (Some(row), problem) => at(row, column, problem),
                        (None, problem) => wrong(problem),
                    })?;
                    layout.label = Some(name.clone());
                    layout.labelled = labelled;
                    layout.class_names = (labelled > 0).then(|| classes.to_strings());
                    layout.fields.push(Field::Label(classes));
                }
                Role::Feature { .. }
                    if let Some(&column) = known.as_ref().and_then(|k| k.get(name.as_str())) =>
                {
                    layout.fields.push(match &column.kind {
                        ColumnKind::Number => Field::Number,
                        ColumnKind::Category { names, .. } => Field::Category(Names::known(names)),
                    });
                    layout.missing.push(0);
                    layout.columns.push(column.clone());
                }
                Role::Feature { categorical, ordinal } => {
                    let (missing, rounded) = (counts.missing, counts.rounded);
                    if missing == rows {
                        let problem = "is missing in every row: ignore it";
                        return Err(wrong(Problem::with(problem, Remedy::Ignore)));
                    }
                    let only_infinities = counts.texts == counts.infinities && !categorical;
                    if let Some((row, text)) =
                        counts.first_infinity.as_ref().filter(|_| only_infinities)
                    {
                        let problem =
                            format!("{text} is not finite: mend it, or leave it empty as missing");
                        return Err(at(*row, column, problem.into()));
                    }
                    let kind = if counts.texts == 0 && !categorical {
                        if let Some((row, number)) = counts.first_too_large {
                            let advice = "give it in another unit, or ignore the column";
                            let problem = format!(
                                "{number:e} is beyond the range of 32-bit floats: {advice}"
                            );
                            let problem = Problem::with(problem, Remedy::Ignore);
                            return Err(at(row, column, problem));
                        }
                        if counts.counts_rows(rows) && !ordinal {
                            let advice = "have it ordinal to keep it, or ignore it";
                            let problem =
                                format!("numbers the rows and tells nothing of them: {advice}");
                            return Err(wrong(Problem::with(problem, Remedy::Ignore)));
                        }
                        layout.rounded += rounded;
                        layout.fields.push(Field::Number);
                        ColumnKind::Number
                    } else {
                        let categories = categories(counts, rows, row_word).map_err(wrong)?;
                        let encoding = if ordinal { Encoding::Ordinal } else { Encoding::OneHot };
                        let kind =
                            ColumnKind::Category { names: categories.to_strings(), encoding };
                        layout.fields.push(Field::Category(categories));
                        kind
                    };
                    layout.missing.push(missing);
                    layout.columns.push(Column { name: name.clone(), kind });
                }
            }
        }
        Ok(layout)
    }
}

/// The categories of a column that holds texts, or numbers as such.
fn categories(counts: Counts, rows: u64, row_word: &str) -> Result<Names, Problem> {
    let found = counts.seen.len();
    if !counts.too_many && (found <= FEW_CATEGORIES || found as u64 <= rows / 2) {
        return Ok(counts.seen.into_names());
    }
    let many =
        if counts.too_many { format!("more than {MOST_CATEGORIES}") } else { found.to_string() };
    match counts.first_text {
        Some((row, text)) if counts.numbers > counts.texts => {
            let problem = format!(
                "holds {} numbers, but also texts, the first {text} in {row_word} {row}: name it \
                 as missing, or ignore the column",
                counts.numbers
            );
            Err(Problem::with(problem, Remedy::MissingOrIgnore))
        }
        _ => {
            let problem = format!(
                "has {many} different values in {rows} rows, too many for categories: ignore it"
            );
            Err(Problem::with(problem, Remedy::Ignore))
        }
    }
}

/// The classes; or what is wrong, and in which row if in one.
fn classes(counts: Counts) -> Result<Names, (Option<u64>, Problem)> {
    // Of infinities alone, too: "inf" beside numbers is no class.
    if let Some((row, text)) = counts.first_infinity
        && counts.first_text.is_none()
    {
        return Err((
            Some(row),
            format!("{text} is not finite, and no class: mend it, or leave it empty").into(),
        ));
    }
    if let Some((row, number)) = counts.first_fraction
        && counts.texts == 0
    {
        let problem = format!(
            "{number} is not whole: it looks like a target of regression, not a class: name \
             another label column"
        );
        return Err((Some(row), Problem::with(problem, Remedy::OtherLabel)));
    }
    if counts.too_many {
        let problem = format!(
            "has more than {MOST_CLASSES} different labels, too many for classes: name another"
        );
        return Err((None, Problem::with(problem, Remedy::OtherLabel)));
    }
    Ok(counts.seen.into_names())
}
