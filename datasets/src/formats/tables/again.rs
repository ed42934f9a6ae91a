//! A table that is read once more, for what is not stored of it: lines, and texts of any column.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::roles::find;
use super::source::{Cell, OpenSource, is_empty};
use crate::dataset::table_text::{TableText, TakeWritten, WrittenRow};
use crate::error::{Error, Remedy};
use crate::formats::options::TableOptions;

/// A table as it was opened.
#[derive(Debug)]
pub(super) struct ReadAgain {
    path: PathBuf,
    options: TableOptions,
    source: OpenSource,
    label: Option<String>,
}

impl ReadAgain {
    pub(super) fn new(
        path: &Path,
        options: &TableOptions,
        source: OpenSource,
        label: Option<String>,
    ) -> Self {
        ReadAgain { path: path.to_owned(), options: options.clone(), source, label }
    }
}

impl TableText for ReadAgain {
    fn for_each_row(&self, columns: &[&str], take: &mut TakeWritten<'_>) -> Result<(), Error> {
        let mut source = (self.source)(&self.path, &self.options)?;
        let names = source.column_names().to_vec();
        let place = |name: &&str| find(&names, name, "to read", Remedy::ColumnName, &self.path);
        let places = columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<bool> = (0..names.len()).map(|at| places.contains(&at)).collect();
        let label = self.label.as_ref();
        let label = label.and_then(|label| names.iter().position(|name| name == label));
        source.read_as_text(&texts, label);
        let of_lines = source.row_word() == "line";
        let keeps_empty = self.options.keeps_empty();
        let mut enough = false;
        let read = source.for_each_row(&mut |number, cells| {
            if is_empty(cells) && !keeps_empty {
                return Ok(());
            }
            let text = |&at: &usize| match cells[at] {
                Cell::Text(text) => Cow::from(text),
                Cell::Number(number) => Cow::from(number.to_string()),
                Cell::Missing => Cow::from(""),
            };
            let texts: Vec<Cow<'_, str>> = places.iter().map(text).collect();
            let line = of_lines.then_some(number);
            enough = !take(&WrittenRow { line, texts: &texts });
            match enough {
                // Ends the reading; it is no error to anybody.
                true => Err(Error::request("has been read far enough")),
                false => Ok(()),
            }
        });
        if enough { Ok(()) } else { read }
    }
}
