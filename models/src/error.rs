//! The error of this crate: one line that says what is wrong and what to do.

use narrows_datasets::Remedy;
use std::fmt;

/// Why a model cannot be built, trained, saved or loaded.
#[derive(Clone, Debug)]
pub struct Error {
    problem: String,
    remedy: Option<Remedy>,
}

impl Error {
    /// An error with that one-line message.
    pub fn new(message: impl Into<String>) -> Error {
        Error { problem: message.into(), remedy: None }
    }

    /// The same error, with what was being done before it.
    pub fn during(self, what: &str) -> Error {
        Error { problem: format!("{what}: {}", self.problem), ..self }
    }

    /// The same error, which a setting of the data helps.
    pub(crate) fn with(self, remedy: Remedy) -> Error {
        Error { remedy: Some(remedy), ..self }
    }

    /// The setting of the data that helps, if one does.
    pub fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Error {}

impl From<narrows_engine::Error> for Error {
    fn from(e: narrows_engine::Error) -> Error {
        Error::new(e.to_string())
    }
}

impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        Error { remedy: e.remedy(), ..Error::new(e.to_string()) }
    }
}
