//! The columns of a table, inferred by a pass over its rows.
//!
//! `decide` has the rules. Counts and different values are kept, at most 8 MB of them, and no rows.
//! A second pass reads columns of categories again in which there are numbers too: then as texts,
//! so that `7` and `007` are two.

mod alike;
mod columns;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::ThreadPool;

use super::counts::{Counted, Counts, MOST_CATEGORIES, count_row};
use super::decide::{Kind, kind};
use super::layout::Layout;
use super::names::Budget;
use super::parallel::for_each_part;
use super::roles::{Role, roles};
use super::source::{Part, TableSource, is_empty};
use super::totals::Sums;
use crate::error::{Error, Problem, RefusedColumn, Short, bail};
use crate::formats::options::{Decimal, LabelColumn, TableOptions};
use crate::sample::column::{Column, ColumnKind};
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
    /// The mark before the fractions of numbers that are texts; `None` if no text is a number.
    decimal: Option<Decimal>,
    /// Categories that the model does not know keep their names.
    new_categories: bool,
    /// The columns whose cells are read as texts.
    texts: Vec<bool>,
    /// The rows without a value, which are left out unless a model's rows keep their numbers.
    empty_rows: u64,
    sums: Sums,
    /// For each column, the first row whose number has zeros before it.
    leading_zeros: Vec<Option<u64>>,
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
        let mut roles = roles(&names, options, path)?;
        if let Some(at) = source.row_names()
            && roles[at] == (Role::Feature { categorical: false, ordinal: false })
            && options.known.is_none()
        {
            roles[at] = Role::Ignored;
        }
        let counts = roles.iter().map(|role| match role {
            Role::Label if source.decimal().is_some() => Counts::new(Counted::Labels, false),
            Role::Label | Role::Feature { categorical: true, .. } => {
                Counts::new(Counted::Categories, false)
            }
            Role::Feature { .. } | Role::Ignored => Counts::default(),
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
            decimal: source.decimal(),
            new_categories: options.new_categories,
            texts: Vec::new(),
            empty_rows: 0,
            sums: Sums::default(),
            leading_zeros: Vec::new(),
        };
        inference.texts = inference.text_columns();
        inference.of_units();
        source.read_as_text(&inference.texts, inference.label_at());
        let rows = inference.count(source, pool)?;
        if rows == 0 {
            bail!(path, "has no rows");
        }
        if let Some(row) = inference.sums.total(source)?
            && source.leave_out(row)
        {
            let mut layout = Layout::infer(source, path, options, pool)?;
            layout.notes.push(format!(
                "{} {row}, the last, is left out, because its numbers are the sums of those above",
                inference.row_word
            ));
            return Ok(layout);
        }
        if let Some(label) = inference.coordinate(options) {
            let options = TableOptions { label: LabelColumn::Absent, ..options.clone() };
            let name = Short(&inference.names[label]).to_string();
            let mut layout = Layout::infer(source, path, &options, pool)?;
            layout.notes.push(format!(
                "the column {name} is taken for a coordinate, and not for the labels, because all \
                 its numbers differ"
            ));
            return Ok(layout);
        }
        inference.count_categories_again(source, rows)?;
        let columns = 0..inference.names.len();
        inference.leading_zeros = columns.map(|column| source.leading_zeros(column)).collect();
        let mut layout = inference.decide(rows)?;
        layout.notes.splice(0..0, source.notes());
        Ok(layout)
    }
}

impl Inference<'_> {
    /// The first pass; the number of rows.
    fn count(&mut self, source: &mut dyn TableSource, pool: &ThreadPool) -> Result<u64, Error> {
        let limits: Vec<Option<usize>> =
            (0..self.roles.len()).map(|column| self.limit(column)).collect();
        let (limits, decimal, keeps_empty) = (&limits, self.decimal, self.keeps_empty());
        let mut rows = 0;
        let kinds: Vec<Counted> = self.counts.iter().map(|counts| counts.kind).collect();
        // The columns that collect no more, for parts that are read before the ones before them
        // count.
        let full: Vec<AtomicBool> = kinds.iter().map(|_| AtomicBool::new(false)).collect();
        let work = |part: &dyn Part| {
            let mut found = Found { counts: Vec::with_capacity(limits.len()), ..Found::default() };
            found.counts.extend(
                kinds
                    .iter()
                    .zip(&full)
                    .map(|(&kind, full)| Counts::new(kind, full.load(Ordering::Relaxed))),
            );
            let mut budget = Budget::default();
            let ended = part.for_each_row(&mut |row, cells| {
                let empty = is_empty(cells);
                found.empty_rows += u64::from(empty);
                if empty && !keeps_empty {
                    return Ok(());
                }
                found.rows += 1;
                found.sums.push(row, cells);
                let counted =
                    count_row(&mut found.counts, limits, decimal, &mut budget, row, cells);
                if counted.is_err() {
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
                self.empty_rows += found.empty_rows;
                self.sums.add(found.sums);
                for (counts, later) in self.counts.iter_mut().zip(found.counts) {
                    counts.add(later);
                }
                found.ended?;
            } else {
                // By a limit, or an error: it is the row that tells.
                part.for_each_row(&mut |row, cells| {
                    let empty = is_empty(cells);
                    self.empty_rows += u64::from(empty);
                    if empty && !keeps_empty {
                        return Ok(());
                    }
                    rows += 1;
                    self.sums.push(row, cells);
                    count_row(&mut self.counts, limits, decimal, &mut self.budget, row, cells)
                        .map_err(|(column, problem)| self.wrong(row, column, problem))
                })?;
            }
            for (full, counts) in full.iter().zip(&self.counts) {
                full.store(counts.too_many, Ordering::Relaxed);
            }
            Ok(())
        };
        for_each_part(source, pool, &work, &mut merge)?;
        Ok(rows)
    }

    /// The most different values of a column; `None` if it is not counted.
    fn limit(&self, column: usize) -> Option<usize> {
        match self.roles[column] {
            Role::Label => Some(MOST_CLASSES),
            Role::Feature { .. } if self.known.is_none() => Some(MOST_CATEGORIES),
            Role::Feature { .. } if self.new_categories && self.texts[column] => {
                Some(MOST_CATEGORIES)
            }
            Role::Feature { .. } if self.counts[column].kind == Counted::Known => Some(0),
            Role::Feature { .. } | Role::Ignored => None,
        }
    }

    fn label_at(&self) -> Option<usize> {
        self.roles.iter().position(|role| *role == Role::Label)
    }

    /// The column `y` beside `x` and perhaps `z`, if it was taken for the labels by its name, and
    /// no number in it comes again.
    fn coordinate(&self, options: &TableOptions) -> Option<usize> {
        let label = self.label_at().filter(|_| options.label == LabelColumn::Detect)?;
        let is = |at: usize, name: &str| self.names[at].eq_ignore_ascii_case(name);
        let others = (0..self.names.len()).all(|at| at == label || is(at, "x") || is(at, "z"));
        let counts = &self.counts[label];
        let distinct = counts.too_many || counts.different() as u64 == counts.numbers;
        let differ = counts.texts == 0 && counts.numbers > 1 && distinct;
        (is(label, "y") && others && differ).then_some(label)
    }

    /// Has those of a model's columns counted whose numbers had a unit.
    fn of_units(&mut self) {
        let Some(known) = &self.known else { return };
        for (name, counts) in self.names.iter().zip(&mut self.counts) {
            let kind = known.get(name.as_str()).map(|column| &column.kind);
            if matches!(kind, Some(ColumnKind::Number { unit, .. }) if !unit.is_empty()) {
                counts.kind = Counted::Known;
            }
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

    /// Rows that are read for a model keep their numbers, and therefore empty rows.
    fn keeps_empty(&self) -> bool {
        self.known.is_some() && !self.new_categories
    }

    /// The columns that are categories before any row is read.
    fn text_columns(&self) -> Vec<bool> {
        let of_categories = |(name, role): (&String, &Role)| match (role, &self.known) {
            (Role::Feature { .. }, Some(known)) => known
                .get(name.as_str())
                .is_some_and(|column| matches!(column.kind, ColumnKind::Category { .. })),
            (Role::Feature { categorical, .. }, None) => *categorical,
            (Role::Label | Role::Ignored, _) => false,
        };
        self.names.iter().zip(&self.roles).map(of_categories).collect()
    }

    /// The second pass, if there are columns of categories with numbers among them.
    fn count_categories_again(
        &mut self,
        source: &mut dyn TableSource,
        rows: u64,
    ) -> Result<(), Error> {
        let again: Vec<bool> = (0..self.names.len())
            .map(|column| {
                let counts = &self.counts[column];
                let kind = kind(counts, self.roles[column], rows, self.row_word, self.decimal);
                matches!(kind, Ok(Kind::Categories))
                    && counts.numbers + counts.marked + counts.dates > 0
                    && counts.kind == Counted::Features
                    && !counts.too_many
            })
            .collect();
        if self.known.is_some() || !again.contains(&true) {
            return Ok(());
        }
        for (column, _) in again.iter().enumerate().filter(|(_, again)| **again) {
            self.counts[column].seen = None;
            self.texts[column] = true;
        }
        source.read_as_text(&self.texts, self.label_at());
        source.for_each_row(&mut |row, cells| {
            for (column, &cell) in cells.iter().enumerate().filter(|(column, _)| again[*column]) {
                self.counts[column]
                    .collect(row, cell, MOST_CATEGORIES, &mut self.budget)
                    .map_err(|problem| self.wrong(row, column, problem))?;
            }
            Ok(())
        })
    }

    /// A column that cannot be read, and the row at fault if there is one.
    fn refused(&self, row: Option<u64>, column: usize, problem: Problem) -> RefusedColumn {
        let Problem { text: problem, remedy, marks } = problem;
        let row = row.map(|row| format!("{} {row}", self.row_word));
        RefusedColumn { name: self.names[column].clone(), row, problem, remedy, marks }
    }

    /// The error of a cell.
    fn wrong(&self, row: u64, column: usize, problem: Problem) -> Error {
        let refused = vec![self.refused(Some(row), column, problem)];
        Error::Columns { path: self.path.to_owned(), refused }
    }

    /// The error of the column of labels, without which there are none.
    fn wrong_label(&self, row: Option<u64>, column: usize, problem: Problem) -> Error {
        let (word, name) = (self.row_word, Short(&self.names[column]));
        Error::file(
            self.path,
            match row {
                Some(row) => problem.at(format_args!("{word} {row}, column {name}: ")),
                None => problem.at(format_args!("the column {name} ")),
            },
        )
    }
}

/// What a part of the rows told.
struct Found {
    rows: u64,
    empty_rows: u64,
    sums: Sums,
    counts: Vec<Counts>,
    /// A cell is an error, or would be if all before it counted.
    wrong: bool,
    /// The error of the row behind those counted.
    ended: Result<(), Error>,
}

impl Default for Found {
    fn default() -> Self {
        let (sums, counts) = (Sums::default(), Vec::new());
        Found { rows: 0, empty_rows: 0, sums, counts, wrong: false, ended: Ok(()) }
    }
}
