//! The engine's error: its kind, and one line that says what is wrong and what to do.

use std::fmt;

/// Why a network cannot be planned, or a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// Kinds of errors, for programs that react to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A layer or a call got values of a shape or a number that it cannot take.
    Shape,
    /// A setting is out of its range.
    Setting,
    /// Two things do not belong together, such as a network and the parameters of another one.
    Mismatch,
    /// No parameter has that name.
    Unknown,
    /// A loss or a gradient is NaN or infinite.
    NotFinite,
    /// A file cannot be read or written.
    Io,
    /// A file does not hold what it should.
    Format,
    /// The operating system refuses something, such as threads.
    System,
}

impl Error {
    /// An error of a layer that cannot take its input, with that one-line message.
    pub fn new(message: impl Into<String>) -> Error {
        Error::of(ErrorKind::Shape, message)
    }

    /// An error of [`ErrorKind::Shape`].
    pub fn shape(message: impl Into<String>) -> Error {
        Error::of(ErrorKind::Shape, message)
    }

    /// An error of [`ErrorKind::Setting`].
    pub fn setting(message: impl Into<String>) -> Error {
        Error::of(ErrorKind::Setting, message)
    }

    /// An error of [`ErrorKind::Mismatch`].
    pub fn mismatch(message: impl Into<String>) -> Error {
        Error::of(ErrorKind::Mismatch, message)
    }

    /// An error of that kind, with that one-line message.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, with the place before it: `layer encoder.0: ...`.
    #[must_use]
    pub fn within(self, place: impl fmt::Display) -> Error {
        Error { message: format!("{place}: {}", self.message), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
