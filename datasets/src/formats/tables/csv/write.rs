//! Rows written as CSV, one at a time.

use std::fmt::Write as _;
use std::io::{self, Write};

use csv_core::WriteResult;

use crate::formats::tables::write::TableCell;

/// Writes CSV: commas, lines that end in LF, quotes where they are needed. One row is held at a
/// time, so that memory does not grow with their number.
pub(crate) struct CsvWriter<W> {
    to: W,
    core: csv_core::Writer,
    columns: usize,
    /// The row's bytes, of which the first `filled` are written.
    row: Vec<u8>,
    filled: usize,
    number: String,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the names of the columns to `to`, which should be buffered.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub(crate) fn new(to: W, header: &[&str]) -> io::Result<Self> {
        let core = csv_core::Writer::new();
        let mut writer = CsvWriter {
            to,
            core,
            columns: header.len(),
            row: vec![0; 1 << 10],
            filled: 0,
            number: String::new(),
        };
        for (column, name) in header.iter().enumerate() {
            writer.cell(column, name);
        }
        writer.end_row()?;
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
        let mut number = std::mem::take(&mut self.number);
        for (column, &cell) in cells.iter().enumerate() {
            number.clear();
            let text = match cell {
                TableCell::Text(text) => text,
                TableCell::Number(value) if !value.is_nan() => {
                    write_shortest(value, &mut number);
                    &number
                }
                TableCell::Whole(value) => {
                    // Never fails: a `String` takes anything.
                    let _ = write!(number, "{value}");
                    &number
                }
                TableCell::Missing | TableCell::Number(_) => "",
            };
            self.cell(column, text);
        }
        self.number = number;
        self.end_row()
    }

    /// Flushes, and gives back the writer below.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }

    fn cell(&mut self, column: usize, text: &str) {
        if column > 0 {
            self.until_it_fits(|core, out| core.delimiter(out));
        }
        let mut rest = text.as_bytes();
        loop {
            let (result, read, wrote) = self.core.field(rest, &mut self.row[self.filled..]);
            self.filled += wrote;
            rest = &rest[read..];
            match result {
                WriteResult::InputEmpty => break,
                WriteResult::OutputFull => self.grow(),
            }
        }
    }

    fn end_row(&mut self) -> io::Result<()> {
        self.until_it_fits(|core, out| core.terminator(out));
        self.to.write_all(&self.row[..self.filled])?;
        self.filled = 0;
        Ok(())
    }

    fn until_it_fits(
        &mut self,
        mut put: impl FnMut(&mut csv_core::Writer, &mut [u8]) -> (WriteResult, usize),
    ) {
        loop {
            let (result, wrote) = put(&mut self.core, &mut self.row[self.filled..]);
            self.filled += wrote;
            match result {
                WriteResult::InputEmpty => break,
                WriteResult::OutputFull => self.grow(),
            }
        }
    }

    fn grow(&mut self) {
        self.row.resize(2 * self.row.len(), 0);
    }
}

/// The fewest digits that read back as the same value, without a tail of zeros that say nothing.
fn write_shortest(value: f32, to: &mut String) {
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    // Never fails: a `String` takes anything.
    let _ = if plain { write!(to, "{value}") } else { write!(to, "{value:e}") };
}
