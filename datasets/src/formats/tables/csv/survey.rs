//! The first rows of delimited text, which tell how the others are written.
//!
//! - **Before the header**: a line `sep=;`, as Excel writes it, and comments, which begin with `#`.
//! - **The separator**: the one of tab `;` `|` `,` that each line has equally often; else the one
//!   that the first line has most of; or runs of blanks, if they give each line as many cells.
//! - **The header**: see `header`.
//! - **The decimal mark**: a comma, if numbers have one, none has a point, and the separator is
//!   another.

use std::io::Read;
use std::path::Path;

use super::blanks::SingleTabs;
use super::cells::trim;
use super::header::{has_text, is_header};
use super::records::Records;
use crate::error::Error;
use crate::formats::options::{Decimal, TableOptions};
use crate::formats::tables::marks;

/// Separators, the surest first where several would do.
const DELIMITERS: [u8; 4] = *b"\t;|,";
/// The lines that are counted, and the rows that are compared, at most.
const MOST_LINES: usize = 200;

/// The findings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Survey {
    /// The bytes and the lines before the first row.
    pub(super) bytes: usize,
    pub(super) lines: u64,
    pub(super) delimiter: u8,
    /// Runs of blanks separate columns, which are turned into tabs.
    pub(super) blanks: bool,
    pub(super) header: bool,
    pub(super) decimal: Decimal,
    /// Choices that may be wrong, for the user to know.
    pub(super) notes: Vec<String>,
}

/// Looks at the `start` of a text, whose last line may be cut off unless it is `whole`. The error
/// is a form of text that is no table.
pub(super) fn survey(
    start: &[u8],
    whole: bool,
    path: &Path,
    options: &TableOptions,
) -> Result<Survey, Error> {
    let mut found = Survey::default();
    let text = String::from_utf8_lossy(start);
    if let Some(form) = other_form(&text) {
        return Err(Error::file(path, form));
    }
    let (rest, separator) = skip_lines(start, options.delimiter, &mut found);
    let end = match rest.iter().rposition(|&byte| byte == b'\n' || byte == b'\r') {
        Some(end) if !whole => end + 1,
        _ => rest.len(),
    };
    let rows = &rest[..end];
    match options.delimiter.or(separator) {
        Some(delimiter) => found.delimiter = delimiter,
        None => (found.delimiter, found.blanks) = delimiter_of(rows),
    }
    let mut tabbed = Vec::new();
    let rows = if found.blanks {
        // Reading from memory cannot fail.
        let _ = SingleTabs::new(rows).read_to_end(&mut tabbed);
        &tabbed[..]
    } else {
        rows
    };
    let rows = read_rows(rows, found.delimiter, path);
    let Some((first, others)) = rows.split_first() else { return Ok(found) };
    found.decimal = options.decimal.unwrap_or_else(|| decimal_of(&rows, found.delimiter));
    if options.decimal.is_none() && found.decimal == Decimal::Comma {
        found.notes.push("numbers are read with a decimal comma, as in 1,5".to_owned());
    }
    let is_header = is_header(first, others, &options.missing, found.decimal);
    found.header = options.header.unwrap_or(is_header);
    if options.header.is_none() && !found.header && has_text(first, found.decimal) {
        let note = "the first row is taken for data, because its values are like those below: the \
                    columns are called column 1, column 2 and so on";
        found.notes.push(note.to_owned());
    }
    Ok(found)
}

/// The problem with a text that is of another form, and what to do.
fn other_form(text: &str) -> Option<String> {
    let start = text.trim_start();
    let lower = start.get(..start.len().min(64)).unwrap_or("").to_ascii_lowercase();
    let form = if start.starts_with('[') && start[1..].trim_start().starts_with('[') {
        "JSON of arrays"
    } else if ["<!doctype", "<html", "<?xml"].iter().any(|tag| lower.starts_with(tag)) {
        "a web page or XML"
    } else if lower.starts_with("@relation") {
        "ARFF"
    } else if is_libsvm(start) {
        "LIBSVM's format, a label and index:value pairs"
    } else {
        return None;
    };
    Some(format!("holds {form}, not a table: convert it to CSV, one row for each sample"))
}

/// Tells whether the first lines are a number and pairs such as `3:0.5`.
fn is_libsvm(text: &str) -> bool {
    let is_line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let number = |word: &str| word.parse::<f64>().is_ok();
        let pair = |word: &str| {
            word.split_once(':')
                .is_some_and(|(index, value)| index.parse::<u32>().is_ok() && number(value))
        };
        words.next().is_some_and(number) && words.clone().next().is_some() && words.all(pair)
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(3).peekable();
    lines.peek().is_some() && lines.all(is_line)
}

/// The text behind lines that are no rows, and the separator that they name.
fn skip_lines<'a>(
    start: &'a [u8],
    delimiter: Option<u8>,
    found: &mut Survey,
) -> (&'a [u8], Option<u8>) {
    let (mut rest, mut separator, mut comments) = (start, None, 0);
    let line = |rest: &[u8]| {
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let line_break = if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
        Some((length, length + line_break))
    };
    while let Some((length, next)) = line(rest) {
        let text = &rest[..length];
        let named = text.to_ascii_lowercase();
        match &named[..] {
            [b's', b'e', b'p', b'=', byte] if comments == 0 && DELIMITERS.contains(byte) => {
                separator = Some(*byte);
            }
            line if line.trim_ascii().is_empty() => {}
            [b'#', ..] if !is_commented_header(text, &rest[next..], delimiter) => comments += 1,
            _ => break,
        }
        rest = &rest[next..];
        found.lines += 1;
    }
    if comments > 0 {
        let lines = if comments == 1 { "line that begins" } else { "lines that begin" };
        found.notes.push(format!("{comments} {lines} with # are left out"));
    }
    found.bytes = start.len() - rest.len();
    (rest, separator)
}

/// Tells whether a line that begins with `#` has as many cells as the one below it.
fn is_commented_header(line: &[u8], below: &[u8], delimiter: Option<u8>) -> bool {
    let below = below.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let count = |line: &[u8], delimiter| line.iter().filter(|&&byte| byte == delimiter).count();
    let asked = delimiter.map(|delimiter| [delimiter; 4]).unwrap_or(DELIMITERS);
    // Behind a comment's mark there is a blank, most of the time.
    let named = line.get(1).is_some_and(|byte| !byte.is_ascii_whitespace());
    named
        && !below.starts_with(b"#")
        && asked.iter().any(|&delimiter| {
            count(line, delimiter) > 0 && count(line, delimiter) == count(below, delimiter)
        })
}

/// The separator of the columns, and true if it is runs of blanks.
pub(super) fn delimiter_of(rows: &[u8]) -> (u8, bool) {
    let lines: Vec<Vec<u8>> = unquoted_lines(rows);
    let count = |line: &[u8], delimiter| line.iter().filter(|&&byte| byte == delimiter).count();
    let consistent = |delimiter: &&u8| {
        let mut counts = lines.iter().map(|line| count(line, **delimiter));
        counts.next().is_some_and(|first| first > 0 && counts.all(|other| other == first))
    };
    // One line alone agrees with itself.
    let found = DELIMITERS.iter().find(consistent).copied().filter(|_| lines.len() > 1);
    let cells = |line: &[u8]| {
        line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|cell| !cell.is_empty()).count()
    };
    let of_blanks = lines.first().map_or(0, |line| cells(line));
    let blanks = lines.len() > 1
        && of_blanks > 1
        && lines.iter().all(|line| cells(line) == of_blanks)
        && lines[1..].iter().all(|line| has_numbers(line));
    match found {
        // A tab before the last column, and blanks before the others.
        Some(b'\t') if blanks && lines.iter().all(|line| has_numbers_in_a_cell(line)) => {
            (b'\t', true)
        }
        None if blanks => (b'\t', true),
        Some(delimiter) => (delimiter, false),
        None => {
            let first = lines.first().map_or(&[][..], |line| line);
            // The first of those that are equal, with a comma before the others.
            let most = DELIMITERS.iter().max_by_key(|&&delimiter| count(first, delimiter));
            (most.copied().unwrap_or(b','), false)
        }
    }
}

/// Tells whether a line has a number between its blanks.
fn has_numbers(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    text.split_ascii_whitespace().any(|word| marks::number(word, Decimal::Point).is_some())
}

/// Tells whether a cell between tabs holds several numbers with blanks between them.
fn has_numbers_in_a_cell(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    text.split('\t').any(|cell| {
        let words = || cell.split_ascii_whitespace();
        words().count() > 1 && words().all(|word| marks::number(word, Decimal::Point).is_some())
    })
}

/// The first lines, without what is in quotes, and without empty ones.
fn unquoted_lines(rows: &[u8]) -> Vec<Vec<u8>> {
    let (mut lines, mut line, mut quoted) = (Vec::new(), Vec::new(), false);
    for &byte in rows {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                if !line.iter().all(u8::is_ascii_whitespace) {
                    lines.push(std::mem::take(&mut line));
                }
                line.clear();
                if lines.len() == MOST_LINES {
                    return lines;
                }
            }
            // A cell that was in quotes is one all the same.
            _ if quoted => {
                if line.last() != Some(&b'q') {
                    line.push(b'q');
                }
            }
            _ => line.push(byte),
        }
    }
    if !line.iter().all(u8::is_ascii_whitespace) {
        lines.push(line);
    }
    lines
}

/// The cells of the first rows, as far as they can be read.
fn read_rows(rows: &[u8], delimiter: u8, path: &Path) -> Vec<Vec<String>> {
    let mut records = Records::within(rows, 1, delimiter, path);
    let mut found = Vec::new();
    while let Ok(Some(record)) = records.next()
        && found.len() < MOST_LINES
    {
        found.push(record.cells().map(|cell| trim(cell).to_owned()).collect());
    }
    found
}

fn decimal_of(rows: &[Vec<String>], delimiter: u8) -> Decimal {
    if delimiter == b',' {
        return Decimal::Point;
    }
    let (mut commas, mut either, mut points) = (0, 0, 0);
    for cell in rows.iter().flatten().filter(|cell| cell.contains([',', '.'])) {
        let (point, comma) =
            (marks::number(cell, Decimal::Point), marks::number(cell, Decimal::Comma));
        match (point.is_some(), comma.is_some()) {
            (false, true) => commas += 1,
            (true, false) => points += 1,
            (true, true) if cell.contains(',') => either += 1,
            (true, true) => {}
            (false, false) => {}
        }
    }
    let comma = commas > 0 || either > 0 && delimiter == b';';
    if comma && points == 0 { Decimal::Comma } else { Decimal::Point }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Survey {
        survey(text.as_bytes(), true, Path::new("t.csv"), &TableOptions::default()).unwrap()
    }

    #[test]
    fn separators_are_those_that_all_lines_agree_on() {
        for (text, delimiter, blanks) in [
            ("a,b\n1,2\n", b',', false),
            ("a;b\n1,5;2,5\n", b';', false),
            ("1,5;2,5\n1,5;2,5\n", b';', false),
            ("a\tb\n1,5\t2\n", b'\t', false),
            ("a|b\nx,y|2\n", b'|', false),
            ("a,b\n\"x;y\",2\n\"1;2;3\",4\n", b',', false),
            ("a,b,c\n1,2,3\n,,\nfooter\n", b',', false),
            ("text\nJohn Smith\nAda Lovelace\n", b',', false),
            (" 0.1  18.0 2\n 0.25  0.0 7\n", b'\t', true),
            ("a b\n1 2\n3 4\n", b'\t', true),
            (
                "18.0   8   3504.0\t\"chevrolet chevelle\"\n15.0   8   3693.0\t\"buick\"\n",
                b'\t',
                true,
            ),
            ("sep=;\na,b;c\n1;2\n", b';', false),
            ("sep=\t\na,b\tc\n1\t2\n", b'\t', false),
            ("A|1,B,C\n", b',', false),
            ("a\tfull name\tkind\n0\tfoo a\tcat\n1\tfoo b\tdog\n", b'\t', false),
        ] {
            let found = look(text);
            assert_eq!((found.delimiter, found.blanks), (delimiter, blanks), "{text:?}");
        }
    }

    #[test]
    fn comments_are_left_out_and_a_header_that_begins_like_one_is_not() {
        let found = look("# by a tool\n# 2024, 1\na,b\n1,2\n");
        assert_eq!((found.bytes, found.lines, found.header), (22, 2, true));
        assert_eq!(found.notes, ["2 lines that begin with # are left out"]);
        let found = look("#chrom\tstart\nx\t1\n");
        assert_eq!((found.lines, found.notes.len()), (0, 0));
    }

    #[test]
    fn decimal_commas_are_seen_where_no_point_is() {
        for (text, decimal) in [
            ("a;b\n1,5;x\n", Decimal::Comma),
            ("a;b\n1.234,5;x\n", Decimal::Comma),
            ("a;b\n1,633;x\n", Decimal::Comma),
            ("a;b\n1,5;2.5\n", Decimal::Point),
            ("a;b\n12.345;48.100\n", Decimal::Point),
            ("a\tb\n1,234\tx\n", Decimal::Point),
            ("a\tb\n1,23\tx\n", Decimal::Comma),
            ("a,b\n1,5\n", Decimal::Point),
            ("a;b\n12.05.2021;x,y\n", Decimal::Point),
        ] {
            assert_eq!(look(text).decimal, decimal, "{text:?}");
        }
    }

    #[test]
    fn other_forms_of_text_are_named() {
        for (text, form) in [
            ("[\n  [1, 2]\n]\n", "JSON of arrays"),
            ("<!DOCTYPE html>\n<html>", "a web page"),
            ("@RELATION iris\n@ATTRIBUTE a REAL\n", "ARFF"),
            ("1 3:0.5 7:1\n-1 2:1\n", "LIBSVM"),
        ] {
            let found = survey(text.as_bytes(), true, Path::new("t"), &TableOptions::default());
            let error = found.unwrap_err().to_string();
            assert!(error.contains(form) && error.contains("CSV"), "{error}");
        }
        for table in ["[a],b\n1,2\n", "time 12:30\n1 2:00\n", "1 2\n3 4\n"] {
            look(table);
        }
    }
}
