//! The error of the binary: one line that says what is wrong and what to do.

use std::fmt;
use std::path::Path;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub fn new(message: impl Into<String>) -> Error {
        Error(message.into())
    }

    /// An error about the file or folder at `path`.
    pub fn at(path: &Path, problem: impl fmt::Display) -> Error {
        Error(format!("{}: {problem}", path.display()))
    }
}

/// One line, whatever a path or a message holds.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str(" ")?,
                c if c.is_control() => write!(f, "{}", c.escape_default())?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

macro_rules! from {
    ($($error:ty),+) => {
        $(impl From<$error> for Error {
            fn from(e: $error) -> Error {
                Error(e.to_string())
            }
        })+
    };
}

from!(narrows_models::Error, narrows_engine::Error);

/// Names the option that helps, which the library does not know.
impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        use narrows_datasets::Error as Data;
        match e {
            Data::Unreadable { .. } => Error(format!("{e} by --skip-bad")),
            Data::Sizes { .. } => Error(format!("{e} by --image-size")),
            _ => Error(e.to_string()),
        }
    }
}
