//! The error of this crate: one line that says what is wrong and what to do.

use std::fmt;

/// Why a model cannot be built, trained, saved or loaded.
#[derive(Clone, Debug)]
pub struct Error(String);

impl Error {
    /// An error with that one-line message.
    pub fn new(message: impl Into<String>) -> Error {
        Error(message.into())
    }

    /// The same error, with what was being done before it.
    pub fn during(self, what: &str) -> Error {
        Error(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<narrows_engine::Error> for Error {
    fn from(e: narrows_engine::Error) -> Error {
        Error(e.to_string())
    }
}

impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        Error(e.to_string())
    }
}
