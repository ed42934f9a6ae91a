//! The columns of a table, inferred by a pass over its rows.
//!
//! - **Numbers**: each cell that is not missing is a number.
//! - **Categories**: any other column. Numbers may be among them.
//! - **ID columns are rejected**: more than 1,000 categories, or more than 100 and more than half
//!   the number of rows. Such a column names the rows or describes them.
//! - **Counters are rejected**, unless the column is to be ordinal: 1, 2, 3... over more than 100
//!   rows. They would give the label of a sorted table away.
//! - **Classes** are the texts or whole numbers of the label. All numbers: in ascending order; else
//!   in the order of their bytes. A row whose label is missing is unlabelled.
//!
//! Counts and different values are kept, at most 8 MB of them, and no rows. Numbers are collected
//! from the first text of a column on; a second pass collects those before it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use rayon::ThreadPool;

use super::counts::{Counts, FEW_CATEGORIES, MOST_CATEGORIES};
use super::layout::{Field, Layout};
use super::names::{Budget, Names};
use super::parallel::for_each_part;
use super::roles::{Role, roles};
use super::source::{Cell, Part, TableSource};
use crate::error::{Error, Problem, Remedy, Short, bail};
use crate::formats::options::TableOptions;
use crate::sample::column::{Column, ColumnKind, Encoding};
use crate::sample::label::MOST_CLASSES;

/// A table on its way to a layout.
struct Inference<'a> {
    path: &'a Path,
    row_word: &'static str,
    names: Vec<String>,
    roles: Vec<Role>,
    /// The columns that a model learnt from, by name. They need not be counted.
    known: Option<HashMap<&'a str, &'a Column>>,
    counts: Vec<Counts>,
    budget: Budget,
}

impl Layout {
    /// Reads all rows of `source`, twice if need be, on the threads of `pool`; errors call it
    /// `path`.
    ///
    /// # Errors
    /// If it cannot be read, `options` do not suit it, it has no rows, or a column holds what it
    /// should not.
    pub(crate) fn infer(
        source: &mut dyn TableSource,
        path: &Path,
        options: &TableOptions,
        pool: &ThreadPool,
    ) -> Result<Self, Error> {
        let names = source.column_names().to_vec();
        let roles = roles(&names, options, path)?;
        let counts = roles.iter().map(|role| Counts {
            collects_numbers: matches!(role, Role::Label | Role::Feature { categorical: true, .. }),
            ..Counts::default()
        });
        let mut inference = Inference {
            path,
            row_word: source.row_word(),
            counts: counts.collect(),
            names,
            roles,
            known: options
                .known
                .as_ref()
                .map(|known| known.iter().map(|column| (column.name.as_str(), column)).collect()),
            budget: Budget::default(),
        };
        let rows = inference.count(source, pool)?;
        if rows == 0 {
            bail!(path, "has no rows");
        }
        inference.collect_numbers(source)?;
        inference.decide(rows)
    }
}

impl Inference<'_> {
    /// The first pass; the number of rows.
    fn count(&mut self, source: &mut dyn TableSource, pool: &ThreadPool) -> Result<u64, Error> {
        let limits: Vec<Option<usize>> = self.roles.iter().map(|role| self.limit(*role)).collect();
        let limits = &limits;
        let mut rows = 0;
        // What each column collects, for parts that are read before the ones before them count.
        let collected: Vec<AtomicU8> =
            self.counts.iter().map(|counts| AtomicU8::new(collected(counts))).collect();
        let work = |part: &dyn Part| {
            let mut found = Found { counts: Vec::with_capacity(limits.len()), ..Found::default() };
            found.counts.extend(collected.iter().map(|bits| {
                let bits = bits.load(Ordering::Relaxed);
                let (collects_numbers, too_many) = (bits & NUMBERS != 0, bits & TOO_MANY != 0);
                Counts { collects_numbers, too_many, ..Counts::default() }
            }));
            let mut budget = Budget::default();
            let ended = part.for_each_row(&mut |row, cells| {
                found.rows += 1;
                if let Err((..)) = count_row(&mut found.counts, limits, &mut budget, row, cells) {
                    found.wrong = true;
                }
                Ok(())
            });
            found.ended = ended;
            found
        };
        let mut merge = |part: &dyn Part, found: Found| {
            if self.fits(&found, limits) {
                rows += found.rows;
                for (counts, later) in self.counts.iter_mut().zip(found.counts) {
                    counts.add(later);
                }
                found.ended?;
            } else {
                // By a limit, or an error: it is the row that tells.
                part.for_each_row(&mut |row, cells| {
                    rows += 1;
                    count_row(&mut self.counts, limits, &mut self.budget, row, cells)
                        .map_err(|(column, problem)| self.at(row, column, problem))
                })?;
            }
            for (bits, counts) in collected.iter().zip(&self.counts) {
                bits.store(self::collected(counts), Ordering::Relaxed);
            }
            Ok(())
        };
        for_each_part(source, pool, &work, &mut merge)?;
        Ok(rows)
    }

    /// The most different values of a column; `None` if it is not counted.
    fn limit(&self, role: Role) -> Option<usize> {
        match role {
            Role::Label => Some(MOST_CLASSES),
            Role::Feature { .. } if self.known.is_none() => Some(MOST_CATEGORIES),
            Role::Feature { .. } | Role::Ignored => None,
        }
    }

    /// Takes the memory to add what was `found`; `false` if cell by cell has to be looked at.
    fn fits(&mut self, found: &Found, limits: &[Option<usize>]) -> bool {
        let growth = |((counts, later), limit): ((&Counts, &Counts), &Option<usize>)| {
            limit.map_or(Some(0), |limit| counts.growth(later, limit))
        };
        let columns = self.counts.iter().zip(&found.counts).zip(limits);
        let bytes = columns.map(growth).try_fold(0, |all, bytes| Some(all + bytes?));
        !found.wrong && bytes.is_some_and(|bytes| self.budget.spend(bytes))
    }

    /// The second pass, if a column has numbers that came before its first text.
    fn collect_numbers(&mut self, source: &mut dyn TableSource) -> Result<(), Error> {
        let passed = |counts: &Counts| {
            counts.texts > counts.infinities && counts.numbers_passed && !counts.too_many
        };
        if !self.counts.iter().any(passed) {
            return Ok(());
        }
        source.for_each_row(&mut |row, cells| {
            for (column, &cell) in cells.iter().enumerate() {
                if passed(&self.counts[column]) {
                    self.counts[column]
                        .collect(cell, MOST_CATEGORIES, &mut self.budget)
                        .map_err(|problem| self.at(row, column, problem))?;
                }
            }
            Ok(())
        })
    }

    fn decide(mut self, rows: u64) -> Result<Layout, Error> {
        let mut layout = Layout {
            path: self.path.to_owned(),
            row_word: self.row_word,
            fields: Vec::new(),
            columns: Vec::new(),
            label: None,
            class_names: None,
            rows,
            labelled: 0,
            missing: Vec::new(),
            rounded: 0,
        };
        for (at, counts) in std::mem::take(&mut self.counts).into_iter().enumerate() {
            let name = &self.names[at];
            let known = self.known.as_ref().and_then(|known| known.get(name.as_str()));
            let field = match (self.roles[at], known) {
                (Role::Ignored, _) => Field::Ignored,
                (Role::Label, _) => {
                    layout.label = Some(name.clone());
                    layout.labelled = counts.numbers + counts.texts;
                    let classes =
                        classes(counts).map_err(|(row, problem)| self.wrong(row, at, problem))?;
                    layout.class_names = (layout.labelled > 0).then(|| classes.to_strings());
                    Field::Label(classes)
                }
                (Role::Feature { .. }, Some(&column)) => {
                    layout.missing.push(0);
                    layout.columns.push(column.clone());
                    match &column.kind {
                        ColumnKind::Number => Field::Number,
                        ColumnKind::Category { names, .. } => Field::Category(Names::known(names)),
                    }
                }
                (Role::Feature { categorical, ordinal }, None) => {
                    layout.missing.push(counts.missing);
                    let rounded = counts.rounded;
                    let field = feature(counts, rows, self.row_word, categorical, ordinal)
                        .map_err(|(row, problem)| self.wrong(row, at, problem))?;
                    let kind = match &field {
                        Field::Category(names) => ColumnKind::Category {
                            names: names.to_strings(),
                            encoding: if ordinal { Encoding::Ordinal } else { Encoding::OneHot },
                        },
                        _ => {
                            layout.rounded += rounded;
                            ColumnKind::Number
                        }
                    };
                    layout.columns.push(Column { name: name.clone(), kind });
                    field
                }
            };
            layout.fields.push(field);
        }
        Ok(layout)
    }

    /// The error of a column, or of its cell in a row.
    fn wrong(&self, row: Option<u64>, column: usize, problem: Problem) -> Error {
        match row {
            Some(row) => self.at(row, column, problem),
            None => {
                let place = format_args!("the column {} ", Short(&self.names[column]));
                Error::file(self.path, problem.at(place))
            }
        }
    }

    fn at(&self, row: u64, column: usize, problem: Problem) -> Error {
        let (word, name) = (self.row_word, Short(&self.names[column]));
        Error::file(self.path, problem.at(format_args!("{word} {row}, column {name}: ")))
    }
}

/// What a part of the rows told.
struct Found {
    rows: u64,
    counts: Vec<Counts>,
    /// A cell is an error, or would be if all before it counted.
    wrong: bool,
    /// The error of the row behind those counted.
    ended: Result<(), Error>,
}

impl Default for Found {
    fn default() -> Self {
        Found { rows: 0, counts: Vec::new(), wrong: false, ended: Ok(()) }
    }
}

/// Numbers of the column are collected; or it has too many values, and nothing is.
const NUMBERS: u8 = 1;
const TOO_MANY: u8 = 2;

fn collected(counts: &Counts) -> u8 {
    NUMBERS * u8::from(counts.collects_numbers) + TOO_MANY * u8::from(counts.too_many)
}

/// Counts a row's cells. The error is that of a cell, and its column.
fn count_row(
    counts: &mut [Counts],
    limits: &[Option<usize>],
    budget: &mut Budget,
    row: u64,
    cells: &[Cell<'_>],
) -> Result<(), (usize, Problem)> {
    for (column, ((counts, limit), &cell)) in counts.iter_mut().zip(limits).zip(cells).enumerate() {
        let Some(limit) = *limit else { continue };
        counts.count(row, cell, limit, budget).map_err(|problem| (column, problem))?;
    }
    Ok(())
}

/// The problem with a column, and its row if it is in one.
type Wrong = (Option<u64>, Problem);

/// A column of numbers or categories.
fn feature(
    counts: Counts,
    rows: u64,
    row_word: &str,
    categorical: bool,
    ordinal: bool,
) -> Result<Field, Wrong> {
    if counts.missing == rows {
        let problem = "is missing in every row: ignore it";
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    if let Some((row, text)) = &counts.first_infinity
        && counts.texts == counts.infinities
        && !categorical
    {
        let problem = format!("{text} is not finite: mend it, or leave it empty as missing");
        return Err((Some(*row), problem.into()));
    }
    if counts.texts > 0 || categorical {
        return categories(counts, rows, row_word)
            .map(Field::Category)
            .map_err(|problem| (None, problem));
    }
    if let Some((row, number)) = counts.first_too_large {
        let problem = format!(
            "{number:e} is beyond the range of 32-bit floats: give it in another unit, or ignore \
             the column"
        );
        return Err((Some(row), Problem::with(problem, Remedy::Ignore)));
    }
    if counts.counts_rows(rows) && !ordinal {
        let problem = "numbers the rows and tells nothing of them: have it ordinal to keep it, or \
                       ignore it";
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    Ok(Field::Number)
}

/// The categories of a column.
fn categories(counts: Counts, rows: u64, row_word: &str) -> Result<Names, Problem> {
    let found = counts.different();
    if !counts.too_many && (found <= FEW_CATEGORIES || found as u64 <= rows / 2) {
        return Ok(counts.seen.unwrap_or_default().into_names());
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

/// The classes of a column of labels.
fn classes(counts: Counts) -> Result<Names, Wrong> {
    // "inf" beside numbers is no class either.
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
    Ok(counts.seen.unwrap_or_default().into_names())
}
