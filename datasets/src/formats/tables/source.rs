//! A table that is read row by row.

use crate::error::Error;

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

/// A table that can be read from its first row to its last, more than once: first to infer its
/// columns, then to store them. It is never in memory as a whole.
pub(crate) trait TableSource {
    /// The names of the columns, all of them, in the order of the cells. Not empty, none twice.
    fn column_names(&self) -> &[String];

    /// Calls `take` with the cells of each row, from the first on, and the row's number as the user
    /// counts it (of a CSV file the line, from 1 on).
    ///
    /// # Errors
    /// The errors of `take`; if the file cannot be read or is damaged. The error names the file,
    /// the row and the column.
    #[allow(clippy::type_complexity)]
    fn for_each_row(
        &mut self,
        take: &mut dyn FnMut(u64, &[Cell<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// The word for a row's number in errors: `row` or `line`.
    fn row_word(&self) -> &'static str {
        "row"
    }
}

/// Tells whether a text is an infinite number, or one that `f64` takes for infinite.
pub(crate) fn is_infinite(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The places of two names that are the same, if there are any.
pub(crate) fn twice<T: Ord>(names: &[T]) -> Option<(usize, usize)> {
    let mut sorted: Vec<usize> = (0..names.len()).collect();
    sorted.sort_by_key(|&at| &names[at]);
    let pair = sorted.array_windows().find(|[one, other]| names[*one] == names[*other]);
    pair.map(|&[one, other]| (one, other))
}
