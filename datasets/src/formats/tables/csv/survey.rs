//! The first rows of delimited text, which tell how the others are written.
//!
//! - **Before the header**: see `above`.
//! - **The separator**: see `delimiter`.
//! - **The header**: see `header`.
//! - **The decimal mark**: see `decimal`.

use std::io::Read;
use std::path::Path;

use super::above::{Above, skip_lines, skip_titles, titles};
use super::blanks::SingleTabs;
use super::cells::trim;
use super::decimal::decimal_of;
use super::delimiter::{MOST_LINES, delimiter_of, starts_quoted};
use super::footer::words_of;
use super::header::{has_text, has_units_below, is_above_numbers, is_count, is_header};
use super::records::Records;
use crate::error::{Error, Problem, Remedy};
use crate::formats::options::{Decimal, LabelColumn, TableOptions};
use crate::sample::column::ColumnKind;

/// The findings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Survey {
    pub(super) above: Above,
    pub(super) delimiter: u8,
    /// Runs of blanks separate columns, which are turned into tabs.
    pub(super) blanks: bool,
    pub(super) header: bool,
    /// The header has no name for the first column, which has the names of rows.
    pub(super) row_names: bool,
    pub(super) decimal: Decimal,
    /// Lines that begin with words for totals, as the last may: if they come again, they are rows.
    pub(super) totals: Vec<(u64, &'static str)>,
    /// Choices that may be wrong, for the user to know, behind those above the header.
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
    let (rest, separator) = skip_lines(start, options.delimiter, &mut found.above);
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
    let mut rows = read_rows(rows, found.delimiter, path);
    let (decimal, note) = match options.decimal {
        Some(asked) => (asked, None),
        None => decimal_of(&cells(&rows), found.delimiter),
    };
    found.decimal = decimal;
    found.notes.extend(note);
    let (asked, missing, lines) = (options.header, &options.missing[..], found.above.lines);
    found.row_names =
        asked != Some(false) && has_row_names(&rows, missing, found.decimal, starts_quoted(rest));
    if !found.row_names {
        let titles = titles(&cells(&rows), missing, found.decimal);
        if titles > 0 {
            let first = rows[0].cells.iter().find(|cell| !cell.is_empty()).cloned();
            skip_titles(rest, titles, &first.unwrap_or_default(), &mut found.above);
            rows.drain(..titles);
        }
    }
    let mut cells = cells(&rows);
    if found.row_names {
        cells[0].insert(0, String::new());
        let note = "the header has one name less than rows have values: the first column, of row \
                    names as R writes them, is left out";
        found.notes.push(note.to_owned());
    }
    found.totals = words_of(&cells).map(|(at, word)| (rows[at].line + lines, word)).collect();
    let Some((first, others)) = cells.split_first() else { return Ok(found) };
    // Files that were joined repeat the header.
    let others: Vec<Vec<String>> = others.iter().filter(|row| *row != first).cloned().collect();
    let repeated =
        others.len() + 1 < cells.len() && is_above_numbers(first, &others, missing, found.decimal);
    let others = if repeated { &others[..] } else { &cells[1..] };
    let is_header = is_header(first, others, missing, found.decimal);
    found.header = asked.unwrap_or(is_header || found.row_names);
    if asked.is_none() && !found.header && has_text(first, found.decimal) {
        let note = "the first row is taken for data, because its values are like those below: the \
                    columns are called column 1, column 2 and so on";
        found.notes.push(note.to_owned());
    }
    if asked.is_none() && found.header && is_count(first, others) {
        let note = "the numbers in the first row, which count on, are taken for the names of the \
                    columns";
        found.notes.push(note.to_owned());
    }
    let names_units = || {
        let columns: Vec<bool> = first.iter().map(|name| may_have_units(name, options)).collect();
        let cell = |(cell, has): (&String, &bool)| if *has { cell.clone() } else { String::new() };
        let rows = cells.iter().map(|row| row.iter().zip(&columns).map(cell).collect());
        let rows: Vec<Vec<String>> = rows.collect();
        has_units_below(&rows, missing, found.decimal)
    };
    if found.header && names_units() {
        let line = rows[1].line + lines;
        let problem = format!(
            "line {line} holds texts where the lines below hold numbers, as a row of units does: \
             leave the line out, or name its texts as missing"
        );
        return Err(Error::file(path, Problem::with(problem, Remedy::Missing)));
    }
    Ok(found)
}

/// Tells whether a column is read as numbers, as far as that is known.
fn may_have_units(name: &str, options: &TableOptions) -> bool {
    let is = |other: &String| other == name;
    let known = options.known.iter().flatten().find(|column| column.name == name);
    !options.ignore.iter().any(is)
        && !options.categorical.iter().any(is)
        && options.label != LabelColumn::Named(name.to_owned())
        && !known.is_some_and(|column| matches!(column.kind, ColumnKind::Category { .. }))
}

/// Tells whether the first row is the header of a table of R, which has row names in front: one
/// name less than the others have values.
fn has_row_names(rows: &[Row], missing: &[String], decimal: Decimal, quoted: bool) -> bool {
    let [first, others @ ..] = rows else { return false };
    let width = first.cells.len() + 1;
    let named = others.iter().all(|row| row.cells.len() == width)
        // A separator at the end of each row begins no further cell.
        && others.iter().any(|row| row.cells.last().is_some_and(|cell| !cell.is_empty()))
        && (width > 2 && others.len() > 1 || quoted);
    if !named {
        return false;
    }
    let below: Vec<Vec<String>> = others.iter().map(|row| row.cells[1..].to_vec()).collect();
    let whole = cells(others);
    let title = whole
        .split_first()
        .is_some_and(|(header, below)| is_above_numbers(header, below, missing, decimal));
    !title && is_header(&first.cells, &below, missing, decimal)
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

/// A row, and the line that it begins on.
struct Row {
    line: u64,
    cells: Vec<String>,
}

fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.cells.clone()).collect()
}

/// The first rows, as far as they can be read.
fn read_rows(rows: &[u8], delimiter: u8, path: &Path) -> Vec<Row> {
    let mut records = Records::within(rows, 1, delimiter, path);
    let mut found = Vec::new();
    while let Ok(Some(record)) = records.next()
        && found.len() < MOST_LINES
    {
        let cells = record.cells().map(|cell| trim(cell).to_owned()).collect();
        found.push(Row { line: record.line, cells });
    }
    found
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
            ("18.0   8   130.0\t\"buick x\"\n25.0   4   ?\t\"ford\"\n", b'\t', true),
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
        assert_eq!((found.above.bytes, found.above.lines, found.header), (22, 2, true));
        assert_eq!(found.above.notes, ["2 lines that begin with # are left out"]);
        let found = look("#chrom\tstart\nx\t1\n");
        assert_eq!((found.above.lines, found.above.notes.len()), (0, 0));
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
