//! Errors of one line each.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An error in reading a data set, or in making a split.
///
/// `Display` is one line: it names the file, the row or the number at fault, and the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open or read a file.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file was read, and its content is wrong.
    File {
        /// The file or folder.
        path: PathBuf,
        /// The problem with it, and the remedy.
        problem: String,
        /// The setting that helps, if one does.
        remedy: Option<Remedy>,
    },
    /// Columns of a table cannot be read as they are. All others can.
    Columns {
        /// The file.
        path: PathBuf,
        /// The columns, at least one.
        refused: Vec<RefusedColumn>,
    },
    /// The caller asked for something that is not possible.
    Request {
        /// The problem with it, and the remedy.
        problem: String,
        /// The setting that helps, if one does.
        remedy: Option<Remedy>,
    },
}

/// A column of a table that cannot be read as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedColumn {
    /// Its name.
    pub name: String,
    /// The row at fault, if there is one, as it is called: `line 5`.
    pub row: Option<String>,
    /// The problem with it, and the remedy.
    pub problem: String,
    /// The setting that helps, if one does.
    pub remedy: Option<Remedy>,
    /// The texts among its numbers that may stand for missing values, and the count of each; none
    /// if there are many.
    pub marks: Vec<(String, u64)>,
}

/// The setting that helps. The message of the error tells in which way. A program that has the
/// setting under a name of its own can add the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Ignore the column, or some columns.
    Ignore,
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
    /// The column to read has another name.
    ColumnName,
    /// Say that the table has no header.
    NoHeader,
    /// Say which mark is before the fractions of numbers.
    DecimalMark,
    /// Name a text of the column as missing, read the column as categories, or ignore it.
    MissingOrCategories,
    /// Read the column as categories, or ignore it.
    CategoriesOrIgnore,
    /// Name a text as missing.
    Missing,
    /// Skip images that cannot be read.
    SkipUnreadable,
    /// Ask for one size of all images.
    OneSize,
    /// Give the file of the labels.
    LabelsFile,
}

/// A problem, before its place is known.
#[derive(Debug)]
pub(crate) struct Problem {
    pub text: String,
    pub remedy: Option<Remedy>,
    /// See [`RefusedColumn::marks`].
    pub marks: Vec<(String, u64)>,
}

impl Problem {
    /// A problem that a setting solves.
    pub fn with(text: impl Into<String>, remedy: Remedy) -> Problem {
        Problem { text: text.into(), remedy: Some(remedy), marks: Vec::new() }
    }

    /// The same, with its place before it.
    pub fn at(self, place: impl fmt::Display) -> Problem {
        Problem { text: format!("{place}{}", self.text), ..self }
    }
}

impl<T: Into<String>> From<T> for Problem {
    fn from(text: T) -> Problem {
        Problem { text: text.into(), remedy: None, marks: Vec::new() }
    }
}

impl Error {
    /// The setting that helps, if one does.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Error::Io { .. } => None,
            Error::File { remedy, .. } | Error::Request { remedy, .. } => *remedy,
            Error::Columns { refused, .. } => refused.first().and_then(|column| column.remedy),
        }
    }

    /// The columns that the message is about: the first that is refused, and the others with a
    /// problem of the same kind.
    pub fn columns(&self) -> Vec<&RefusedColumn> {
        let Error::Columns { refused, .. } = self else { return Vec::new() };
        let is_told = |column: &&RefusedColumn| {
            let first = &refused[0];
            let together =
                matches!(first.remedy, Some(Remedy::Ignore | Remedy::MissingOrCategories));
            let same = together && column.remedy == first.remedy && column.row.is_none();
            **column == *first || first.row.is_none() && same
        };
        refused.iter().filter(is_told).collect()
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Error::Io { path: path.to_owned(), source }
    }

    pub(crate) fn file(path: &Path, problem: impl Into<Problem>) -> Self {
        let Problem { text: problem, remedy, .. } = problem.into();
        Error::File { path: path.to_owned(), problem, remedy }
    }

    /// The request that the data set `name` cannot serve.
    pub(crate) fn data_set(name: &str, problem: impl Into<Problem>) -> Self {
        Error::request(problem.into().at(format_args!("data set {name:?}: ")))
    }

    pub(crate) fn request(problem: impl Into<Problem>) -> Self {
        let Problem { text: problem, remedy, .. } = problem.into();
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

/// Names the file that a result is about: `fs::metadata(path).at(path)?`.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, io::Error> {
    fn at(self, path: &Path) -> Result<T, Error> {
        self.map_err(|error| Error::io(path, error))
    }
}

impl<T> At<T> for Result<T, String> {
    fn at(self, path: &Path) -> Result<T, Error> {
        self.map_err(|problem| Error::file(path, problem))
    }
}

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
            Error::Columns { path, .. } => {
                write!(f, "{}: ", OneLine(path))?;
                write_columns(f, &self.columns())
            }
            Error::Request { problem, .. } => f.write_str(problem),
        }
    }
}

/// Writes the problems of columns, and the remedy once.
fn write_columns(f: &mut fmt::Formatter<'_>, columns: &[&RefusedColumn]) -> fmt::Result {
    const SHOWN: usize = 12;
    if let [RefusedColumn { name, row, problem, .. }] = columns {
        return match row {
            Some(row) => write!(f, "{row}, column {}: {problem}", Short(name)),
            None => write!(f, "the column {} {problem}", Short(name)),
        };
    }
    for (at, RefusedColumn { name, problem, .. }) in columns.iter().take(SHOWN).enumerate() {
        let end = problem.rfind(": ").unwrap_or(problem.len());
        let before = if at == 0 { "" } else { "; " };
        write!(f, "{before}the column {} {}", Short(name), &problem[..end])?;
    }
    match columns.len().saturating_sub(SHOWN) {
        0 => {}
        more => write!(f, "; and {more} more columns")?,
    }
    match columns.first().and_then(|column| column.remedy) {
        Some(Remedy::Ignore) => f.write_str(": ignore them"),
        _ => f.write_str(
            ": name the texts as missing, read the columns as categories, or ignore them",
        ),
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

/// An error of JSON on one line and not too long: it quotes unknown keys and the like as they are.
pub(crate) fn shown_json(error: &serde_json::Error) -> String {
    let text: String = error.to_string().chars().take(120).collect();
    text.escape_debug().to_string()
}

/// A path with its control characters escaped: a file name may hold a line break, an error must
/// not.
pub(crate) struct OneLine<'a>(pub(crate) &'a Path);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string_lossy();
        if !text.contains(char::is_control) {
            return f.write_str(&text);
        }
        for character in text.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// A name or text from a file, in quotes, on one line, cut to a length that fits an error.
pub(crate) struct Short<'a>(pub(crate) &'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(40).map(|(end, _)| end);
        f.write_str("\"")?;
        for character in self.0[..end.unwrap_or(self.0.len())].chars() {
            match character {
                // As it is written, if it has a width of its own.
                '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\'' => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        f.write_str(if end.is_some() { "\"..." } else { "\"" })
    }
}

/// `names` on one line, or the first of them and the number of the others.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN).map(|name| Short(name.as_ref()).to_string());
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
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
