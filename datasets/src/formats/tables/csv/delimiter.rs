//! The separator of the columns of delimited text.
//!
//! It is the one that each line has equally often. Several are told apart by the numbers between
//! them: free text may have a semicolon in each line. Lines that are shorter may come first: R's
//! header, which names no column of row names, and up to three titles.

use crate::formats::options::Decimal;
use crate::formats::tables::marks;
use crate::formats::tables::source::is_missing_word;

/// Separators, the surest first where several would do.
pub(super) const DELIMITERS: [u8; 4] = *b"\t;|,";
/// The lines that are counted at most.
pub(super) const MOST_LINES: usize = 200;
/// The lines above a header that may be titles.
pub(super) const MOST_TITLES: usize = 3;

/// The separator of the columns, and true if it is runs of blanks.
pub(super) fn delimiter_of(rows: &[u8]) -> (u8, bool) {
    let lines = unquoted_lines(rows);
    if let Some(found) = agreed(&lines) {
        return found;
    }
    let quoted = starts_quoted(rows);
    if let Some(found) = DELIMITERS.iter().find(|&&delimiter| {
        let first = count(lines.first().map_or(&[], |line| line), delimiter);
        lines.len() > 1
            && (first > 0 || quoted)
            && lines[1..].iter().all(|line| count(line, delimiter) == first + 1)
    }) {
        return (*found, false);
    }
    let words_below = lines.get(1).map_or(0, |line| words(line));
    let of_r = lines.first().map_or(0, |line| words(line)) + 1 == words_below
        && (words_below > 2 || quoted)
        && lines[1..].iter().all(|line| words(line) == words_below && has_numbers(line));
    if of_r {
        return (b'\t', true);
    }
    for titles in 1..=MOST_TITLES.min(lines.len()) {
        let (above, below) = lines.split_at(titles);
        let Some((delimiter, false)) = agreed(below) else { continue };
        if above.iter().all(|line| count(line, delimiter) < count(&below[0], delimiter)) {
            return (delimiter, false);
        }
    }
    let first = lines.first().map_or(&[][..], |line| line);
    // The first of those that are equal, with a comma before the others.
    let most = DELIMITERS.iter().max_by_key(|&&delimiter| count(first, delimiter));
    (most.copied().unwrap_or(b','), false)
}

/// The separator that all lines have equally often, and true if it is runs of blanks.
fn agreed(lines: &[Vec<u8>]) -> Option<(u8, bool)> {
    // One line alone agrees with itself.
    if lines.len() < 2 {
        return None;
    }
    let consistent = |delimiter: &&u8| {
        let mut counts = lines.iter().map(|line| count(line, **delimiter));
        counts.next().is_some_and(|first| first > 0 && counts.all(|other| other == first))
    };
    let mut found: Vec<u8> = DELIMITERS.iter().filter(consistent).copied().collect();
    // A stable sort: of equals, the surest stays first. A tab is in no text.
    if found.first() != Some(&b'\t') {
        found.sort_by_key(|&delimiter| {
            let numbers = share_of_numbers(lines, delimiter);
            std::cmp::Reverse((numbers, count(&lines[0], delimiter)))
        });
    }
    let of_blanks = words(&lines[0]);
    let blanks = of_blanks > 1
        && lines.iter().all(|line| words(line) == of_blanks)
        && lines[1..].iter().all(|line| has_numbers(line));
    match found.first() {
        // A tab before the last column, and blanks before the others.
        Some(b'\t') if blanks && lines.iter().all(|line| has_numbers_in_a_cell(line)) => {
            Some((b'\t', true))
        }
        None if blanks => Some((b'\t', true)),
        found => found.map(|&delimiter| (delimiter, false)),
    }
}

fn count(line: &[u8], delimiter: u8) -> usize {
    line.iter().filter(|&&byte| byte == delimiter).count()
}

/// The number of words between blanks.
fn words(line: &[u8]) -> usize {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).count()
}

/// The percentage of the cells below the first line that are numbers.
fn share_of_numbers(lines: &[Vec<u8>], delimiter: u8) -> usize {
    let (mut cells, mut numbers) = (0, 0);
    for line in &lines[1..] {
        for cell in String::from_utf8_lossy(line).split(char::from(delimiter)) {
            let number = |decimal| marks::number(cell, decimal).is_some();
            cells += 1;
            numbers += usize::from(number(Decimal::Point) || number(Decimal::Comma));
        }
    }
    100 * numbers / cells.max(1)
}

/// Tells whether the first two lines begin with a quote, as R writes names.
pub(super) fn starts_quoted(rows: &[u8]) -> bool {
    let mut lines =
        rows.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let mut quoted = || lines.next().is_some_and(|line| line.starts_with(b"\""));
    quoted() && quoted()
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
        let mut numbers = 0;
        let of_numbers = cell.split_ascii_whitespace().all(|word| {
            let is_number = marks::number(word, Decimal::Point).is_some();
            numbers += usize::from(is_number);
            is_number || is_missing_word(word)
        });
        of_numbers && numbers > 1
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
