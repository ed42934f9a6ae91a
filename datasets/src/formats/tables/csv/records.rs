//! The records of delimited text: cut by `csv-core`, and checked here.
//!
//! `csv-core` never fails. The checks here are that each record is UTF-8 without NUL bytes, that it
//! ends, and that it is at most [`LONGEST_RECORD`] bytes long, however far it expands. One
//! record at a time is in memory.

use std::io::Read;
use std::path::Path;

use csv_core::{ReadRecordResult, ReaderBuilder};

use crate::error::{Error, bail};
pub(super) use crate::files::compressed::unreadable;
use crate::files::regular::fill;

/// The bytes of the longest record, its quoted line breaks among them.
pub(super) const LONGEST_RECORD: usize = 4 << 20;
/// The largest number of cells in a record. A column takes up to 200 bytes while a table is read.
pub(super) const MOST_COLUMNS: usize = 1 << 16;
/// The bytes that are read at a time. The look of the text is found in the first piece.
pub(super) const PIECE: usize = 64 << 10;
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The records of a reader, in their order.
pub(super) struct Records<'a, R> {
    path: &'a Path,
    reader: R,
    /// The reader decompresses: then errors of some kinds mean damaged data.
    packed: bool,
    core: csv_core::Reader,
    piece: Vec<u8>,
    /// The part of `piece` that is yet to be cut.
    unread: std::ops::Range<usize>,
    /// The line of the next byte, from 1 on; and a mark that the last byte was a CR.
    line: u64,
    after_cr: bool,
    /// The bytes before the next one.
    position: u64,
    /// The record's cells, one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// One record.
pub(super) struct Record<'a> {
    /// The line that it begins on.
    pub(super) line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.text;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(move |(start, &end)| &text[start..end])
    }
}

impl<'a, R: Read> Records<'a, R> {
    /// `reader` is at the start of `line`. Errors call it `path`.
    pub(super) fn new(reader: R, packed: bool, line: u64, delimiter: u8, path: &'a Path) -> Self {
        let mut records = Records::at_line(reader, packed, line, path);
        records.set_delimiter(delimiter);
        records
    }

    fn at_line(reader: R, packed: bool, line: u64, path: &'a Path) -> Self {
        Records {
            path,
            reader,
            packed,
            core: ReaderBuilder::new().build(),
            piece: vec![0; PIECE],
            unread: 0..0,
            line,
            after_cr: false,
            position: 0,
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
        }
    }

    /// The place behind the last record: its bytes from the start of the text on, its line, and
    /// true if half of a line break is before it.
    pub(super) fn place(&self) -> (u64, u64, bool) {
        (self.position, self.line, self.after_cr)
    }

    /// Goes on behind `read` bytes.
    fn skip(&mut self, read: usize) {
        self.unread.start += read;
        self.position += read as u64;
    }

    fn set_delimiter(&mut self, delimiter: u8) {
        self.core = ReaderBuilder::new().delimiter(delimiter).build();
    }

    /// The next record; `None` after the last. Empty lines are none.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, Error> {
        if !self.skip_line_breaks()? {
            return Ok(None);
        }
        let line = self.line;
        let (mut written, mut cells, mut length) = (0, 0, 0);
        loop {
            // At the end, a line break ends a record that the file has not ended. In a quoted cell
            // it is one more byte.
            let at_end = self.unread.is_empty() && self.refill()? == 0;
            let input = if at_end { b"\n" } else { &self.piece[self.unread.clone()] };
            let (result, read, wrote, ended) =
                self.core.read_record(input, &mut self.text[written..], &mut self.ends[cells..]);
            written += wrote;
            cells += ended;
            if !at_end {
                let bytes = self.unread.start..self.unread.start + read;
                count_lines(&self.piece[bytes], &mut self.line, &mut self.after_cr);
                self.skip(read);
                length += read;
            }
            let full =
                matches!(result, ReadRecordResult::OutputFull) && self.text.len() >= LONGEST_RECORD;
            if full || length > LONGEST_RECORD {
                let limit = LONGEST_RECORD >> 20;
                bail!(
                    self.path,
                    "line {line} begins a row of more than {limit} MB: close a quote that is \
                     open, or break the line"
                );
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if at_end => {
                    bail!(
                        self.path,
                        "a quote on line {line} or after it is never closed: close it"
                    );
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_COLUMNS => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    bail!(
                        self.path,
                        "line {line} has more than {MOST_COLUMNS} values: leave some out"
                    );
                }
                // An empty input alone gives this, and none here is empty.
                ReadRecordResult::End => return Ok(None),
            }
        }
        let text = self.text(line, written, cells)?;
        Ok(Some(Record { line, text, ends: &self.ends[..cells] }))
    }

    /// The record's text, if it is UTF-8 in each of its cells, without NUL.
    fn text(&self, line: u64, written: usize, cells: usize) -> Result<&str, Error> {
        let bytes = &self.text[..written];
        let line_of = |at: usize| {
            let mut line = line;
            count_lines(&bytes[..at], &mut line, &mut false);
            line
        };
        let not_utf8 = |at: usize| {
            let (line, byte) = (line_of(at), bytes[at]);
            Error::file(
                self.path,
                format!(
                    "line {line} holds the byte {byte:#04x}, which is not UTF-8: save it as UTF-8"
                ),
            )
        };
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(error.valid_up_to()))?;
        // Two cells' halves of a character make none.
        if let Some(&at) = self.ends[..cells].iter().find(|&&end| !text.is_char_boundary(end)) {
            return Err(not_utf8(at));
        }
        if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
            let line = line_of(at);
            bail!(
                self.path,
                "line {line} holds a NUL byte, as no text does: save it as text in UTF-8"
            );
        }
        Ok(text)
    }

    /// Skips line breaks; `false` at the end.
    fn skip_line_breaks(&mut self) -> Result<bool, Error> {
        loop {
            let unread = &self.piece[self.unread.clone()];
            let breaks = unread.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r').count();
            let found = breaks < unread.len();
            count_lines(&unread[..breaks], &mut self.line, &mut self.after_cr);
            self.skip(breaks);
            if found {
                return Ok(true);
            }
            if self.refill()? == 0 {
                return Ok(false);
            }
        }
    }

    /// Reads the next piece, and returns its length: 0 at the end.
    fn refill(&mut self) -> Result<usize, Error> {
        let filled = fill(&mut self.reader, &mut self.piece)
            .map_err(|error| unreadable(error, self.packed, self.path))?;
        self.unread = 0..filled;
        Ok(filled)
    }
}

impl<'a> Records<'a, &'a [u8]> {
    /// The records of `bytes`, which begin on `line` of some text.
    pub(super) fn within(bytes: &'a [u8], line: u64, delimiter: u8, path: &'a Path) -> Self {
        let mut records = Records::at_line(bytes, false, line, path);
        records.set_delimiter(delimiter);
        // No record is longer, and none has to be moved as it grows.
        records.text = vec![0; bytes.len().clamp(1 << 10, LONGEST_RECORD)];
        records
    }
}

/// The start of a text without its byte order mark.
pub(super) fn without_mark<'a>(start: &'a [u8], path: &Path) -> Result<&'a [u8], Error> {
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        bail!(path, "is UTF-16 text: save it as UTF-8");
    }
    Ok(start.strip_prefix(UTF8_MARK).unwrap_or(start))
}

/// Moves `line` by the line breaks in `bytes`: LF, CR LF or CR.
pub(super) fn count_lines(bytes: &[u8], line: &mut u64, after_cr: &mut bool) {
    let count = |byte| memchr::memchr_iter(byte, bytes).count();
    let pair_before = usize::from(*after_cr && bytes.first() == Some(&b'\n'));
    let returns = count(b'\r');
    let pairs = match returns {
        0 => 0,
        _ => bytes.array_windows().filter(|pair| *pair == b"\r\n").count(),
    };
    *line += (count(b'\n') + returns - pairs - pair_before) as u64;
    if let Some(&last) = bytes.last() {
        *after_cr = last == b'\r';
    }
}
