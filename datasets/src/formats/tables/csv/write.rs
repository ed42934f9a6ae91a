//! Rows written as CSV, one at a time.

use std::io::{self, Write};

use csv_core::WriteResult;

/// One cell of a row that is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CsvCell<'a> {
    /// Nothing: an empty cell. NaN is the same.
    Missing,
    /// A number, in the fewest digits that read back as the same `f32`.
    Number(f32),
    /// A whole number: of a row, or a count.
    Whole(u64),
    /// A text: of a category or a class. Quoted where it has to be.
    Text(&'a str),
}

/// Writes CSV: commas, lines that end in LF, quotes where they are needed. Nothing is held but one
/// row, so that memory does not grow with their number.
///
/// ```
/// use narrows_datasets::{CsvCell, CsvWriter};
///
/// let mut table = CsvWriter::new(Vec::new(), &["age", "eyes, colour"])?;
/// table.row(&[CsvCell::Number(0.1), CsvCell::Text("blue")])?;
/// table.row(&[CsvCell::Missing, CsvCell::Text("\"green\"")])?;
/// assert_eq!(table.finish()?, b"age,\"eyes, colour\"\n0.1,blue\n,\"\"\"green\"\"\"\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CsvWriter<W> {
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
    pub fn new(to: W, header: &[&str]) -> io::Result<Self> {
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

    /// Writes a row: a cell for each column of the header.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// If there are more or fewer cells than columns.
    pub fn row(&mut self, cells: &[CsvCell<'_>]) -> io::Result<()> {
        assert_eq!(cells.len(), self.columns, "a cell for each column");
        for (column, &cell) in cells.iter().enumerate() {
            let mut number = std::mem::take(&mut self.number);
            number.clear();
            match cell {
                CsvCell::Text(text) => self.cell(column, text),
                CsvCell::Number(value) if !value.is_nan() => {
                    write_shortest(value, &mut number);
                    self.cell(column, &number);
                }
                CsvCell::Whole(value) => {
                    // Never fails: a `String` takes anything.
                    let _ = std::fmt::Write::write_fmt(&mut number, format_args!("{value}"));
                    self.cell(column, &number);
                }
                CsvCell::Missing | CsvCell::Number(_) => self.cell(column, ""),
            }
            self.number = number;
        }
        self.end_row()
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish(mut self) -> io::Result<W> {
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
    let _ = if plain {
        std::fmt::Write::write_fmt(to, format_args!("{value}"))
    } else {
        std::fmt::Write::write_fmt(to, format_args!("{value:e}"))
    };
}
