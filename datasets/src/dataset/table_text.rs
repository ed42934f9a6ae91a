//! The table that samples were read from, for what is not stored of it: lines and texts.

use std::borrow::Cow;
use std::fmt;

use crate::dataset::{Dataset, View};
use crate::error::Error;

/// A row of a table as it is written.
pub(crate) struct WrittenRow<'a> {
    /// The line of the file that it begins on; `None` if the file is no text of lines.
    pub(crate) line: Option<u64>,
    /// The texts of the cells asked for; empty for a missing value.
    pub(crate) texts: &'a [Cow<'a, str>],
}

/// Takes a row; false ends the reading.
pub(crate) type TakeWritten<'a> = dyn FnMut(&WrittenRow<'_>) -> bool + 'a;

/// A table that can be read again.
pub(crate) trait TableText: fmt::Debug + Send + Sync {
    /// Calls `take` with the rows that are stored, from the first on, and the cells of `columns`.
    ///
    /// # Errors
    /// If it cannot be read, or has no such column.
    fn for_each_row(&self, columns: &[&str], take: &mut TakeWritten<'_>) -> Result<(), Error>;
}

impl Dataset {
    /// The place of a row in the file that it was read from, for an error: the line, or the number
    /// among the rows, from 0 on.
    pub(crate) fn place(&self, row: u32) -> String {
        let stored = self.stored_row(row);
        match self.written(&[(stored, "")]).pop().flatten() {
            Some((Some(line), _)) => format!("line {line}"),
            _ => format!("row {stored}"),
        }
    }

    /// The number of a row in the data that it was chosen from, or in their half.
    pub(crate) fn number(&self, row: u32) -> usize {
        match self.view {
            View::Range(_) => row as usize,
            View::Listed(_) => self.stored_row(row),
        }
    }

    /// The lines and the texts of `cells`, stored rows and names of columns, as far as the table
    /// can be read once more. An empty name asks for the line alone.
    pub(crate) fn written(&self, cells: &[(usize, &str)]) -> Vec<Option<(Option<u64>, String)>> {
        let mut found = vec![None; cells.len()];
        let (Some(table), Some(last)) =
            (&self.origin.table, cells.iter().map(|(row, _)| *row).max())
        else {
            return found;
        };
        let mut columns: Vec<&str> = cells.iter().map(|(_, column)| *column).collect();
        columns.retain(|column| !column.is_empty());
        columns.sort_unstable();
        columns.dedup();
        let mut at = 0;
        // Whoever asks has another thing to say: that the table cannot be read any more is none.
        let _ = table.for_each_row(&columns, &mut |row| {
            for ((_, column), found) in
                cells.iter().zip(&mut found).filter(|((asked, _), _)| *asked == at)
            {
                let text = columns.binary_search(column).map_or("", |at| &*row.texts[at]);
                *found = Some((row.line, text.to_owned()));
            }
            at += 1;
            at <= last
        });
        found
    }
}
