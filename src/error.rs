//! The error of the binary: one line that says what is wrong and what to do.

use std::fmt;
use std::path::Path;

/// What the libraries advise at the end of a message, and the option that does it, which they do
/// not know.
const ADVICE: [(&str, &str); 12] = [
    ("name it as missing, or ignore the column", ", by --missing or --ignore"),
    ("ignore it", " by --ignore"),
    ("ignore the column", " by --ignore"),
    ("ignore some columns", " by --ignore"),
    ("name another label column", " by --label"),
    ("too many for classes: name another", " by --label"),
    ("name the one that does, or say that none does", ", by --label"),
    ("labelled samples there are: ask for fewer", " by --labels or --validation"),
    ("samples there are: ask for fewer", " by --labels or --validation"),
    ("read it as categories", " by --categorical"),
    ("comparing needs labels in train and test", ": name the column of a table's by --label"),
    ("a table, whose labels are one of its columns: name that", " by --label"),
];

/// What a column that is not there was to be, and the option that said so.
const COLUMNS: [(&str, &str); 4] = [
    (" of labels: ", "--label"),
    (" to ignore: ", "--ignore"),
    (" to order: ", "--ordinal"),
    (" of categories: ", "--categorical"),
];

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub fn new(message: impl Into<String>) -> Error {
        Error(message.into())
    }

    /// The same error, with what it is about before it.
    pub fn during(self, what: &str) -> Error {
        Error(format!("{what}: {}", self.0))
    }

    /// The error of that message, whose advice is completed by the options that [`ADVICE`] knows.
    fn advised(message: String) -> Error {
        let column = COLUMNS
            .iter()
            .find(|(what, _)| message.contains("has no column ") && message.contains(what));
        match (ADVICE.iter().find(|(end, _)| message.ends_with(end)), column) {
            (Some((_, option)), _) => Error(message + option),
            (None, Some((_, option))) => Error(format!("{message}: choose by {option}")),
            (None, None) => Error(message),
        }
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
                Error::advised(e.to_string())
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
            _ => Error::advised(e.to_string()),
        }
    }
}
