//! Rows of delimited text, taken apart in place.
//!
//! - **In place.** A cell is a part of the text. A number of few digits is read while its end is
//!   looked for. Cells in quotes are fine, as long as there are neither quotes nor line breaks in
//!   them.
//! - **By `csv-core`** from the first row on that is none of this, to the end of the part: so is
//!   each row that is wrong, and its errors.

use std::path::PathBuf;
use std::sync::Arc;

use super::cells::{Ends, to_cell, to_label, to_text, trim, whole_number};
use super::left_out::LeftOut;
use super::records::{LONGEST_RECORD, Records};
use super::zeros::LeadingZeros;
use crate::error::{Error, bail};
use crate::formats::options::Decimal;
use crate::formats::tables::source::{Cell, Part, TakeRow};

/// The properties of a file of delimited text.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialect {
    pub(super) path: PathBuf,
    pub(super) delimiter: u8,
    /// The names in the first row; none if it is data.
    pub(super) header: Vec<String>,
    /// The number of columns.
    pub(super) columns: usize,
    /// Texts of missing values beside those that always are.
    pub(super) missing: Vec<String>,
    /// The mark before the fraction of a number.
    pub(super) decimal: Decimal,
    /// The columns whose cells are texts, even if they look like numbers; empty for none.
    pub(super) texts: Vec<bool>,
    /// The column of the labels, which are texts.
    pub(super) label: Option<usize>,
    /// The first lines that begin with words for totals, and these.
    pub(super) totals: Vec<(u64, &'static str)>,
    /// The line of a row that is left out, because it holds the sums of the others.
    pub(super) total: Option<u64>,
    /// Numbers that look like codes.
    pub(super) zeros: LeadingZeros,
    pub(super) left_out: LeftOut,
}

impl Dialect {
    /// The cell of a `text` in the column `at`, on `line`.
    #[inline]
    fn cell<'a>(&self, at: usize, line: u64, text: &'a str) -> Cell<'a> {
        if self.label == Some(at) {
            return to_label(text, &self.missing);
        }
        if self.is_text(at) {
            return to_text(text, &self.missing);
        }
        let cell = to_cell(text, &self.missing, self.decimal);
        if matches!(cell, Cell::Number(_)) {
            self.zeros.look(at, line, trim(text));
        }
        cell
    }

    /// Tells whether `text`, digits and perhaps a point, is the number in the column `at` that it
    /// looks like.
    #[inline]
    fn number_in_place(&self, at: usize, text: &str) -> bool {
        !self.is_text(at) && (self.decimal == Decimal::Point || !text.contains('.'))
    }

    /// Tells whether a row repeats the header, as in files that were joined.
    #[inline]
    fn is_header(&self, cells: &[Cell<'_>]) -> bool {
        let same = |(cell, name): (&Cell<'_>, &String)| match cell {
            Cell::Text(text) => *text == name,
            Cell::Number(number) => {
                !name.starts_with(char::is_alphabetic) && name.parse() == Ok(*number)
            }
            Cell::Missing => matches!(to_text(name, &self.missing), Cell::Missing),
        };
        // Most rows differ in the first cell.
        self.header.len() == cells.len()
            && cells.iter().zip(&self.header).all(same)
            && cells.iter().any(|cell| matches!(cell, Cell::Text(_)))
    }

    /// Takes a row, unless it repeats the header or holds the sums of the others.
    #[inline]
    fn hand_on(&self, line: u64, cells: &[Cell<'_>], take: &mut TakeRow<'_>) -> Result<(), Error> {
        if self.is_header(cells) {
            self.left_out.headers.add([line]);
            return Ok(());
        }
        if self.total == Some(line) {
            return Ok(());
        }
        take(line, cells)
    }

    #[inline]
    fn is_text(&self, at: usize) -> bool {
        self.texts.get(at).is_some_and(|&text| text) || self.label == Some(at)
    }
}

/// Rows as they are in the file, the first and the last of them whole.
pub(super) struct CsvPart {
    pub(super) dialect: Arc<Dialect>,
    pub(super) bytes: Vec<u8>,
    /// The line that they begin on.
    pub(super) line: u64,
}

impl Part for CsvPart {
    fn for_each_row(&self, take: &mut TakeRow<'_>) -> Result<(), Error> {
        // A delimiter that numbers may hold is none here.
        let odd = matches!(self.dialect.delimiter, b'0'..=b'9' | b'-' | b'.');
        let text = str::from_utf8(&self.bytes).ok();
        match text.filter(|text| !odd && !text.as_bytes().contains(&0)) {
            Some(text) => self.in_place(text, take),
            None => self.by_records(0, self.line, take),
        }
    }
}

impl CsvPart {
    fn in_place(&self, text: &str, take: &mut TakeRow<'_>) -> Result<(), Error> {
        let Dialect { delimiter, columns, .. } = &*self.dialect;
        let ends = Ends::new(*delimiter);
        let bytes = text.as_bytes();
        let mut cells = Vec::with_capacity(*columns);
        let (mut at, mut line) = (0, self.line);
        // The line behind the last row.
        let mut next = line;
        while let Some(&first) = bytes.get(at) {
            if first != b'\n' && first != b'\r' {
                cells.clear();
                match row(text, (at, line), &ends, &self.dialect, &mut cells) {
                    Some(end) if cells.len() == *columns && end - at < LONGEST_RECORD => {
                        if *columns == 1 && next < line {
                            self.dialect.left_out.empty.add(next..line);
                        }
                        self.dialect.hand_on(line, &cells, take)?;
                        at = end;
                        next = line + 1;
                    }
                    _ => return self.by_records(at, line, take),
                }
            }
            // The line break, or the end.
            at += if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
            line += 1;
        }
        Ok(())
    }

    /// The rows from `at` on, which is on `line`.
    fn by_records(&self, at: usize, line: u64, take: &mut TakeRow<'_>) -> Result<(), Error> {
        let dialect = &*self.dialect;
        let Dialect { path, delimiter, header, columns, .. } = dialect;
        let mut records = Records::within(&self.bytes[at..], line, *delimiter, path);
        let mut next = line;
        while let Some(record) = records.next()? {
            let (line, found) = (record.line, record.len());
            if *columns == 1 && next < line {
                dialect.left_out.empty.add(next..line);
            }
            // A delimiter at the end of a row begins no further cell.
            let ends_in_delimiter =
                found == columns + 1 && record.cells().last().is_some_and(str::is_empty);
            if found != *columns && !ends_in_delimiter {
                let whose = if header.is_empty() { "the first row" } else { "the header" };
                let values = if found == 1 { "value" } else { "values" };
                bail!(
                    path,
                    "line {line} has {found} {values}, where {whose} has {columns}: mend the line, \
                     leave it out if it is a comment or a total, or name the delimiter if it is \
                     another"
                );
            }
            let texts = record.cells().take(*columns).enumerate();
            let cells: Vec<Cell> = texts.map(|(at, text)| dialect.cell(at, line, text)).collect();
            dialect.hand_on(line, &cells, take)?;
            next = records.place().1;
        }
        Ok(())
    }
}

/// The cells of the row that begins at `at`, on `line`, and where its line break is; `None` if it
/// cannot be taken apart in place.
#[inline]
fn row<'a>(
    text: &'a str,
    (mut at, line): (usize, u64),
    ends: &Ends,
    dialect: &Dialect,
    cells: &mut Vec<Cell<'a>>,
) -> Option<usize> {
    let Dialect { columns, missing, decimal, texts, label, .. } = dialect;
    let plain = *decimal == Decimal::Point && texts.is_empty() && label.is_none();
    let bytes = text.as_bytes();
    loop {
        if cells.len() == *columns {
            return None;
        }
        // Each way writes its cell where it belongs: passed on as a value, it would be stored in
        // halves and loaded as a whole, which stalls for longer than it takes to read a number.
        let end = match bytes.get(at) {
            Some(b'"') => {
                let start = at + 1;
                let inside = &bytes[start..];
                let length = inside.iter().position(|byte| matches!(byte, b'"' | b'\n' | b'\r'))?;
                let end = start + length + 1;
                if inside[length] != b'"' || !ends.at(bytes, end) {
                    return None;
                }
                cells.push(dialect.cell(cells.len(), line, &text[start..end - 1]));
                end
            }
            _ => match whole_number(text, at, ends) {
                Some((number, end))
                    if plain || dialect.number_in_place(cells.len(), &text[at..end]) =>
                {
                    match missing.iter().any(|token| *token == text[at..end]) {
                        false => {
                            dialect.zeros.look(cells.len(), line, &text[at..end]);
                            cells.push(Cell::Number(number));
                        }
                        true => cells.push(Cell::Missing),
                    }
                    end
                }
                _ => {
                    let end = ends.next(bytes, at);
                    cells.push(dialect.cell(cells.len(), line, &text[at..end]));
                    end
                }
            },
        };
        match bytes.get(end) {
            Some(byte) if !matches!(byte, b'\n' | b'\r') => at = end + 1,
            _ => return Some(end),
        }
    }
}
