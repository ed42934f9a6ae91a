//! The error of the binary: one line that says what is wrong and what to do.

use narrows_datasets::Remedy;
use std::fmt;
use std::path::Path;

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
            Some(Remedy::CategoryNames) => ": choose by --categorical",
            Some(Remedy::OrdinalNames) => ": choose by --ordinal",
            Some(Remedy::SkipUnreadable) => " by --skip-bad",
            Some(Remedy::OneSize) => " by --image-size",
            Some(Remedy::LabelsFile) => " by --labels-file",
            _ => "",
        };
        Error(message + option)
    }

    /// An error about the file or folder at `path`.
    pub fn at(path: &Path, problem: impl fmt::Display) -> Error {
        Error(format!("{}: {problem}", path.display()))
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

impl From<narrows_engine::Error> for Error {
    fn from(e: narrows_engine::Error) -> Error {
        Error(e.to_string())
    }
}

impl From<narrows_models::Error> for Error {
    fn from(e: narrows_models::Error) -> Error {
        Error::advised(e.to_string(), e.remedy())
    }
}

impl From<narrows_datasets::Error> for Error {
    fn from(e: narrows_datasets::Error) -> Error {
        Error::advised(e.to_string(), e.remedy())
    }
}
