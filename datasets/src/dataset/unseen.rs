//! Values of a table that are unlike those that a model learnt from, counted while rows pass by.
//!
//! A row is compared with the bounds of all columns in one loop without branches. Only a row that
//! lies outside is looked at column by column.

use crate::dataset::Dataset;
use crate::dataset::prepared::written;
use crate::error::{Error, Short};
use crate::files::data_file::Access;
use crate::preparation::spelling::Spellings;
use crate::preparation::{OUT_OF_RANGE, Preparation, PreparedColumn};
use crate::sample::column::{Column, ColumnKind};

/// Counts the categories that training never saw, and the numbers far outside what it saw, column
/// by column. Memory does not grow with the rows.
#[derive(Debug)]
pub struct Unseen {
    /// The smallest and the largest value of each stored column that needs no further look.
    low: Vec<f32>,
    high: Vec<f32>,
    columns: Vec<Watched>,
    rows: u64,
    /// (rows, columns) as stored.
    stored: Vec<f32>,
}

/// A column that a model learnt from.
#[derive(Debug)]
struct Watched {
    name: String,
    /// Its place among the stored columns.
    at: usize,
    /// For each category whether it is known; `None` for numbers.
    known: Option<Vec<bool>>,
    /// The smallest and the largest number that training saw.
    range: Option<[f64; 2]>,
    count: u64,
    /// The first such row, and its value.
    first: Option<(u32, f32)>,
}

impl Watched {
    fn is_known(&self, value: f32) -> bool {
        match &self.known {
            // Beyond the bounds.
            None => !value.is_finite(),
            Some(known) => {
                let missing = !(value >= 0.0 && value.is_finite());
                missing || known.get(value as usize).is_some_and(|&known| known)
            }
        }
    }
}

impl Unseen {
    /// Begins to watch rows of `data`, prepared like those that a model learnt from. Of anything
    /// but a table, nothing is watched.
    pub fn new(data: &Dataset) -> Self {
        let stored = data.columns().unwrap_or_default();
        let (low, high) =
            (vec![f32::NEG_INFINITY; stored.len()], vec![f32::INFINITY; stored.len()]);
        let mut unseen = Unseen { low, high, columns: Vec::new(), rows: 0, stored: Vec::new() };
        if let Preparation::Table(table) = data.preparation() {
            for column in table.columns() {
                let of_name = |other: &Column| other.name == column.name();
                if let Some(at) = stored.iter().position(of_name) {
                    unseen.watch(column, at, &stored[at].kind);
                }
            }
        }
        unseen
    }

    fn watch(&mut self, column: &PreparedColumn, at: usize, stored: &ColumnKind) {
        let mut watched = Watched {
            name: column.name().to_owned(),
            at,
            known: None,
            range: None,
            count: 0,
            first: None,
        };
        match (column, stored) {
            (&PreparedColumn::Number { mean, std, range, dates, .. }, _) => {
                let (mean, far) = (mean - stored.origin() as f64, OUT_OF_RANGE * std);
                (self.low[at], self.high[at]) = ((mean - far) as f32, (mean + far) as f32);
                // Seconds tell nobody a date.
                watched.range = range.filter(|_| dates.is_none());
            }
            (_, ColumnKind::Category { names, .. }) => {
                let spellings = Spellings::new(column.categories().unwrap_or_default());
                let known: Vec<bool> =
                    names.iter().map(|name| spellings.find(name).is_some()).collect();
                let first = known.iter().take_while(|&&known| known).count();
                self.high[at] = first as f32 - 0.5;
                watched.known = Some(known);
            }
            (_, ColumnKind::Number { .. }) => return,
        }
        self.columns.push(watched);
    }

    /// Counts the `rows` of `data`.
    ///
    /// # Errors
    /// If samples cannot be read.
    ///
    /// # Panics
    /// If a row is not there.
    pub fn add(&mut self, data: &Dataset, rows: &[u32]) -> Result<(), Error> {
        let width = self.low.len();
        if self.columns.is_empty() || rows.is_empty() {
            return Ok(());
        }
        self.rows += rows.len() as u64;
        self.stored.resize(rows.len() * width, 0.0);
        // Read, not mapped, as the pass that this is a part of reads them.
        let bytes = bytemuck::cast_slice_mut(&mut self.stored);
        data.gather_stored_by(Access::Read, rows, bytes)?;
        for (&row, values) in rows.iter().zip(self.stored.chunks_exact(width)) {
            let bounds = self.low.iter().zip(&self.high);
            // A missing value, NaN, is neither below nor above.
            let outside = values
                .iter()
                .zip(bounds)
                .fold(false, |any, (value, (low, high))| any | (value < low) | (value > high));
            if !outside {
                continue;
            }
            for column in &mut self.columns {
                let value = values[column.at];
                let inside = !(value < self.low[column.at] || value > self.high[column.at]);
                if !inside && !column.is_known(value) {
                    column.count += 1;
                    column.first.get_or_insert((row, value));
                }
            }
        }
        Ok(())
    }

    /// A line for each column that has any.
    pub fn notes(&self, data: &Dataset) -> Vec<String> {
        let found: Vec<(&Watched, u32, f32)> = self
            .columns
            .iter()
            .filter_map(|column| column.first.map(|(row, value)| (column, row, value)))
            .collect();
        let cells: Vec<(usize, &str)> =
            found.iter().map(|(column, row, _)| (data.stored_row(*row), &*column.name)).collect();
        let texts = data.written(&cells);
        let note = |(&(column, row, value), text): (&(&Watched, u32, f32), _)| {
            self.note(data, column, (row, value), text)
        };
        found.iter().zip(texts).map(note).collect()
    }

    fn note(
        &self,
        data: &Dataset,
        column: &Watched,
        (row, value): (u32, f32),
        text: Option<(Option<u64>, String)>,
    ) -> String {
        let (line, text) = text.unwrap_or_default();
        let kind = data.columns().map(|columns| &columns[column.at].kind);
        let shown = match kind {
            Some(ColumnKind::Category { names, .. }) => match names.get(value as usize) {
                Some(name) => Short(name).to_string(),
                None => Short(&text).to_string(),
            },
            // A number or a date, as it is written.
            Some(ColumnKind::Number { .. }) if !text.is_empty() => text,
            Some(ColumnKind::Number { origin, .. }) => written(f64::from(value) + *origin as f64),
            None => String::new(),
        };
        let (name, count, rows) = (Short(&column.name), column.count, self.rows);
        let first = if count == 1 { "" } else { "the first " };
        let place = line.map_or(String::new(), |line| format!(" (line {line})"));
        let row = data.number(row);
        let place = format!("{first}{shown} in row {row}{place}");
        match (&column.known, column.range) {
            (Some(_), _) => {
                let have = if count == 1 { "has" } else { "have" };
                format!(
                    "column {name}: {count} of {rows} rows {have} a category that training never \
                     saw, {place}"
                )
            }
            (None, range) => {
                let are = if count == 1 { "is" } else { "are" };
                let range = range.map_or(String::new(), |[low, high]| {
                    format!(" ({} to {})", written(low), written(high))
                });
                format!(
                    "column {name}: {count} of {rows} rows {are} far outside what training \
                     saw{range}: {place}"
                )
            }
        }
    }
}
