//! The lines above the header of delimited text: separators that are named, comments, titles.

use super::delimiter::{DELIMITERS, MOST_TITLES};
use super::header::{has_numbers, is_above_numbers};
use crate::error::Short;
use crate::formats::options::Decimal;

/// The bytes and the lines before the header, and what is to be said of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Above {
    pub(super) bytes: usize,
    pub(super) lines: u64,
    pub(super) notes: Vec<String>,
}

/// The text behind lines that are no rows, and the separator that they name.
pub(super) fn skip_lines<'a>(
    start: &'a [u8],
    delimiter: Option<u8>,
    found: &mut Above,
) -> (&'a [u8], Option<u8>) {
    let (mut rest, mut separator, mut comments) = (start, None, 0);
    while let Some((length, next)) = line(rest) {
        let text = &rest[..length];
        let named = text.to_ascii_lowercase();
        match &named[..] {
            [b's', b'e', b'p', b'=', byte] if comments == 0 && DELIMITERS.contains(byte) => {
                separator = Some(*byte);
            }
            line if line.trim_ascii().is_empty() => {}
            [b'#', ..] => {
                if let Some(mark) = mark_of_header(text, &rest[next..], delimiter) {
                    let note = "the line that begins with # is taken for the names of the columns";
                    found.notes.push(note.to_owned());
                    rest = &rest[mark..];
                    break;
                }
                if is_commented_header(text, &rest[next..], delimiter) {
                    break;
                }
                comments += 1;
            }
            _ => break,
        }
        rest = &rest[next..];
        found.lines += 1;
    }
    if comments > 0 {
        found.notes.push(match comments {
            1 => "1 line that begins with # is left out".to_owned(),
            _ => format!("{comments} lines that begin with # are left out"),
        });
    }
    found.bytes = start.len() - rest.len();
    (rest, separator)
}

/// The bytes before the names in a line such as NumPy's `# x,y`, if it has names for the numbers in
/// the line below.
fn mark_of_header(line: &[u8], below: &[u8], delimiter: Option<u8>) -> Option<usize> {
    let below = below.split(|byte| matches!(byte, b'\n' | b'\r')).next()?.trim_ascii();
    let names = line.trim_ascii_start().strip_prefix(b"#")?;
    let named = names.first().is_some_and(u8::is_ascii_whitespace);
    let names = names.trim_ascii_start();
    if !named || below.starts_with(b"#") {
        return None;
    }
    let cells = |line: &[u8], delimiter: Option<u8>| -> Vec<String> {
        let line = String::from_utf8_lossy(line).trim().to_owned();
        match delimiter {
            Some(delimiter) => {
                line.split(char::from(delimiter)).map(|cell| cell.trim().to_owned()).collect()
            }
            None => line.split_ascii_whitespace().map(str::to_owned).collect(),
        }
    };
    let asked: Vec<Option<u8>> = match delimiter {
        Some(delimiter) => vec![Some(delimiter)],
        None => DELIMITERS.into_iter().map(Some).chain([None]).collect(),
    };
    let fits = |delimiter: Option<u8>| {
        let (names, row) = (cells(names, delimiter), cells(below, delimiter));
        let several = row.len() > 1 || delimiter.is_none();
        several && names.len() == row.len() && is_above_numbers(&names, &[row], &[], Decimal::Point)
    };
    asked.into_iter().any(fits).then_some(line.len() - names.len())
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

/// The number of rows above the header that are titles: shorter than all others, or with one value
/// alone, as spreadsheets pad them.
pub(super) fn titles(rows: &[Vec<String>], missing: &[String], decimal: Decimal) -> usize {
    // That of most rows.
    let same = |row: &&Vec<String>| rows.iter().filter(|other| other.len() == row.len()).count();
    let Some(width) = rows.iter().max_by_key(same).map(Vec::len) else { return 0 };
    let is_title = |row: &Vec<String>| {
        let filled = row.iter().filter(|cell| !cell.is_empty()).count();
        row.len() < width || row.len() > 2 && filled < 2
    };
    let found = rows.iter().take(MOST_TITLES + 1).take_while(|row| is_title(row)).count();
    let one_line = |cell: &String| !cell.contains(['\n', '\r']);
    let below = rows.get(found..).unwrap_or_default();
    let titles = found <= MOST_TITLES
        && rows[..found].iter().flatten().all(one_line)
        && below.split_first().is_some_and(|(header, others)| {
            let named = || is_above_numbers(header, others, missing, decimal);
            // Two columns may be one of numbers with decimal commas.
            let alone = rows[..found].iter().all(|row| row.len() == 1);
            let data = || width > 2 && alone && has_numbers(below, missing, decimal);
            header.len() == width && (named() || data())
        });
    if titles { found } else { 0 }
}

/// Skips the first `titles` lines of `rest` that are not empty.
pub(super) fn skip_titles<'a>(
    mut rest: &'a [u8],
    titles: usize,
    first: &str,
    found: &mut Above,
) -> &'a [u8] {
    let (all, mut left) = (rest.len(), titles);
    while left > 0
        && let Some((length, next)) = line(rest)
    {
        left -= usize::from(length > 0);
        found.lines += 1;
        rest = &rest[next..];
    }
    found.bytes += all - rest.len();
    let lines = if titles == 1 { "line" } else { "lines" };
    let are = if titles == 1 { "is left out, as a title" } else { "are left out, as titles" };
    found.notes.push(format!("{titles} {lines} above the header {are}: {}", Short(first)));
    rest
}

/// The bytes of the first line, without its break and with it.
fn line(rest: &[u8]) -> Option<(usize, usize)> {
    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let line_break = if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((length, length + line_break))
}
