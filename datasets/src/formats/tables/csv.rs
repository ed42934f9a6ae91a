//! Delimited text: CSV, TSV and their kin, plain or compressed by gzip, told by the first bytes.
//!
//! - The delimiter is the one of `,` `;` tab `|` that the first line has most of, outside quotes.
//!   A line without any has one column.
//! - A cell may be quoted by `"`, and then hold delimiters, line breaks, and quotes as `""`. Blanks
//!   around a cell are not part of it. Empty lines are no rows.
//! - The first row is a header if it has a cell that is neither a number nor missing. Without one,
//!   columns are called `column 1` and so on.
//! - Missing values are an empty cell, `NA`, `N/A`, `n/a`, `#N/A`, `<NA>`, `NaN` in any case,
//!   `null`, `NULL`, `None` and `?`. Not `-`, which is as often one of two classes.
//! - Numbers are texts that Rust's `f64` reads: a point and no comma, an exponent, no hexadecimal.
//!   Anything else is a text. Infinity is a text, too: the table's layout refuses it in a column of
//!   numbers.
//! - Text is UTF-8, with or without a byte order mark. A row has at most 4 MB and 65,536 cells.

mod records;
mod write;

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;

use crate::error::{At as _, Error, Short, bail};
use crate::files::gzip::is_gzip;
use crate::files::regular::open_regular;
use crate::formats::options::TableOptions;
use crate::formats::tables::source::{Cell, TableSource, is_infinite, twice};
use records::{Record, Records};
pub(crate) use write::CsvWriter;

const DELIMITERS: [u8; 4] = *b",;\t|";
const MISSING: [&str; 9] = ["NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "?"];

/// The input of a table of text.
pub(crate) trait Input: Read + Seek {}

impl<T: Read + Seek> Input for T {}

/// A table in delimited text.
pub(crate) struct CsvTable {
    path: PathBuf,
    input: Box<dyn Input>,
    /// The length and the time of modification when the file was opened, to be compared after each
    /// pass.
    stamp: Option<(u64, Option<SystemTime>)>,
    delimiter: u8,
    /// The first row holds the names.
    header: bool,
    names: Vec<String>,
    /// Texts of missing values beside [`MISSING`].
    missing: Vec<String>,
}

impl CsvTable {
    /// Opens `path` and reads its first row.
    ///
    /// # Errors
    /// If it is not a regular file, cannot be read, is empty, or its first row is damaged or names
    /// a column twice or not at all.
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, Error> {
        let (file, _) = open_regular(path, "a table")?;
        let metadata = file.metadata().at(path)?;
        let mut table = CsvTable::from_input(Box::new(file), path, options)?;
        table.stamp = Some((metadata.len(), metadata.modified().ok()));
        Ok(table)
    }

    /// [`CsvTable::open`] of an input that errors call `path`.
    pub(crate) fn from_input(
        input: Box<dyn Input>,
        path: &Path,
        options: &TableOptions,
    ) -> Result<Self, Error> {
        if let Some(delimiter) = options.delimiter
            && (!delimiter.is_ascii() || matches!(delimiter, b'"' | b'\r' | b'\n' | 0))
        {
            bail!("{:?} cannot separate columns: ask for , ; | or a tab", char::from(delimiter));
        }
        let mut table = CsvTable {
            path: path.to_owned(),
            input,
            stamp: None,
            delimiter: options.delimiter.unwrap_or(b','),
            header: false,
            names: Vec::new(),
            missing: options.missing.clone(),
        };
        let mut records = read_from_start(&mut *table.input, path)?;
        let delimiter =
            options.delimiter.unwrap_or_else(|| most_frequent_delimiter(records.start()));
        records.set_delimiter(delimiter);
        let Some(first) = records.next()? else {
            bail!(path, "is empty, where a table is expected");
        };
        let header = options.header.unwrap_or_else(|| {
            first.cells().any(|cell| match to_cell(cell, &table.missing) {
                Cell::Text(text) => !is_infinite(text),
                Cell::Number(_) | Cell::Missing => false,
            })
        });
        let names = if header {
            header_names(&first, path)?
        } else {
            (1..=first.len()).map(|number| format!("column {number}")).collect()
        };
        drop(records);
        (table.delimiter, table.header, table.names) = (delimiter, header, names);
        Ok(table)
    }
}

impl TableSource for CsvTable {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn for_each_row(
        &mut self,
        take: &mut dyn FnMut(u64, &[Cell<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut records = read_from_start(&mut *self.input, &self.path)?;
        records.set_delimiter(self.delimiter);
        if self.header {
            records.next()?;
        }
        while let Some(record) = records.next()? {
            if record.len() != self.names.len() {
                let (line, found, expected) = (record.line, record.len(), self.names.len());
                let whose = if self.header { "the header" } else { "the first row" };
                bail!(
                    &self.path,
                    "line {line} has {found} values, where {whose} has {expected}: mend the row, \
                     or name the delimiter if it is another"
                );
            }
            let cells: Vec<Cell> =
                record.cells().map(|cell| to_cell(cell, &self.missing)).collect();
            take(record.line, &cells)?;
        }
        if let Some(stamp) = self.stamp {
            let metadata = fs::metadata(&self.path).at(&self.path)?;
            if stamp != (metadata.len(), metadata.modified().ok()) {
                bail!(&self.path, "changed while it was being read: start again");
            }
        }
        Ok(())
    }

    fn row_word(&self) -> &'static str {
        "line"
    }
}

/// The records of the input from its start on, decompressed if need be.
fn read_from_start<'a>(
    input: &'a mut dyn Input,
    path: &'a Path,
) -> Result<Records<'a, Box<dyn Read + 'a>>, Error> {
    input.seek(SeekFrom::Start(0)).at(path)?;
    let mut input = BufReader::with_capacity(32 << 10, input);
    let gzip = is_gzip(input.fill_buf().at(path)?);
    let reader: Box<dyn Read + 'a> =
        if gzip { Box::new(MultiGzDecoder::new(input)) } else { Box::new(input) };
    Records::new(reader, gzip, path)
}

/// The delimiter that the first line, as far as it is here, has most of outside quotes.
fn most_frequent_delimiter(start: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    let lines = start.iter().skip_while(|&&byte| byte == b'\n' || byte == b'\r');
    for &byte in lines {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                if let Some(which) = DELIMITERS.iter().position(|&delimiter| delimiter == byte) {
                    counts[which] += 1;
                }
            }
        }
    }
    // The first of those that are equal.
    let most = (0..counts.len()).rev().max_by_key(|&which| counts[which]);
    DELIMITERS[most.unwrap_or(0)]
}

fn header_names(header: &Record, path: &Path) -> Result<Vec<String>, Error> {
    let names: Vec<String> = header.cells().map(|name| trim(name).to_owned()).collect();
    let line = header.line;
    if let Some(empty) = names.iter().position(String::is_empty) {
        bail!(
            path,
            "line {line}, the header, has no name for column {}: name it, or leave it out if it \
             numbers the rows",
            empty + 1
        );
    }
    if let Some((one, other)) = twice(&names) {
        let (name, one, other) = (Short(&names[one]), one + 1, other + 1);
        bail!(
            path,
            "line {line}, the header, calls columns {one} and {other} both {name}: rename one"
        );
    }
    Ok(names)
}

fn trim(cell: &str) -> &str {
    cell.trim_matches([' ', '\t'])
}

/// The cell of a text.
fn to_cell<'a>(text: &'a str, missing: &[String]) -> Cell<'a> {
    let text = trim(text);
    if text.is_empty() || MISSING.contains(&text) || missing.iter().any(|token| token == text) {
        return Cell::Missing;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Cell::Number(number),
        Ok(number) if number.is_nan() => Cell::Missing,
        _ => Cell::Text(text),
    }
}

#[cfg(test)]
mod tests;
