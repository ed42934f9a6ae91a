//! Delimited text: CSV, TSV and their kin, plain or compressed, told by the first bytes.
//!
//! - `survey` finds the separator, the header and the decimal mark in the first rows. A line
//!   without a separator has one column.
//! - A cell may be quoted by `"`, and then hold delimiters, line breaks, and quotes as `""`. Blanks
//!   around a cell are not part of it. Empty lines are no rows, nor are those like the header.
//! - Columns without a name are called `column 1` and so on. A separator at the end of a row begins
//!   no further cell.
//! - Missing values are an empty cell, `NA`, `N/A`, `n/a`, `#N/A`, `<NA>`, `NaT`, `NaN` in any
//!   case, `null`, `NULL`, `None` and `?`. Not `-`, which is as often one of two classes.
//! - Numbers are texts that Rust's `f64` reads: digits, a point, an exponent, no hexadecimal; or
//!   the same with a decimal comma. Anything else is a text. Infinity is a text, too: the table's
//!   layout refuses it in a column of numbers.
//! - Text is UTF-8, with or without a byte order mark, or another that `encoding` tells. A row has
//!   at most 4 MB and 65,536 cells.

mod above;
mod blanks;
mod blocks;
mod cells;
mod decimal;
mod delimiter;
mod encoding;
mod footer;
mod header;
mod left_out;
mod part;
mod records;
mod survey;
pub(crate) mod texts;
mod write;
mod zeros;

use std::cell::Cell as Flag;
use std::fs;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{At as _, Error, Problem, Remedy, Short, bail};
use crate::files::compressed::decompressed;
use crate::files::regular::{fill, open_regular};
use crate::formats::options::{Decimal, TableOptions};
use crate::formats::tables::source::{TableSource, TakePart, twice};
use crate::sample::column::{Column, ColumnKind};
use above::Above;
use blanks::SingleTabs;
use blocks::Blocks;
use cells::trim;
pub(super) use cells::{to_label, to_text};
use encoding::Encoding;
use part::{CsvPart, Dialect};
use records::{PIECE, Record, Records, unreadable, without_mark};
use survey::{Survey, survey};
pub(crate) use write::CsvWriter;
use zeros::LeadingZeros;

/// The input of a table of text.
pub(crate) trait Input: Read + Seek {}

impl<T: Read + Seek> Input for T {}

/// The text of a file.
#[derive(Clone, Copy, Default)]
struct Text {
    encoding: Encoding,
    /// The bytes in UTF-8 before the first row.
    before: u64,
    /// Runs of blanks separate columns.
    blanks: bool,
}

/// A table in delimited text.
pub(crate) struct CsvTable {
    path: PathBuf,
    input: Box<dyn Input>,
    /// The length and the time of modification when the file was opened, to be compared after each
    /// pass.
    stamp: Option<(u64, Option<SystemTime>)>,
    dialect: Arc<Dialect>,
    names: Vec<String>,
    /// The first column has the names of the rows.
    row_names: bool,
    text: Text,
    /// The first row that is no header: the bytes from the first row to it, its line, and true if
    /// half of a line break is before it.
    start: (u64, u64, bool),
    notes: Vec<String>,
    /// The file has bytes behind its gzip data.
    left_out: Rc<Flag<bool>>,
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
        let left_out = Rc::default();
        let mut start = |encoding| -> Result<Vec<u8>, Error> {
            let text = Text { encoding, ..Text::default() };
            let (mut reader, packed) = read_from(&mut *input, text, &left_out, path)?;
            let mut sample = vec![0; PIECE];
            let filled =
                fill(&mut reader, &mut sample).map_err(|error| unreadable(error, packed, path))?;
            sample.truncate(filled);
            Ok(sample)
        };
        let mut sample = start(Encoding::Utf8)?;
        let encoding = Encoding::of(&sample, sample.len() < PIECE);
        if encoding != Encoding::Utf8 {
            sample = start(encoding)?;
        }
        let decimal = options.decimal.or_else(|| known_decimal(options.known.as_deref()?));
        let options = &TableOptions { decimal, missing: options.all_missing(), ..options.clone() };
        let rows = without_mark(&sample, path)?;
        let mark = sample.len() - rows.len();
        let found = survey(rows, sample.len() < PIECE, path, options)?;
        let Survey { above, delimiter, blanks, header, row_names, decimal, totals, notes } = found;
        let Above { bytes, lines, notes: mut before } = above;
        before.extend(notes);
        let mut notes: Vec<String> = encoding.note().into_iter().chain(before).collect();
        let text = Text { encoding, before: (mark + bytes) as u64, blanks };
        let (reader, packed) = read_from(&mut *input, text, &left_out, path)?;
        let mut records = Records::new(reader, packed, lines + 1, delimiter, path);
        let mut start = records.place();
        let Some(first) = records.next()? else {
            bail!(path, "is empty, where a table is expected");
        };
        let mut names = if header {
            header_names(&first, path, &mut notes)?
        } else {
            (1..=first.len()).map(|number| format!("column {number}")).collect()
        };
        let header: Vec<String> = match header {
            true => first.cells().map(|name| trim(name).to_owned()).collect(),
            false => Vec::new(),
        };
        let columns = names.len() + usize::from(row_names);
        if row_names {
            names.insert(0, free_name("row names", &names));
        }
        if !header.is_empty() {
            start = records.place();
            // Its own errors come with the rows.
            if let Ok(Some(record)) = records.next()
                && is_rule(&record)
            {
                notes.push(format!("line {}, a rule of dashes, is left out", record.line));
                start = records.place();
            }
        }
        drop(records);
        let (path, missing) = (path.to_owned(), options.missing.clone());
        let dialect = Dialect {
            path,
            delimiter,
            header,
            columns,
            missing,
            decimal,
            totals,
            zeros: LeadingZeros::new(columns),
            ..Dialect::default()
        };
        let (path, dialect) = (dialect.path.clone(), Arc::new(dialect));
        Ok(CsvTable {
            path,
            input,
            stamp: None,
            dialect,
            names,
            row_names,
            text,
            start,
            notes,
            left_out,
        })
    }
}

impl TableSource for CsvTable {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn for_each_part(&mut self, take: &mut TakePart<'_>) -> Result<(), Error> {
        let (path, dialect, (before, line, half)) = (&self.path, &self.dialect, self.start);
        let (mut reader, packed) = read_from(&mut *self.input, self.text, &self.left_out, path)?;
        let failed = |error| unreadable(error, packed, path);
        io::copy(&mut (&mut reader).take(before), &mut io::sink()).map_err(failed)?;
        let mut blocks =
            Blocks::new(reader, packed, line, (dialect.delimiter, dialect.columns), path);
        if half {
            blocks.skip_line_feed()?;
        }
        let part = |bytes, line| CsvPart { dialect: dialect.clone(), bytes, line };
        // The last rows are not handed on before it is known that they are the last. Empty lines
        // behind them change nothing, unless they may be missing values.
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let mut last: Option<(Vec<u8>, u64)> = None;
        let ended = loop {
            let (bytes, line) = match blocks.next() {
                Ok(Some(rows)) => rows,
                ended => break ended.map(|_| ()),
            };
            if dialect.columns > 1 && last.is_some() && bytes.iter().all(is_break) {
                continue;
            }
            if let Some((bytes, line)) = last.replace((bytes, line)) {
                take(Box::new(part(bytes, line)))?;
            }
        };
        if let Some((mut bytes, line)) = last {
            if ended.is_ok() {
                dialect.left_out.footers.add(footer::cut(&mut bytes, line, dialect));
            }
            take(Box::new(part(bytes, line)))?;
        }
        ended?;
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

    fn row_names(&self) -> Option<usize> {
        self.row_names.then_some(0)
    }

    fn leave_out(&mut self, row: u64) -> bool {
        let total = &mut Arc::make_mut(&mut self.dialect).total;
        // One row alone: what is found then is less sure.
        total.is_none() && total.replace(row).is_none()
    }

    fn leading_zeros(&self, column: usize) -> Option<u64> {
        self.dialect.zeros.first(column)
    }

    fn read_as_text(&mut self, columns: &[bool], label: Option<usize>) {
        let dialect = Arc::make_mut(&mut self.dialect);
        dialect.texts = if columns.contains(&true) { columns.to_vec() } else { Vec::new() };
        dialect.label = label;
    }

    fn decimal(&self) -> Option<Decimal> {
        Some(self.dialect.decimal)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if self.left_out.get() {
            notes.push("the bytes behind its gzip data are left out".to_owned());
        }
        notes.extend(self.dialect.left_out.notes());
        notes
    }
}

/// A reader of the rows of `text` in the input, which decompresses and decodes it if need be; and
/// true if it decompresses. It turns runs of blanks into tabs if the text says so.
fn read_from<'a>(
    input: &'a mut dyn Input,
    Text { encoding, before, blanks }: Text,
    left_out: &Rc<Flag<bool>>,
    path: &Path,
) -> Result<(Box<dyn Read + 'a>, bool), Error> {
    input.seek(SeekFrom::Start(0)).at(path)?;
    let input = BufReader::with_capacity(32 << 10, input);
    let (reader, packed) = decompressed(input, left_out).at(path)?;
    let mut reader = encoding.decoded(reader);
    io::copy(&mut (&mut reader).take(before), &mut io::sink())
        .map_err(|error| unreadable(error, packed, path))?;
    Ok((if blanks { Box::new(SingleTabs::new(reader)) } else { reader }, packed))
}

/// The decimal mark of the numbers that a model learnt from; `None` without any.
pub(super) fn known_decimal(known: &[Column]) -> Option<Decimal> {
    let comma = |column: &Column| match column.kind {
        ColumnKind::Number { comma, .. } => Some(comma),
        ColumnKind::Category { .. } => None,
    };
    let any = known.iter().filter_map(comma).reduce(|one, other| one || other)?;
    Some(if any { Decimal::Comma } else { Decimal::Point })
}

/// Tells whether a record is a rule below the header, as Markdown and PostgreSQL draw it.
fn is_rule(record: &Record) -> bool {
    let dashes = record.cells().flat_map(str::bytes).filter(|&byte| byte == b'-').count();
    let of_rule = |byte: u8| matches!(byte, b'-' | b'+' | b':' | b'=' | b' ' | b'\t');
    dashes > 2 && record.cells().flat_map(str::bytes).all(of_rule)
}

/// The name, or another that is none of `names`.
fn free_name(name: &str, names: &[String]) -> String {
    let mut name = name.to_owned();
    while names.contains(&name) {
        name.push('_');
    }
    name
}

/// The names in the header. Columns without one are given one, which `notes` tell.
fn header_names(
    header: &Record,
    path: &Path,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = header.cells().map(|name| trim(name).to_owned()).collect();
    let line = header.line;
    let nameless: Vec<usize> = (0..names.len()).filter(|&at| names[at].is_empty()).collect();
    if nameless.len() == names.len() {
        bail!(path, "line {line}, the header, has no name in it: name the columns");
    }
    for &at in &nameless {
        let name = format!("column {}", at + 1);
        notes.push(format!("{name} has no name in the header, and is called {name:?}"));
        names[at] = name;
    }
    if let Some((one, other)) = twice(&names) {
        let (name, one, other) = (Short(&names[one]), one + 1, other + 1);
        let problem = format!(
            "line {line}, the header, calls columns {one} and {other} both {name}: rename one, or \
             say that the table has no header"
        );
        return Err(Error::file(path, Problem::with(problem, Remedy::NoHeader)));
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
