//! Rows written as CSV, one at a time.

use std::fmt::{Display, LowerExp, Write as _};
use std::io::{self, Write};
use std::ops::Range;

use crate::formats::tables::cell::TableCell;

/// Writes CSV: commas, lines that end in LF, quotes where they are needed. One row is held at a
/// time, so that memory does not grow with their number.
pub(crate) struct CsvWriter<W> {
    to: W,
    columns: usize,
    row: String,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the names of the columns to `to`, which should be buffered.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub(crate) fn new(to: W, header: &[&str]) -> io::Result<Self> {
        let mut writer = CsvWriter { to, columns: header.len(), row: String::new() };
        let names: Vec<TableCell> = header.iter().map(|&name| TableCell::Text(name)).collect();
        writer.row(&names)?;
        Ok(writer)
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Writes a row: a cell for each column of the header.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn row(&mut self, cells: &[TableCell<'_>]) -> io::Result<()> {
        self.row.clear();
        for (column, &cell) in cells.iter().enumerate() {
            if column > 0 {
                self.row.push(',');
            }
            match cell {
                TableCell::Text(text) => self.text(text),
                TableCell::Number(value) if !value.is_nan() => {
                    let short = value == 0.0 || SHORT.contains(&f64::from(value.abs()));
                    write_shortest(value, short, &mut self.row);
                }
                TableCell::Double(value) if !value.is_nan() => {
                    let short = value == 0.0 || SHORT.contains(&value.abs());
                    write_shortest(value, short, &mut self.row);
                }
                TableCell::Whole(value) => {
                    // Never fails: a `String` takes anything.
                    let _ = write!(self.row, "{value}");
                }
                TableCell::Missing | TableCell::Number(_) | TableCell::Double(_) => {}
            }
        }
        if self.row.is_empty() {
            // A line of nothing would be no row.
            self.row.push_str("\"\"");
        }
        self.row.push('\n');
        self.to.write_all(self.row.as_bytes())
    }

    fn text(&mut self, text: &str) {
        if !text.contains([',', '"', '\n', '\r']) {
            self.row.push_str(text);
            return;
        }
        self.row.push('"');
        for part in text.split_inclusive('"') {
            self.row.push_str(part);
            if part.ends_with('"') {
                self.row.push('"');
            }
        }
        self.row.push('"');
    }

    /// Flushes, and gives back the writer below.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

/// The sizes of numbers that are short without an exponent.
const SHORT: Range<f64> = 1e-5..1e16;

/// The fewest digits that read back as the same value, without a tail of zeros that say nothing if
/// it is not `short`.
fn write_shortest(value: impl Display + LowerExp, short: bool, to: &mut String) {
    // Never fails: a `String` takes anything.
    let _ = if short { write!(to, "{value}") } else { write!(to, "{value:e}") };
}
