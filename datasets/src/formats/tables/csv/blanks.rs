//! Columns that runs of blanks separate, turned into columns that one tab separates.

use std::io::{self, Read};

/// A reader of `inner` that writes one tab for each run of blanks and tabs between two cells, and
/// none at the ends of a line. Cells in quotes stay as they are.
pub(super) struct SingleTabs<R> {
    inner: R,
    piece: Vec<u8>,
    unread: std::ops::Range<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    LineStart,
    /// Within a cell, which is in quotes or not.
    Cell {
        quoted: bool,
    },
    /// Behind the closing quote of a cell; or between two quotes, which are one.
    Closed,
    /// Behind a cell and a blank.
    Gap,
}

impl<R: Read> SingleTabs<R> {
    pub(super) fn new(inner: R) -> Self {
        SingleTabs { inner, piece: vec![0; 64 << 10], unread: 0..0, state: State::LineStart }
    }
}

impl<R: Read> Read for SingleTabs<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written == 0 && !into.is_empty() {
            if self.unread.is_empty() {
                self.unread = 0..self.inner.read(&mut self.piece)?;
                if self.unread.is_empty() {
                    return Ok(0);
                }
            }
            while written < into.len() && !self.unread.is_empty() {
                let byte = self.piece[self.unread.start];
                let (write, state) = match (byte, self.state) {
                    (b' ' | b'\t', State::LineStart) => (None, State::LineStart),
                    (b' ' | b'\t', State::Gap | State::Closed | State::Cell { quoted: false }) => {
                        (None, State::Gap)
                    }
                    (
                        b'\n' | b'\r',
                        State::Cell { quoted: false }
                        | State::Closed
                        | State::Gap
                        | State::LineStart,
                    ) => (Some(byte), State::LineStart),
                    // The byte is taken in the next round, as the first of a cell.
                    (_, State::Gap) => {
                        into[written] = b'\t';
                        written += 1;
                        self.state = State::LineStart;
                        continue;
                    }
                    (_, State::LineStart) => (Some(byte), State::Cell { quoted: byte == b'"' }),
                    (b'"', State::Cell { quoted: true }) => (Some(byte), State::Closed),
                    (_, State::Closed) => (Some(byte), State::Cell { quoted: byte == b'"' }),
                    (_, State::Cell { quoted }) => (Some(byte), State::Cell { quoted }),
                };
                self.state = state;
                self.unread.start += 1;
                if let Some(byte) = write {
                    into[written] = byte;
                    written += 1;
                }
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_blanks_are_one_tab_however_they_are_read() {
        let text = "  1.5 \t x  \n\n\"a \"\" b\"   2\r\n 3   \"c\"";
        let expected = "1.5\tx\n\n\"a \"\" b\"\t2\r\n3\t\"c\"";
        for size in 1..20 {
            let mut reader = SingleTabs::new(text.as_bytes());
            let (mut all, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                match reader.read(&mut piece).unwrap() {
                    0 => break,
                    read => all.extend_from_slice(&piece[..read]),
                }
            }
            assert_eq!(String::from_utf8(all).unwrap(), expected, "{size}");
        }
    }
}
