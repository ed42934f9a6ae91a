//! Tables written row by row, in any of the formats that there is a writer for.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, bail};
use crate::files::atomic::{self, AtomicFile, not_written};
use crate::formats::tables::cell::{FieldKind, TableCell};
use crate::formats::tables::csv::CsvWriter;
#[cfg(feature = "parquet")]
use crate::formats::tables::parquet::ParquetWriter;

/// A format that tables are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFormat {
    /// Text, separated by commas.
    Csv,
    /// Parquet, compressed by Snappy, which every reader knows. Takes the crate's feature
    /// `parquet`.
    Parquet,
}

/// A table that is being written, under another name until [`TableWriter::finish`]. Dropped before
/// that, it is removed. CSV holds one row in memory; Parquet about 150 MB of rows at most.
///
/// ```
/// use narrows_datasets::{FieldKind, TableCell, TableFormat, TableWriter};
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("table.csv");
/// let fields = [("age", FieldKind::Number), ("eyes, colour", FieldKind::Text)];
/// let mut table = TableWriter::create(&path, TableFormat::Csv, &fields)?;
/// table.row(&[TableCell::Number(0.1), TableCell::Text("blue")])?;
/// table.row(&[TableCell::Missing, TableCell::Text("\"green\"")])?;
/// assert_eq!(table.finish()?, 41);
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert_eq!(text, "age,\"eyes, colour\"\n0.1,blue\n,\"\"\"green\"\"\"\n");
/// # Ok::<(), narrows_datasets::Error>(())
/// ```
#[must_use = "without `finish` the file is removed"]
pub struct TableWriter {
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Text(Box<CsvWriter<Box<dyn Write>>>),
    Csv(Box<CsvWriter<AtomicFile>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter>),
}

impl TableWriter {
    /// Begins a file of these columns: name and type.
    ///
    /// # Errors
    /// If the file cannot be created, or the format is not built in. In Parquet, if there are no
    /// columns or two of a name.
    pub fn create(
        path: &Path,
        format: TableFormat,
        fields: &[(&str, FieldKind)],
    ) -> Result<Self, Error> {
        let writer = match format {
            TableFormat::Csv => {
                let header: Vec<&str> = fields.iter().map(|&(name, _)| name).collect();
                let csv = CsvWriter::new(atomic::create(path)?, &header);
                Writer::Csv(Box::new(csv.map_err(|error| not_written(path, error))?))
            }
            #[cfg(feature = "parquet")]
            TableFormat::Parquet => Writer::Parquet(Box::new(ParquetWriter::create(path, fields)?)),
            #[cfg(not(feature = "parquet"))]
            TableFormat::Parquet => bail!(
                path,
                "cannot be written: this build has no Parquet; install narrows with --features \
                 parquet, or choose .csv"
            ),
        };
        Ok(TableWriter { path: path.to_owned(), writer })
    }

    /// Begins CSV of these columns in `out`, which errors call `name`. There is no file to remove:
    /// rows are written as they come.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn to(
        out: Box<dyn Write>,
        name: &Path,
        fields: &[(&str, FieldKind)],
    ) -> Result<Self, Error> {
        let header: Vec<&str> = fields.iter().map(|&(name, _)| name).collect();
        let text = CsvWriter::new(out, &header).map_err(|error| not_written(name, error))?;
        Ok(TableWriter { path: name.to_owned(), writer: Writer::Text(Box::new(text)) })
    }

    /// Adds a row: a cell for each column, in their order.
    ///
    /// # Errors
    /// If there are more or fewer cells than columns, or the file cannot be written. In Parquet, if
    /// a cell is not of its column's type.
    pub fn row(&mut self, cells: &[TableCell<'_>]) -> Result<(), Error> {
        let columns = match &self.writer {
            Writer::Csv(csv) => csv.columns(),
            Writer::Text(text) => text.columns(),
            #[cfg(feature = "parquet")]
            Writer::Parquet(parquet) => parquet.columns(),
        };
        if cells.len() != columns {
            bail!(
                &self.path,
                "a row of {} values cannot be written to {columns} columns",
                cells.len()
            );
        }
        match &mut self.writer {
            Writer::Csv(csv) => csv.row(cells).map_err(|error| not_written(&self.path, error)),
            Writer::Text(text) => text.row(cells).map_err(|error| not_written(&self.path, error)),
            #[cfg(feature = "parquet")]
            Writer::Parquet(parquet) => parquet.row(cells),
        }
    }

    /// Completes the file, gives it its name, and returns its length in bytes: 0 of what is no
    /// file.
    ///
    /// # Errors
    /// If the file cannot be written or renamed.
    pub fn finish(self) -> Result<u64, Error> {
        let failed = |error: io::Error| not_written(&self.path, error);
        match self.writer {
            Writer::Csv(csv) => csv.finish().map_err(failed)?.complete(),
            Writer::Text(text) => text.finish().map(|_| 0).map_err(failed),
            #[cfg(feature = "parquet")]
            Writer::Parquet(parquet) => parquet.finish(),
        }
    }
}
