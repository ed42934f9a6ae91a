//! A table that is read part by part.

use std::path::Path;

use crate::error::Error;
use crate::formats::options::{Decimal, TableOptions};

/// One cell of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// An empty cell, or a null.
    Missing,
    /// A number; finite.
    Number(f64),
    /// A text that is no finite number.
    Text(&'a str),
}

/// Takes the number of a row, as the user counts it (from 0 on; of a CSV file the line, from 1 on),
/// and its cells.
pub(crate) type TakeRow<'a> = dyn FnMut(u64, &[Cell<'_>]) -> Result<(), Error> + 'a;

/// Takes the next rows of a table.
pub(crate) type TakePart<'a> = dyn FnMut(Box<dyn Part>) -> Result<(), Error> + 'a;

/// Some rows of a table, in memory, which any thread may take apart.
pub(crate) trait Part: Send + Sync {
    /// Calls `take` with each row, from the first on.
    ///
    /// # Errors
    /// The errors of `take`; if the rows are damaged. The error names the file, the row and the
    /// column.
    fn for_each_row(&self, take: &mut TakeRow<'_>) -> Result<(), Error>;
}

/// Opens a table for reading, to be told what its columns are for.
pub(crate) type OpenSource = fn(&Path, &TableOptions) -> Result<Box<dyn TableSource>, Error>;

/// A table that can be read from its first row to its last, more than once: first to infer its
/// columns, then to store them. It is never in memory as a whole.
pub(crate) trait TableSource {
    /// The names of the columns, all of them, in the order of the cells. Not empty, none twice.
    fn column_names(&self) -> &[String];

    /// Calls `take` with all rows, part by part, from the first on. The parts depend on the table
    /// alone.
    ///
    /// # Errors
    /// The errors of `take`; if the file cannot be read or is damaged.
    fn for_each_part(&mut self, take: &mut TakePart<'_>) -> Result<(), Error>;

    /// Calls `take` with each row, one after the other.
    ///
    /// # Errors
    /// Those of both.
    fn for_each_row(&mut self, take: &mut TakeRow<'_>) -> Result<(), Error> {
        self.for_each_part(&mut |part| part.for_each_row(take))
    }

    /// Has the cells of these columns read as texts from now on, if they are texts in the file; and
    /// those of the column `label`, whose words for missing values are texts, too.
    fn read_as_text(&mut self, _columns: &[bool], _label: Option<usize>) {}

    /// Has a row left out from now on, by its number; `false` if none can be, or one is already.
    fn leave_out(&mut self, _row: u64) -> bool {
        false
    }

    /// The first row in which a number of a column has zeros before it, as codes have.
    fn leading_zeros(&self, _column: usize) -> Option<u64> {
        None
    }

    /// The mark before the fractions of numbers that are texts; `None` if no text is a number.
    fn decimal(&self) -> Option<Decimal> {
        None
    }

    /// Choices that were made by the look of the table, and may be wrong.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The column that has the names of the rows, which is no feature unless it is asked for.
    fn row_names(&self) -> Option<usize> {
        None
    }

    /// The word for a row's number in errors: `row` or `line`.
    fn row_word(&self) -> &'static str {
        "row"
    }
}

/// Tells whether a row of several columns has no value, as rows at the end of a spreadsheet.
pub(crate) fn is_empty(cells: &[Cell<'_>]) -> bool {
    cells.len() > 1 && cells.iter().all(|cell| *cell == Cell::Missing)
}

/// Tells whether a text is an infinite number, or one that `f64` takes for infinite.
pub(crate) fn is_infinite(text: &str) -> bool {
    may_be_number(text) && text.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Texts of missing values in text files, beside `NaN` in any case.
const MISSING: [&str; 10] =
    ["NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "null", "NULL", "None", "?"];

/// Tells whether a text that is not empty stands for a missing value.
#[inline]
pub(crate) fn is_missing_word(text: &str) -> bool {
    text.len() <= 4
        && matches!(text.as_bytes()[0], b'N' | b'n' | b'#' | b'<' | b'?')
        && (MISSING.contains(&text) || text.eq_ignore_ascii_case("nan"))
}

/// Tells whether a text begins as a number does, or as infinity or NaN: nothing else is parsed.
pub(crate) fn may_be_number(text: &str) -> bool {
    matches!(
        text.as_bytes().first(),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N')
    )
}

/// The places of two names that are the same, if there are any.
pub(crate) fn twice<T: Ord>(names: &[T]) -> Option<(usize, usize)> {
    let mut sorted: Vec<usize> = (0..names.len()).collect();
    sorted.sort_by_key(|&at| &names[at]);
    let pair = sorted.array_windows().find(|[one, other]| names[*one] == names[*other]);
    pair.map(|&[one, other]| (one, other))
}
