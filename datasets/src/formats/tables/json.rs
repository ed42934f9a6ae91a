//! JSON: one object on each line, or an array of objects. Each object is a row, each key a column.
//!
//! - **Columns** are all keys of the file, in the order in which they appear. A row without a key
//!   has a missing value there.
//! - **Cells**: numbers are numbers, `null` is missing. Texts, and `true` and `false`, are what
//!   they would be in delimited text, but a text of digits is said to be read as a number.
//! - **Objects and arrays** within a row are an error that names its line, or its number in an
//!   array, and the key, unless the column is left out.
//! - Text is UTF-8. A row has at most 4 MB, and a file 65,536 keys.

mod array;
mod object;
mod pieces;
#[cfg(test)]
mod tests;

use std::cell::Cell as Flag;
use std::fs::{self, File};
use std::io::{BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{At as _, Error, Problem, Remedy, Short, bail};
use crate::files::compressed::decompressed;
use crate::files::regular::open_regular;
use crate::formats::options::{Decimal, TableOptions};
use crate::formats::source::Start;
use crate::formats::tables::csv::{known_decimal, to_label, to_text};
use crate::formats::tables::roles::{Role, roles};
use crate::formats::tables::source::{Cell, Part, TableSource, TakePart, TakeRow};
use array::ArrayLines;
use object::{Columns, Value, read_row};
use pieces::Pieces;

/// The most cells in a part. Rows may be short, and have a cell for each key of the file.
const CELLS: usize = 1 << 20;
/// The problem with a row that has a key which was not there when the table was opened.
const NEW_KEY: &str = "has a new key";
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Tells whether a file begins with an object, or with an array of objects.
pub(crate) fn is_json(start: &Start) -> bool {
    form(&start.bytes).is_some()
}

/// Opens a file of JSON.
pub(crate) fn json_source(
    path: &Path,
    options: &TableOptions,
) -> Result<Box<dyn TableSource>, Error> {
    Ok(Box::new(JsonTable::open(path, options)?))
}

/// The forms that a file may have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// An object on each line.
    Lines,
    /// An array of objects.
    Array,
}

/// The form of a file that begins with `start`.
fn form(start: &[u8]) -> Option<Form> {
    let text = start.strip_prefix(UTF8_MARK).unwrap_or(start).trim_ascii_start();
    let behind = |bytes: &'static [u8]| text.strip_prefix(bytes).map(<[u8]>::trim_ascii_start);
    match (behind(b"{"), behind(b"[")) {
        (Some([b'"' | b'}', ..]), _) => Some(Form::Lines),
        // A line break within the object.
        (Some([]), _) => Some(Form::Lines),
        (_, Some([b'{', ..])) => Some(Form::Array),
        _ => None,
    }
}

/// A table in JSON.
pub(crate) struct JsonTable {
    file: File,
    /// The length and the time of modification when the file was opened, to be compared after each
    /// pass.
    stamp: (u64, Option<SystemTime>),
    form: Form,
    names: Vec<String>,
    rows: Arc<Rows>,
    /// The file has bytes behind its gzip data.
    left_out: Rc<Flag<bool>>,
}

/// The properties that reading a row takes.
#[derive(Clone)]
struct Rows {
    path: PathBuf,
    word: &'static str,
    columns: Columns,
    /// The columns that may hold objects and arrays, as they are left out.
    may_nest: Vec<bool>,
    /// The columns whose numbers are texts; empty for none.
    texts: Vec<bool>,
    /// The column of the labels, in which any text may be a class.
    label: Option<usize>,
    /// Texts of missing values, and those of them that are numbers.
    missing: Vec<String>,
    missing_numbers: Vec<f64>,
    decimal: Decimal,
}

impl JsonTable {
    /// Opens `path`, and reads it to learn its keys.
    ///
    /// # Errors
    /// If it is not a regular file or cannot be read; if it is not JSON of one of the two forms; if
    /// a column that is not left out holds objects or arrays.
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, Error> {
        let (file, length) = open_regular(path, "a table")?;
        let stamp = (length, file.metadata().at(path)?.modified().ok());
        let Some(form) = form(&Start::read(path)?.bytes) else {
            bail!(path, "is no JSON of one object a line: check its name");
        };
        let decimal = options.decimal.or_else(|| known_decimal(options.known.as_deref()?));
        let missing = options.all_missing();
        let rows = Rows {
            path: path.to_owned(),
            word: if form == Form::Lines { "line" } else { "row" },
            columns: Columns::default(),
            may_nest: Vec::new(),
            texts: Vec::new(),
            label: None,
            missing_numbers: missing.iter().filter_map(|text| text.parse().ok()).collect(),
            missing,
            decimal: decimal.unwrap_or_default(),
        };
        let left_out = Rc::default();
        let mut table = JsonTable { file, stamp, form, names: vec![], rows: rows.into(), left_out };
        table.find_columns(options)?;
        Ok(table)
    }

    /// Reads all rows to learn their keys.
    fn find_columns(&mut self, options: &TableOptions) -> Result<(), Error> {
        let rows = self.rows.clone();
        let mut columns = Columns::default();
        // The first object or array in each column.
        let mut nested: Vec<Option<(u64, &'static str)>> = Vec::new();
        let mut any = false;
        self.for_each_piece(&mut |bytes, number| {
            let mut values = Vec::new();
            for (number, line) in lines(&bytes, number) {
                let mut place = |key: &str, expected| match columns.find(key, expected) {
                    Some(place) => Ok(place),
                    None => columns.add(key),
                };
                read_row(line, &mut place, &mut values)
                    .map_err(|problem| rows.wrong(number, &problem))?;
                any = true;
                nested.resize(values.len(), None);
                for (value, nested) in values.iter().zip(&mut nested) {
                    if let Value::Nested(what) = value {
                        nested.get_or_insert((number, what));
                    }
                }
            }
            Ok(())
        })?;
        let path = &*rows.path;
        self.names = columns.names.clone();
        if !any {
            bail!(path, "has no rows");
        }
        if self.names.is_empty() {
            bail!(path, "has rows without any key: give each a name and a value");
        }
        let may_nest: Vec<bool> = match options.known {
            Some(_) => {
                let roles = roles(&self.names, options, path)?;
                roles.iter().map(|role| *role == Role::Ignored).collect()
            }
            None => self.names.iter().map(|name| options.ignore.contains(name)).collect(),
        };
        for ((name, nested), may_nest) in self.names.iter().zip(nested).zip(&may_nest) {
            if let Some((number, what)) = nested.filter(|_| !may_nest) {
                let (word, name) = (rows.word, Short(name));
                let problem = format!(
                    "{word} {number}, column {name}: holds {what}, where a number or a text is \
                     needed: give its values keys of their own, or ignore the column"
                );
                return Err(Error::file(path, Problem::with(problem, Remedy::Ignore)));
            }
        }
        self.rows = Arc::new(Rows { columns, may_nest, ..(*rows).clone() });
        Ok(())
    }

    /// Calls `take` with the text, cut between lines, and the number of the first line in each.
    fn for_each_piece(
        &mut self,
        take: &mut dyn FnMut(Vec<u8>, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = &*self.rows.path;
        self.file.seek(SeekFrom::Start(0)).at(path)?;
        let input = BufReader::with_capacity(32 << 10, &self.file);
        let (reader, packed) = decompressed(input, &self.left_out).at(path)?;
        let reader = match self.form {
            Form::Lines => reader,
            Form::Array => Box::new(ArrayLines::new(reader)),
        };
        let may_be_damaged = packed || self.form == Form::Array;
        let mut pieces = Pieces::new(reader, may_be_damaged, self.rows.word, path);
        while let Some((bytes, number)) = pieces.next()? {
            take(bytes, number)?;
        }
        let metadata = fs::metadata(path).at(path)?;
        match self.stamp == (metadata.len(), metadata.modified().ok()) {
            true => Ok(()),
            false => Err(self.rows.changed()),
        }
    }
}

/// The lines of a piece that are not empty, and their numbers, of which `first` is the first.
fn lines(bytes: &[u8], first: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let bytes = if first == 1 { bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes) } else { bytes };
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    (first..).zip(lines).filter(|(_, line)| !line.is_empty())
}

impl TableSource for JsonTable {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn for_each_part(&mut self, take: &mut TakePart<'_>) -> Result<(), Error> {
        let rows = self.rows.clone();
        let lines_a_part = (CELLS / self.names.len()).max(1);
        self.for_each_piece(&mut |bytes, number| {
            let text = Arc::new(bytes);
            let (mut start, mut number) = (0, number);
            while start < text.len() {
                let mut breaks = memchr::memchr_iter(b'\n', &text[start..]);
                let end = breaks.nth(lines_a_part - 1).map_or(text.len(), |at| start + at + 1);
                let range = start..end;
                take(Box::new(JsonPart { rows: rows.clone(), text: text.clone(), range, number }))?;
                (start, number) = (end, number + lines_a_part as u64);
            }
            Ok(())
        })
    }

    fn read_as_text(&mut self, columns: &[bool], label: Option<usize>) {
        let rows = Arc::make_mut(&mut self.rows);
        rows.texts = if columns.contains(&true) { columns.to_vec() } else { Vec::new() };
        rows.label = label;
    }

    fn decimal(&self) -> Option<Decimal> {
        Some(self.rows.decimal)
    }

    fn notes(&self) -> Vec<String> {
        let note = "the bytes behind its gzip data are left out";
        self.left_out.get().then(|| note.to_owned()).into_iter().collect()
    }

    fn row_word(&self) -> &'static str {
        self.rows.word
    }
}

/// Rows as they are in the file: a range of a text, and the number of the first of them.
struct JsonPart {
    rows: Arc<Rows>,
    text: Arc<Vec<u8>>,
    range: Range<usize>,
    number: u64,
}

impl Part for JsonPart {
    fn for_each_row(&self, take: &mut TakeRow<'_>) -> Result<(), Error> {
        let rows = &*self.rows;
        let columns = &rows.columns;
        let mut place = |key: &str, expected| {
            // Each key was met when the table was opened.
            columns.find(key, expected).ok_or_else(|| NEW_KEY.to_owned())
        };
        let mut values = vec![Value::Absent; columns.names.len()];
        for (number, line) in lines(&self.text[self.range.clone()], self.number) {
            read_row(line, &mut place, &mut values).map_err(|problem| match &*problem {
                NEW_KEY => rows.changed(),
                problem => rows.wrong(number, problem),
            })?;
            for (column, value) in values.iter_mut().enumerate() {
                if let Value::Number(number) = value
                    && rows.is_text(column)
                    && !rows.missing_numbers.contains(number)
                {
                    *value = Value::Text((*number + 0.0).to_string().into());
                }
            }
            let cells = values.iter().enumerate().map(|(column, value)| rows.cell(column, value));
            let cells: Option<Vec<Cell<'_>>> = cells.collect();
            take(number, &cells.ok_or_else(|| rows.changed())?)?;
        }
        Ok(())
    }
}

impl Rows {
    /// The cell of a value; `None` if none was there when the table was opened.
    fn cell<'a>(&self, column: usize, value: &'a Value<'_>) -> Option<Cell<'a>> {
        Some(match value {
            Value::Absent | Value::Null => Cell::Missing,
            Value::Number(number) if self.missing_numbers.contains(number) => Cell::Missing,
            Value::Number(number) => Cell::Number(*number),
            Value::Text(text) if self.label == Some(column) => to_label(text, &self.missing),
            Value::Text(text) => to_text(text, &self.missing),
            // No one reads it, but the row is not empty.
            Value::Nested(what) if self.may_nest[column] => Cell::Text(what),
            Value::Nested(_) => return None,
        })
    }

    fn is_text(&self, column: usize) -> bool {
        self.texts.get(column).is_some_and(|&text| text) || self.label == Some(column)
    }

    fn wrong(&self, number: u64, problem: &str) -> Error {
        Error::file(&self.path, format!("{} {number} {problem}", self.word))
    }

    fn changed(&self) -> Error {
        Error::file(&self.path, "changed while it was being read: start again")
    }
}
