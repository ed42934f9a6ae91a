//! Lines of text, cut into pieces.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, bail};
use crate::files::compressed::unreadable;
use crate::files::regular::fill;

/// The bytes of a piece, at least: enough that what each takes beside its rows does not count.
const PIECE: usize = 256 << 10;
/// The bytes of the longest line.
const LONGEST_LINE: usize = 4 << 20;

/// The pieces of a text.
pub(super) struct Pieces<'a, R> {
    path: &'a Path,
    reader: R,
    /// The reader decompresses, or takes an array apart: then errors of some kinds mean damage.
    may_be_damaged: bool,
    /// The word for a line in errors.
    word: &'static str,
    /// The bytes that are read, and in no piece yet; and the number of the line that they begin.
    rest: Vec<u8>,
    number: u64,
    ended: bool,
}

impl<'a, R: Read> Pieces<'a, R> {
    /// Errors call a line `word`.
    pub(super) fn new(reader: R, may_be_damaged: bool, word: &'static str, path: &'a Path) -> Self {
        Pieces { path, reader, may_be_damaged, word, rest: Vec::new(), number: 1, ended: false }
    }

    /// The next piece and the number of its first line; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, u64)>, Error> {
        while !self.ended {
            let read = self.rest.len();
            self.rest.resize(read + PIECE, 0);
            let filled = fill(&mut self.reader, &mut self.rest[read..])
                .map_err(|error| unreadable(error, self.may_be_damaged, self.path))?;
            self.ended = filled < PIECE;
            self.rest.truncate(read + filled);
            if let Some(end) = memchr::memrchr(b'\n', &self.rest[read..]) {
                let rest = self.rest.split_off(read + end + 1);
                return Ok(Some(self.piece(rest)));
            }
            if self.rest.len() > LONGEST_LINE {
                let (word, number, limit) = (self.word, self.number, LONGEST_LINE >> 20);
                bail!(
                    self.path,
                    "{word} {number} has more than {limit} MB: write one object on each line"
                );
            }
        }
        Ok(if self.rest.is_empty() { None } else { Some(self.piece(Vec::new())) })
    }

    /// The piece of all that is read, but for `rest`.
    fn piece(&mut self, rest: Vec<u8>) -> (Vec<u8>, u64) {
        let (piece, number) = (std::mem::replace(&mut self.rest, rest), self.number);
        self.number += memchr::memchr_iter(b'\n', &piece).count() as u64;
        (piece, number)
    }
}
