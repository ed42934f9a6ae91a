//! The lines at the end of delimited text that are no rows.
//!
//! - **A total** begins with a word such as `Total` or `Summe`, and has numbers alone beside it. It
//!   is a row if the same word begins another.
//! - **A remark** is one text in a whole line, where rows have several cells: `Source: ...`.

use super::cells::{to_cell, trim};
use super::part::Dialect;
use super::records::{Records, count_lines};
use crate::formats::tables::marks;
use crate::formats::tables::source::Cell;

/// Words for totals and means, in small letters.
const TOTALS: [&str; 58] = [
    "total",
    "totals",
    "grand total",
    "sub total",
    "sub-total",
    "subtotal",
    "total sum",
    "overall total",
    "sum",
    "sums",
    "average",
    "mean",
    "avg",
    "count",
    "summe",
    "summen",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "insgesamt",
    "zwischensumme",
    "mittelwert",
    "durchschnitt",
    "anzahl",
    "somme",
    "totaux",
    "total général",
    "total general",
    "sous-total",
    "moyenne",
    "nombre",
    "suma",
    "totales",
    "suma total",
    "promedio",
    "media",
    "totale",
    "totali",
    "totale generale",
    "totale complessivo",
    "somma",
    "totaal",
    "eindtotaal",
    "subtotaal",
    "som",
    "gemiddelde",
    "soma",
    "total geral",
    "média",
    "totalt",
    "celkem",
    "razem",
    "suma końcowa",
    "yhteensä",
    "итого",
    "всего",
    "合计",
    "総計",
];

/// The most lines that are left out.
const MOST: usize = 8;

/// Tells whether a row is one of totals: a word for them, and numbers.
fn is_total(cells: &[String], dialect: &Dialect) -> bool {
    let Dialect { columns, missing, decimal, .. } = dialect;
    let (columns, decimal) = (*columns, *decimal);
    let is_number = |text: &str| match to_cell(text, missing, decimal) {
        Cell::Number(_) | Cell::Missing => true,
        Cell::Text(text) => {
            marks::number(text, decimal).is_some() || marks::quantity(text, decimal).is_some()
        }
    };
    columns > 1 && cells.len() <= columns + 1 && filled(cells).skip(1).all(is_number)
}

fn filled(cells: &[String]) -> impl Iterator<Item = &str> {
    cells.iter().map(|cell| trim(cell)).filter(|cell| !cell.is_empty())
}

/// The word for a total that a row begins with.
fn total_word_of(cells: &[String]) -> Option<&'static str> {
    filled(cells).next().and_then(total_word)
}

/// The word for a total that a text is.
fn total_word(text: &str) -> Option<&'static str> {
    let text = text.trim_end_matches([':', '.', ' ', '=']);
    // Most texts are longer.
    if text.len() > 24 {
        return None;
    }
    let text = text.to_lowercase();
    TOTALS.into_iter().find(|word| *word == text)
}

/// The words for totals that rows begin with, and the number of each such row.
pub(super) fn words_of(rows: &[Vec<String>]) -> impl Iterator<Item = (usize, &'static str)> {
    rows.iter().enumerate().filter_map(|(at, row)| Some((at, total_word_of(row)?)))
}

/// Cuts lines that are no rows off the last rows of a file, which begin on `line`. Returns the line
/// and the text of each.
pub(super) fn cut(bytes: &mut Vec<u8>, line: u64, dialect: &Dialect) -> Vec<(u64, String)> {
    let (mut found, mut kept) = (Vec::new(), bytes.len());
    while found.len() < MOST
        && let Some((start, text)) = last_line(&bytes[..kept], dialect.delimiter)
    {
        let before = &bytes[..start];
        // Another may be a row that is cut off.
        let whole = start + text.len() < bytes.len()
            || [&b"\n\n"[..], b"\n\r\n"].iter().any(|empty| before.ends_with(empty));
        let cells = cells(text, dialect);
        let mut number = line;
        count_lines(before, &mut number, &mut false);
        let word = total_word_of(&cells).filter(|_| is_total(&cells, dialect));
        let comes_again = |word: &str| {
            dialect.totals.iter().any(|(line, other)| *line < number && *other == word)
                || begins_a_row(word, before, dialect.delimiter)
        };
        let total = word.is_some_and(|word| !comes_again(word));
        if !(total || whole && is_remark(&cells, dialect)) {
            break;
        }
        found.push((number, text.trim().to_owned()));
        kept = start;
    }
    // A table of such lines alone is another thing.
    if found.is_empty() || last_line(&bytes[..kept], dialect.delimiter).is_none() {
        return Vec::new();
    }
    bytes.truncate(kept);
    found.reverse();
    found
}

/// Tells whether a row begins with the same word for a total.
fn begins_a_row(word: &str, rows: &[u8], delimiter: u8) -> bool {
    let first = |row: &[u8]| {
        let mut cells = row.split(|&byte| byte == delimiter).map(|cell| {
            let cell = cell.trim_ascii();
            cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell)
        });
        let cell = cells.find(|cell| !cell.is_empty());
        cell.and_then(|cell| total_word(str::from_utf8(cell).ok()?))
    };
    rows.split(|byte| matches!(byte, b'\n' | b'\r')).any(|row| first(row) == Some(word))
}

/// The last line with a value in it, and where it begins; `None` if there is none, or if it is the
/// end of a row of several lines.
fn last_line(bytes: &[u8], delimiter: u8) -> Option<(usize, &str)> {
    let no_value = |&byte: &u8| byte == delimiter || byte == b'"' || byte.is_ascii_whitespace();
    let last = bytes.iter().rposition(|byte| !no_value(byte))?;
    let end = memchr::memchr2(b'\n', b'\r', &bytes[last..]).map_or(bytes.len(), |at| last + at);
    let start = memchr::memrchr2(b'\n', b'\r', &bytes[..last]).map_or(0, |at| at + 1);
    let text = str::from_utf8(&bytes[start..end]).ok()?;
    let quotes = text.bytes().filter(|&byte| byte == b'"').count();
    (quotes % 2 == 0 && text.len() < 1 << 16).then_some((start, text))
}

/// The cells of a line, as far as they can be read.
fn cells(text: &str, dialect: &Dialect) -> Vec<String> {
    let mut records = Records::within(text.as_bytes(), 1, dialect.delimiter, &dialect.path);
    let Ok(Some(record)) = records.next() else { return vec![String::new()] };
    record.cells().map(|cell| trim(cell).to_owned()).collect()
}

/// Tells whether a line is a text alone, where rows have several cells. One with empty cells behind
/// it, as spreadsheets pad it, may be a row that lacks all other values: it has a colon.
fn is_remark(cells: &[String], dialect: &Dialect) -> bool {
    let Some((text, others)) = cells.split_first() else { return false };
    let cell = to_cell(text, &dialect.missing, dialect.decimal);
    let padded = || cells.len() > 2 && (text.contains(": ") || text.ends_with(':'));
    dialect.columns > 1
        && matches!(cell, Cell::Text(_))
        && others.iter().all(String::is_empty)
        && (others.is_empty() || padded())
}
