//! Rows of texts as they are, of files that lie beside data and are no data themselves.

use std::io::{Read, Seek as _, SeekFrom};
use std::path::Path;

use super::blanks::SingleTabs;
use super::cells::trim;
use super::delimiter::delimiter_of;
use super::records::{PIECE, Records, without_mark};
use crate::error::{At as _, Error};
use crate::files::regular::{fill, open_regular};

/// Calls `take` with the line and the cells of each row of the file `path`, the first among them.
///
/// # Errors
/// Errors of `take`; if the file cannot be read, or is no text.
pub(crate) fn for_each_row(
    path: &Path,
    delimiter: Option<u8>,
    mut take: impl FnMut(u64, &[&str]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut file, _) = open_regular(path, "a list of names and labels")?;
    let mut start = vec![0; PIECE];
    let filled = fill(&mut file, &mut start).at(path)?;
    let rows = without_mark(&start[..filled], path)?;
    let (delimiter, blanks) =
        delimiter.map_or_else(|| delimiter_of(rows), |delimiter| (delimiter, false));
    file.seek(SeekFrom::Start((filled - rows.len()) as u64)).at(path)?;
    let reader: Box<dyn Read> =
        if blanks { Box::new(SingleTabs::new(file)) } else { Box::new(file) };
    let mut records = Records::new(reader, false, 1, delimiter, path);
    while let Some(record) = records.next()? {
        let cells: Vec<&str> = record.cells().map(trim).collect();
        take(record.line, &cells)?;
    }
    Ok(())
}
