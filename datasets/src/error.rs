//! What can go wrong, in one line each.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a data set could not be read, or a split not be made.
///
/// `Display` is one line: it names the file, the row or the number at fault, and what to do about
/// it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open or read a file.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file was read, and is not what it should be.
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
        /// The setting that helps, if one does.
        remedy: Option<Remedy>,
    },
    /// Images cannot be read, and were not to be skipped.
    Unreadable {
        /// The first of them.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// How many they are.
        bad: usize,
        /// Of how many images.
        of: usize,
    },
    /// Images differ in size, and no size was asked for.
    Sizes {
        /// The first that differs.
        path: PathBuf,
        /// Its height and width.
        size: (usize, usize),
        /// The first image.
        first: PathBuf,
        /// Its height and width.
        first_size: (usize, usize),
    },
    /// What the caller asked for cannot be had.
    Request {
        /// What is wrong with it, and what to do.
        problem: String,
        /// The setting that helps, if one does.
        remedy: Option<Remedy>,
    },
}

/// The setting that helps. The message of the error says in which way; a program that has the
/// setting under a name of its own can add that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Ignore the column, or some columns.
    Ignore,
    /// Name a text of the column as missing, or ignore the column.
    MissingOrIgnore,
    /// Choose another column of labels.
    OtherLabel,
    /// Say which column holds the labels, or that none does.
    WhichLabel,
    /// Name the column of labels, if the data are a table.
    NameLabel,
    /// Ask for fewer labels to train or to validate on.
    FewerLabels,
    /// The columns to ignore have other names.
    IgnoredNames,
    /// The column of labels has another name.
    LabelName,
    /// The columns to read as categories have other names.
    CategoryNames,
    /// The columns whose categories are to be ordered have other names.
    OrdinalNames,
    /// Skip images that cannot be read.
    SkipUnreadable,
    /// Ask for one size of all images.
    OneSize,
}

/// What is wrong, before it is known where.
#[derive(Debug)]
pub(crate) struct Problem {
    pub text: String,
    pub remedy: Option<Remedy>,
}

impl Problem {
    /// One that a setting helps.
    pub fn with(text: impl Into<String>, remedy: Remedy) -> Problem {
        Problem { text: text.into(), remedy: Some(remedy) }
    }

    /// The same, with where it is before it.
    pub fn at(self, place: impl fmt::Display) -> Problem {
        Problem { text: format!("{place}{}", self.text), ..self }
    }
}

impl<T: Into<String>> From<T> for Problem {
    fn from(text: T) -> Problem {
        Problem { text: text.into(), remedy: None }
    }
}

impl Error {
    /// The setting that helps, if one does.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Error::Io { .. } => None,
            Error::Unreadable { .. } => Some(Remedy::SkipUnreadable),
            Error::Sizes { .. } => Some(Remedy::OneSize),
            Error::File { remedy, .. } | Error::Request { remedy, .. } => *remedy,
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Error::Io { path: path.to_owned(), source }
    }

    pub(crate) fn file(path: &Path, problem: impl Into<Problem>) -> Self {
        let Problem { text: problem, remedy } = problem.into();
        Error::File { path: path.to_owned(), problem, remedy }
    }

    pub(crate) fn request(problem: impl Into<Problem>) -> Self {
        let Problem { text: problem, remedy } = problem.into();
        Error::Request { problem, remedy }
    }
}

/// Returns an error of one line: `bail!(path, "holds {count} classes")` blames a file,
/// `bail!("no sample can have the shape {shape:?}")` the request.
macro_rules! bail {
    ($problem:literal $($arguments:tt)*) => {
        return Err($crate::error::Error::request(std::fmt::format(
            format_args!($problem $($arguments)*),
        )))
    };
    ($path:expr, $($problem:tt)+) => {
        return Err($crate::error::Error::file($path, std::fmt::format(format_args!($($problem)+))))
    };
}

pub(crate) use bail;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { path, source } => {
                let advice = match source.kind() {
                    io::ErrorKind::NotFound => ": check the path for a mistake",
                    io::ErrorKind::PermissionDenied => ": allow this user to read it",
                    _ => "",
                };
                write!(f, "{}: {source}{advice}", OneLine(path))
            }
            Error::File { path, problem, .. } => write!(f, "{}: {problem}", OneLine(path)),
            Error::Unreadable { path, problem, bad: 1, .. } => {
                write!(f, "{}: {problem}: mend or remove it, or skip it", OneLine(path))
            }
            Error::Unreadable { path, problem, bad, of } => {
                write!(f, "{}: {problem}; {bad} of {of} images cannot be read: ", OneLine(path))?;
                f.write_str("mend or remove them, or skip them")
            }
            Error::Sizes { path, size: (height, width), first, first_size } => {
                let (path, first, (first_height, first_width)) =
                    (OneLine(path), OneLine(first), first_size);
                write!(
                    f,
                    "{path}: is {height}x{width}, where {first} is {first_height}x{first_width}: "
                )?;
                f.write_str("ask for one size")
            }
            Error::Request { problem, .. } => f.write_str(problem),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Unknown keys and the like are quoted in such an error as they are: on one line then, and not at
/// any length.
pub(crate) fn shown_json(error: &serde_json::Error) -> String {
    let text: String = error.to_string().chars().take(120).collect();
    text.escape_debug().to_string()
}

/// A path with its control characters escaped: a file name may hold a line break, an error line may
/// not.
pub(crate) struct OneLine<'a>(pub(crate) &'a Path);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string_lossy().chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// A name or text from a file, in quotes, on one line and not longer than fits an error.
pub(crate) struct Short<'a>(pub(crate) &'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(40) {
            Some((end, _)) => write!(f, "{:?}...", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_a_path_does_not_break_the_line() {
        let line = Error::file(Path::new("two\nlines/ä b"), "is empty").to_string();
        assert_eq!(line, "two\\nlines/ä b: is empty");
    }
}
