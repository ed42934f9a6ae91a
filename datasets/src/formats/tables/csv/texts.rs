//! Rows of texts as they are, of files that lie beside data and are no data themselves.

use std::path::Path;

use super::cells::trim;
use super::most_frequent_delimiter;
use super::records::Records;
use crate::error::Error;
use crate::files::regular::open_regular;

/// Calls `take` with the line and the cells of each row of the file `path`, the first among them.
///
/// # Errors
/// Errors of `take`; if the file cannot be read, or is no text.
pub(crate) fn for_each_row(
    path: &Path,
    delimiter: Option<u8>,
    mut take: impl FnMut(u64, &[&str]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (file, _) = open_regular(path, "a list of names and labels")?;
    let mut records = Records::new(file, false, path)?;
    let found = most_frequent_delimiter(records.start());
    records.set_delimiter(delimiter.unwrap_or(found));
    while let Some(record) = records.next()? {
        let cells: Vec<&str> = record.cells().map(trim).collect();
        take(record.line, &cells)?;
    }
    Ok(())
}
