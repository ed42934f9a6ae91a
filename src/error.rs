//! The error of the binary: one line that says what is wrong and what to do.

use crate::shell::{joined, quoted};
use narrows_datasets::{RefusedColumn, Remedy};
use narrows_models::ErrorKind;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Error {
    message: String,
    kind: Kind,
    /// All columns of a table that are refused, if that is the problem.
    columns: Vec<RefusedColumn>,
    /// The setting of the data that helps, if one does.
    remedy: Option<Remedy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    /// A training was asked to stop, and did.
    Stopped,
    /// The same, with the exit code that the signal asks for.
    StoppedBy(u8),
}

impl Error {
    pub fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), kind: Kind::Failed, columns: Vec::new(), remedy: None }
    }

    /// True if a training was asked to stop, and did.
    pub fn is_stopped(&self) -> bool {
        self.kind != Kind::Failed
    }

    /// The same, with more to say, and the exit code that the signal asks for.
    pub fn stopped_by(self, more: &str, code: u8) -> Error {
        Error { message: self.message + more, kind: Kind::StoppedBy(code), ..self }
    }

    /// The exit code of the program.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::StoppedBy(code) => code,
            _ => 2,
        }
    }

    /// All columns of a table that are refused, if that is the problem.
    pub fn columns(&self) -> &[RefusedColumn] {
        &self.columns
    }

    /// The setting of the data that helps, if one does.
    pub fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }

    /// The same error, with what it is about before it.
    pub fn during(self, what: &str) -> Error {
        Error { message: format!("{what}: {}", self.message), ..self }
    }

    /// The error of that message, and the option that helps, which the libraries do not know.
    fn advised(message: String, remedy: Option<Remedy>) -> Error {
        let option = match remedy {
            Some(Remedy::Ignore) => " by --ignore",
            Some(Remedy::NoHeader) => ", by --header false",
            Some(Remedy::DecimalMark) => ", by --decimal",
            Some(Remedy::MissingOrCategories) => ", by --missing=TEXT, --categorical or --ignore",
            Some(Remedy::CategoriesOrIgnore) => ", by --categorical or --ignore",
            Some(Remedy::Missing) => ", by --missing=TEXT",
            Some(Remedy::OtherLabel) => " by --target",
            Some(Remedy::WhichLabel) => ", by --target",
            Some(Remedy::NameLabel) => ": name a table's column of labels by --target",
            Some(Remedy::FewerLabels) => " by --labels or --validation",
            Some(Remedy::IgnoredNames) => ": choose by --ignore",
            Some(Remedy::LabelName) => ": choose by --target",
            Some(Remedy::ColumnName) => ": choose by --id",
            Some(Remedy::CategoryNames) => ": choose by --categorical",
            Some(Remedy::OrdinalNames) => ": choose by --ordinal",
            Some(Remedy::SkipUnreadable) => " by --skip-bad",
            Some(Remedy::OneSize) => " by --image-size, such as --image-size 64",
            Some(Remedy::LabelsFile) => " by --labels-file",
            _ => "",
        };
        Error::new(message + option)
    }

    /// An error about the file or folder at `path`.
    pub fn at(path: &Path, problem: impl fmt::Display) -> Error {
        Error::new(format!("{}: {problem}", path.display()))
    }
}

/// Returns an error: `bail!("no command")`, or `bail!(path, "holds {n} files")` about a file.
macro_rules! bail {
    ($problem:literal $($arguments:tt)*) => {
        return Err($crate::error::Error::new(format!($problem $($arguments)*)))
    };
    ($path:expr, $($problem:tt)+) => {
        return Err($crate::error::Error::at($path, format_args!($($problem)+)))
    };
}
pub(crate) use bail;

/// Returns an error as [`bail!`] does, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($error:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            $crate::error::bail!($($error)+);
        }
    };
}
pub(crate) use ensure;

/// One line, whatever a path or a message holds.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.message.chars() {
            match character {
                '\n' => f.write_str(" ")?,
                c if c.is_control() => write!(f, "{}", c.escape_default())?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

impl From<narrows_engine::Error> for Error {
    fn from(e: narrows_engine::Error) -> Error {
        Error::new(e.to_string())
    }
}

impl From<narrows_models::Error> for Error {
    fn from(e: narrows_models::Error) -> Error {
        let kind = match e.kind() {
            ErrorKind::Stopped => Kind::Stopped,
            _ => Kind::Failed,
        };
        Error { kind, ..Error::advised(e.to_string(), e.remedy()) }
    }
}

impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        let (told, remedy) = (e.columns(), e.remedy());
        let error = match remedy {
            Some(Remedy::Ignore) if !told.is_empty() => {
                let names = listed(told.iter().map(|column| &column.name));
                Error::new(format!("{e} by --ignore {names}"))
            }
            Some(Remedy::MissingOrCategories) if told.iter().all(|told| !told.marks.is_empty()) => {
                let marks = marks(told.iter().copied());
                Error::new(format!("{e}, by --missing={marks}, --categorical or --ignore"))
            }
            remedy => Error::advised(e.to_string(), remedy),
        };
        let others = match &e {
            narrows_datasets::Error::Columns { refused, .. } => refused.len() - told.len(),
            _ => 0,
        };
        let error = match others {
            0 => error,
            _ => {
                let more = if others == 1 { "column" } else { "columns" };
                let all = format!(
                    "; {others} more {more} cannot be read: 'narrows data inspect' lists all"
                );
                Error { message: error.message + &all, ..error }
            }
        };
        let columns = match e {
            narrows_datasets::Error::Columns { refused, .. } => refused,
            _ => Vec::new(),
        };
        Error { columns, remedy, ..error }
    }
}

/// The texts that may stand for missing values in these columns, as `--missing` takes them.
pub fn marks<'a>(columns: impl IntoIterator<Item = &'a RefusedColumn>) -> String {
    let marks = columns.into_iter().flat_map(|column| &column.marks).map(|(mark, _)| mark);
    let different: BTreeSet<&String> = marks.collect();
    listed(different)
}

/// Names or texts as an option takes them in a shell.
pub fn listed<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    quoted(joined(items))
}
