//! An array of objects, turned into one object a line.

use std::io::{self, Read};

/// A reader of the array that `inner` holds, which writes each of its items on a line. Line breaks
/// within an item become blanks; in texts there are none.
///
/// An array that is not closed, and text behind it, are errors of the kind
/// [`io::ErrorKind::InvalidData`].
pub(super) struct ArrayLines<R> {
    inner: R,
    piece: Vec<u8>,
    unread: std::ops::Range<usize>,
    state: State,
    /// The objects and arrays that are open, the outermost one among them.
    depth: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the array.
    Before,
    /// Within the array, in no text.
    Plain,
    Text,
    /// Behind a backslash in a text.
    Escape,
    /// Behind the array.
    Behind,
}

impl<R: Read> ArrayLines<R> {
    pub(super) fn new(inner: R) -> Self {
        ArrayLines { inner, piece: vec![0; 64 << 10], unread: 0..0, state: State::Before, depth: 0 }
    }

    /// The byte to write for the next one, if there is any.
    fn step(&mut self, byte: u8) -> io::Result<Option<u8>> {
        Ok(match (self.state, byte) {
            (State::Before, b'[') => {
                (self.state, self.depth) = (State::Plain, 1);
                None
            }
            // A byte order mark.
            (State::Before, _) => None,
            (State::Plain, b'"') => {
                self.state = State::Text;
                Some(byte)
            }
            (State::Plain, b'[' | b'{') => {
                self.depth += 1;
                Some(byte)
            }
            (State::Plain, b']' | b'}') => {
                self.depth -= 1;
                if self.depth > 0 {
                    return Ok(Some(byte));
                }
                self.state = State::Behind;
                if byte == b'}' {
                    return Err(invalid("its array is closed by }"));
                }
                None
            }
            (State::Plain, b',') if self.depth == 1 => Some(b'\n'),
            (State::Plain, b'\n' | b'\r') => Some(b' '),
            (State::Text, b'\\') => {
                self.state = State::Escape;
                Some(byte)
            }
            (State::Text, b'"') | (State::Escape, _) => {
                self.state = if self.state == State::Text { State::Plain } else { State::Text };
                Some(byte)
            }
            (State::Plain | State::Text, _) => Some(byte),
            (State::Behind, _) if byte.is_ascii_whitespace() => None,
            (State::Behind, _) => return Err(invalid("there is text behind its array")),
        })
    }
}

impl<R: Read> Read for ArrayLines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written == 0 && !into.is_empty() {
            if self.unread.is_empty() {
                self.unread = 0..self.inner.read(&mut self.piece)?;
                if self.unread.is_empty() {
                    return match self.state {
                        State::Behind => Ok(0),
                        _ => Err(invalid("its array is not closed: it may be cut off")),
                    };
                }
            }
            while written < into.len() && !self.unread.is_empty() {
                let byte = self.piece[self.unread.start];
                self.unread.start += 1;
                if let Some(byte) = self.step(byte)? {
                    into[written] = byte;
                    written += 1;
                }
            }
        }
        Ok(written)
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
