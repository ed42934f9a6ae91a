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

mod blocks;
mod cells;
mod part;
mod records;
pub(crate) mod texts;
mod write;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;

use crate::error::{At as _, Error, Short, bail};
use crate::files::gzip::is_gzip;
use crate::files::regular::open_regular;
use crate::formats::options::TableOptions;
use crate::formats::tables::source::{Cell, TableSource, TakePart, is_infinite, twice};
use blocks::Blocks;
use cells::{to_cell, trim};
use part::{CsvPart, Dialect};
use records::{Record, Records, unreadable};
pub(crate) use write::CsvWriter;

const DELIMITERS: [u8; 4] = *b",;\t|";

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
    dialect: Arc<Dialect>,
    names: Vec<String>,
    /// The first row that is no header: the bytes of the text before it, its line, and true if
    /// half of a line break is before it.
    start: (u64, u64, bool),
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
        let mut input = input;
        let (reader, gzip) = read_from_start(&mut *input, path)?;
        let mut records = Records::new(reader, gzip, path)?;
        let mut start = records.place();
        let delimiter =
            options.delimiter.unwrap_or_else(|| most_frequent_delimiter(records.start()));
        records.set_delimiter(delimiter);
        let Some(first) = records.next()? else {
            bail!(path, "is empty, where a table is expected");
        };
        let missing = options.missing.clone();
        let header = options.header.unwrap_or_else(|| {
            first.cells().any(|cell| match to_cell(cell, &missing) {
                Cell::Text(text) => !is_infinite(text),
                Cell::Number(_) | Cell::Missing => false,
            })
        });
        let names = if header {
            header_names(&first, path)?
        } else {
            (1..=first.len()).map(|number| format!("column {number}")).collect()
        };
        if header {
            start = records.place();
        }
        drop(records);
        let (path, columns) = (path.to_owned(), names.len());
        let dialect = Arc::new(Dialect { path: path.clone(), delimiter, header, columns, missing });
        Ok(CsvTable { path, input, stamp: None, dialect, names, start })
    }
}

impl TableSource for CsvTable {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn for_each_part(&mut self, take: &mut TakePart<'_>) -> Result<(), Error> {
        let (path, dialect, (before, line, half)) = (&self.path, &self.dialect, self.start);
        let (mut reader, gzip) = read_from_start(&mut *self.input, path)?;
        let failed = |error| unreadable(error, gzip, path);
        io::copy(&mut (&mut reader).take(before), &mut io::sink()).map_err(failed)?;
        let mut blocks =
            Blocks::new(reader, gzip, line, (dialect.delimiter, dialect.columns), path);
        if half {
            blocks.skip_line_feed()?;
        }
        while let Some((bytes, line)) = blocks.next()? {
            take(Box::new(CsvPart { dialect: dialect.clone(), bytes, line }))?;
        }
        if let Some(stamp) = self.stamp {
            let metadata = fs::metadata(path).at(path)?;
            if stamp != (metadata.len(), metadata.modified().ok()) {
                bail!(path, "changed while it was being read: start again");
            }
        }
        Ok(())
    }

    fn row_word(&self) -> &'static str {
        "line"
    }
}

/// A reader of the input from its start on, which decompresses if need be; and whether it does.
fn read_from_start<'a>(
    input: &'a mut dyn Input,
    path: &Path,
) -> Result<(Box<dyn Read + 'a>, bool), Error> {
    input.seek(SeekFrom::Start(0)).at(path)?;
    let mut input = BufReader::with_capacity(32 << 10, input);
    let gzip = is_gzip(input.fill_buf().at(path)?);
    let reader: Box<dyn Read + 'a> =
        if gzip { Box::new(MultiGzDecoder::new(input)) } else { Box::new(input) };
    Ok((reader, gzip))
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

#[cfg(test)]
mod tests;
