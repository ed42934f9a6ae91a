//! Delimited text, cut into parts between two rows.

use std::io::Read;
use std::path::Path;

use super::records::{LONGEST_RECORD, PIECE, count_lines, unreadable};
use crate::error::Error;
use crate::files::regular::fill;

/// The bytes of a part, at least: enough that what each takes beside its rows does not count.
const PART: usize = 256 << 10;
/// The bytes of a part for each column, at least: findings on columns are merged part by part.
const PART_PER_COLUMN: usize = 64;

/// The parts of a text from some row on.
pub(super) struct Blocks<'a, R> {
    path: &'a Path,
    reader: R,
    packed: bool,
    delimiter: u8,
    /// The bytes of a part.
    size: usize,
    /// The bytes that are read, and in no part yet.
    rest: Vec<u8>,
    /// The line that they begin on.
    line: u64,
    ended: bool,
}

impl<'a, R: Read> Blocks<'a, R> {
    /// `reader` is at the start of `line`. Errors call it `path`.
    pub(super) fn new(
        reader: R,
        packed: bool,
        line: u64,
        (delimiter, columns): (u8, usize),
        path: &'a Path,
    ) -> Self {
        let size = PART.max(PART_PER_COLUMN * columns);
        Blocks { path, reader, packed, delimiter, size, rest: Vec::new(), line, ended: false }
    }

    /// Skips the second half of a line break whose first half is counted.
    pub(super) fn skip_line_feed(&mut self) -> Result<(), Error> {
        self.rest.resize(1, 0);
        let filled = fill(&mut self.reader, &mut self.rest)
            .map_err(|error| unreadable(error, self.packed, self.path))?;
        if filled == 0 || self.rest == b"\n" {
            self.rest.clear();
        }
        Ok(())
    }

    /// The next part and the line that it begins on; `None` after the last. A row of more than
    /// [`LONGEST_RECORD`] bytes is not whole, nor is one whose quote the file does not close.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let mut size = self.size;
        while !self.ended {
            let read = self.rest.len();
            self.rest.resize(read.max(size), 0);
            let filled = fill(&mut self.reader, &mut self.rest[read..])
                .map_err(|error| unreadable(error, self.packed, self.path))?;
            self.ended = read + filled < self.rest.len();
            self.rest.truncate(read + filled);
            if self.ended {
                break;
            }
            if let Some(end) = last_row_end(&self.rest, self.delimiter) {
                let rest = self.rest.split_off(end);
                return Ok(Some(self.part(rest)));
            }
            if self.rest.len() > LONGEST_RECORD + PIECE {
                // None of it is a row, and none behind it is looked for.
                self.ended = true;
            }
            size = (2 * self.rest.len()).min(LONGEST_RECORD + 2 * PIECE);
        }
        if self.rest.is_empty() { Ok(None) } else { Ok(Some(self.part(Vec::new()))) }
    }

    /// The part of all that is read, but for `rest`.
    fn part(&mut self, rest: Vec<u8>) -> (Vec<u8>, u64) {
        let (part, line) = (std::mem::replace(&mut self.rest, rest), self.line);
        count_lines(&part, &mut self.line, &mut false);
        (part, line)
    }
}

/// The place behind the last line break of `bytes` that is in no quotes, and that is known to be
/// whole: CR LF is one. `bytes` begin a row.
///
/// A quote opens a cell if it is the cell's first byte. In quotes, two are one.
fn last_row_end(bytes: &[u8], delimiter: u8) -> Option<usize> {
    // A CR at the very end may be half a line break.
    let known = bytes.len().checked_sub(1)?;
    let last_break = |from: usize, to: usize| {
        let found = memchr::memrchr2(b'\n', b'\r', &bytes[from..to])? + from;
        Some(found + 1 + usize::from(bytes[found] == b'\r' && bytes[found + 1] == b'\n'))
    };
    let (mut end, mut outside) = (None, 0);
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', &bytes[at..]).map(|found| at + found) {
        let opens = match quote.checked_sub(1).map(|before| bytes[before]) {
            None | Some(b'\n' | b'\r') => true,
            Some(before) => before == delimiter,
        };
        if !opens {
            at = quote + 1;
            continue;
        }
        end = last_break(outside, quote.min(known)).or(end);
        let mut from = quote + 1;
        outside = loop {
            let Some(closing) = memchr::memchr(b'"', &bytes[from..]).map(|found| from + found)
            else {
                return end;
            };
            match bytes.get(closing + 1) {
                Some(b'"') => from = closing + 2,
                _ => break closing + 1,
            }
        };
        at = outside;
    }
    if outside < known { last_break(outside, known).or(end) } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tables::csv::records::Records;

    /// The ends of all rows, by `csv-core`, one byte after the other.
    fn row_ends(text: &[u8], delimiter: u8) -> Vec<usize> {
        let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (mut at, mut ends) = (0, Vec::new());
        let (mut cells, mut places) = ([0; 256], [0; 256]);
        while at < text.len() {
            let (result, read, ..) =
                core.read_record(&text[at..=at], &mut cells[..], &mut places[..]);
            at += read;
            if matches!(result, csv_core::ReadRecordResult::Record) {
                let half = text[at - 1] == b'\r' && text.get(at) == Some(&b'\n');
                ends.push(at + usize::from(half));
            }
        }
        ends
    }

    #[test]
    fn a_part_ends_where_a_row_does() {
        let mut seed = 1_u32;
        for round in 0..200_000 {
            let mut draw = |below: usize| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as usize % below
            };
            let length = 1 + draw(24);
            let text: Vec<u8> = (0..length).map(|_| b"\"\",,\n\r\nab \""[draw(11)]).collect();
            let known = &text[..text.len() - 1];
            let Some(end) = last_row_end(&text, b',') else { continue };
            let ends = row_ends(&text, b',');
            // Line breaks that are no rows may follow.
            let before = text[..end].iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
            let row = before.map(|before| {
                let length = if text[before + 1..].starts_with(b"\r\n") { 2 } else { 1 };
                before + 1 + length
            });
            assert!(end <= known.len() + 1);
            assert!(
                row.is_none_or(|row| ends.contains(&row)),
                "{round}: {:?} {end} {ends:?}",
                String::from_utf8_lossy(&text)
            );
        }
    }

    /// The rows of all parts are those of the text read as one.
    #[test]
    fn parts_give_the_rows_of_the_whole() {
        let mut seed = 7_u32;
        for round in 0..20_000 {
            let mut draw = |below: usize| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as usize % below
            };
            let length = draw(120);
            let text: Vec<u8> = (0..length).map(|_| b"\"\",,\n\r\nab \""[draw(11)]).collect();
            let path = Path::new("t.csv");
            let rows = |text: &[u8], line: u64| {
                let mut records = Records::within(text, line, b',', path);
                let mut rows = Vec::new();
                loop {
                    match records.next() {
                        Ok(Some(record)) => rows.push((
                            record.line,
                            record.cells().map(str::to_owned).collect::<Vec<_>>(),
                        )),
                        Ok(None) => return (rows, None),
                        Err(error) => return (rows, Some(error.to_string())),
                    }
                }
            };
            let expected = rows(&text, 1);
            let mut blocks = Blocks::new(&text[..], false, 1, (b',', 1), path);
            blocks.size = 1 + draw(40);
            let mut found = (Vec::new(), None);
            while let Some((part, line)) = blocks.next().unwrap() {
                let (more, error) = rows(&part, line);
                found.0.extend(more);
                found.1 = error;
                if found.1.is_some() {
                    break;
                }
            }
            assert_eq!(found, expected, "{round}: {:?}", String::from_utf8_lossy(&text));
        }
    }
}
