//! The error of this crate: its kind, and one line that says what is wrong and what to do.

use narrows_datasets::Remedy;
use narrows_engine::ErrorKind as EngineKind;
use std::fmt;
use std::path::Path;

/// Why a model cannot be built, trained, saved or loaded.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    problem: String,
    remedy: Option<Remedy>,
}

/// Kinds of errors, for programs that react to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is out of its range, or does not go with another.
    Setting,
    /// The data cannot be read, or do not suffice: too few samples, labels or values.
    Data,
    /// Two things do not belong together, such as a network and the parameters of another one.
    Mismatch,
    /// A loss or a parameter became NaN or infinite.
    Diverged,
    /// A file cannot be read or written.
    Io,
    /// A file is no model, or a damaged one.
    Format,
    /// The operating system refuses something, such as threads.
    System,
    /// No error: a stop was asked for ([`Checkpoints::stop`](crate::Checkpoints::stop)).
    Stopped,
}

/// No problem with a file is told in more characters.
const LONGEST_PROBLEM: usize = 300;

impl Error {
    /// An error of that kind, with that one-line message.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, problem: message.into(), remedy: None }
    }

    /// An error about a file, whose own text may be in the problem: of any length, and with line
    /// breaks, which a path may have, too.
    pub(crate) fn of_file(kind: ErrorKind, path: &Path, problem: &str) -> Error {
        let short: String = problem.chars().take(LONGEST_PROBLEM).collect();
        let line = format!("{}: {short}", path.display());
        Error::of(kind, line.replace(char::is_control, " "))
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, with the work that failed before it.
    #[must_use]
    pub fn during(self, what: &str) -> Error {
        Error { problem: format!("{what}: {}", self.problem), ..self }
    }

    /// The same error, with more behind it.
    pub(crate) fn followed_by(self, more: &str) -> Error {
        Error { problem: format!("{}{more}", self.problem), ..self }
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

/// An error: `error!("a batch of {batch} is too small")` blames a setting, and
/// `error!(Data, "there are no samples")` is of the kind that it names.
macro_rules! error {
    ($message:literal $($arguments:tt)*) => {
        $crate::error::error!(Setting, $message $($arguments)*)
    };
    ($kind:ident, $($message:tt)+) => {
        $crate::error::Error::of($crate::error::ErrorKind::$kind, format!($($message)+))
    };
}
pub(crate) use error;

/// Returns an [`error!`] from the function.
macro_rules! bail {
    ($($error:tt)+) => { return Err($crate::error::error!($($error)+)) };
}
pub(crate) use bail;

/// Returns an [`error!`] from the function unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($error:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            return Err($crate::error::error!($($error)+));
        }
    };
}
pub(crate) use ensure;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Error {}

impl From<narrows_engine::Error> for Error {
    fn from(e: narrows_engine::Error) -> Error {
        let kind = match e.kind() {
            EngineKind::Setting => ErrorKind::Setting,
            EngineKind::NotFinite => ErrorKind::Diverged,
            EngineKind::Io => ErrorKind::Io,
            EngineKind::Format => ErrorKind::Format,
            EngineKind::System => ErrorKind::System,
            _ => ErrorKind::Mismatch,
        };
        Error::of(kind, e.to_string())
    }
}

impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        Error { remedy: e.remedy(), ..Error::of(ErrorKind::Data, e.to_string()) }
    }
}
