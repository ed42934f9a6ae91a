//! A Parquet or Arrow file as a table.
//!
//! Memory: a few batches for each thread (at most 8,192 rows and about a million cells of a Parquet
//! file; of an Arrow file as large as its writer made it), the pages or messages that they come
//! from, and dictionaries. The promises of a file are compared with its length first. That leaves
//! four cases unbounded:
//!
//! - a page or a buffer expands as far as its codec can, but never beyond the length that it
//!   promises;
//! - the footer of a Parquet file takes some hundred times its own length;
//! - a column of one value takes no bytes in a Parquet file, however many rows it has;
//! - a Parquet schema nested tens of thousands deep exhausts the stack.
//!
//! A damaged file that makes the decoder panic is an error like any other (`panics`). `page_check`
//! finds damage before, as far as it is known.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::{At as _, Error, Problem, Remedy, Short, bail};
use crate::files::regular::open_regular;
use crate::formats::tables::parquet::arrow_file::{self, ArrowFile};
use crate::formats::tables::parquet::cells::{Cells, Infinite, unreadable};
use crate::formats::tables::parquet::parquet_file::{self, ParquetFile};
use crate::formats::tables::parquet::{damaged, recognise};
use crate::formats::tables::source::{Cell, Part, TableSource, TakePart, TakeRow, twice};
use crate::panics::caught;

/// A Parquet file, an Arrow file or an Arrow stream, told apart by its first bytes.
pub(crate) struct ParquetTable {
    path: PathBuf,
    kind: Kind,
    names: Vec<String>,
    /// The columns that are read, by their place among `names`.
    wanted: Vec<usize>,
}

enum Kind {
    Parquet(ParquetFile),
    Arrow(ArrowFile),
}

enum Batches<'a> {
    Parquet(parquet_file::Batches),
    Arrow(arrow_file::Batches<'a>),
}

impl ParquetTable {
    /// Opens `path`. The columns named in `ignore` are not read, whatever they hold: all their
    /// cells are missing. The name of a column that is not there is no error here.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or of another kind; if it has no columns or two of a
    /// name; or if a column that is not ignored holds neither numbers nor texts.
    pub(crate) fn open(path: &Path, ignore: &[String]) -> Result<Self, Error> {
        let (mut file, length) = open_regular(path, "a Parquet or Arrow file")?;
        let kind = guard(path, || {
            let mut start = Vec::new();
            file.by_ref().take(8).read_to_end(&mut start).at(path)?;
            match recognise(&start) {
                Some("a Parquet file" | "an encrypted Parquet file") => {
                    ParquetFile::open(path, &file, length).map(Kind::Parquet)
                }
                Some("an Arrow file") => ArrowFile::open_file(path, &file, length).map(Kind::Arrow),
                Some(_) => ArrowFile::open_stream(path, &file, length).map(Kind::Arrow),
                None => bail!(path, "is neither a Parquet nor an Arrow file: check its name"),
            }
        })?;
        let schema = kind.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        if names.is_empty() {
            bail!(path, "has no columns: check what wrote it");
        }
        if let Some((one, _)) = twice(&names) {
            bail!(path, "has two columns {}: rename one", Short(&names[one]));
        }
        let wanted: Vec<usize> =
            (0..names.len()).filter(|&column| !ignore.contains(&names[column])).collect();
        for &column in &wanted {
            if let Some(what) = unreadable(schema.field(column).data_type()) {
                let name = Short(&names[column]);
                let problem = format!(
                    "column {name} holds {what}, where numbers or texts are needed: ignore it"
                );
                return Err(Error::file(path, Problem::with(problem, Remedy::Ignore)));
            }
        }
        Ok(ParquetTable { path: path.to_owned(), kind, names, wanted })
    }
}

impl TableSource for ParquetTable {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn for_each_part(&mut self, take: &mut TakePart<'_>) -> Result<(), Error> {
        let path = &self.path;
        let file = File::open(path).at(path)?;
        let mut batches = guard(path, || match &self.kind {
            Kind::Parquet(parquet) => {
                parquet.batches(path, file, &self.wanted).map(Batches::Parquet)
            }
            Kind::Arrow(arrow) => arrow.batches(path, file, &self.wanted).map(Batches::Arrow),
        })?;
        let mut rows_before = 0;
        loop {
            // `take` is called outside: its panics are not the file's fault.
            let read = guard(path, || {
                let batch = match &mut batches {
                    Batches::Parquet(batches) => batches.next(path)?,
                    Batches::Arrow(batches) => batches.next(path)?,
                };
                batch.map(|batch| self.part(&batch, rows_before)).transpose()
            })?;
            let Some(part) = read else { return Ok(()) };
            rows_before += part.rows as u64;
            take(Box::new(part))?;
        }
    }
}

/// The rows of a batch. They are counted from 0 on, as where no file is read any more.
struct Batch {
    rows_before: u64,
    rows: usize,
    /// The number of the table's columns.
    columns: usize,
    /// The place of each column that was read, and its cells.
    wanted: Vec<(usize, Cells)>,
}

impl Part for Batch {
    fn for_each_row(&self, take: &mut TakeRow<'_>) -> Result<(), Error> {
        let mut cells = vec![Cell::Missing; self.columns];
        for row in 0..self.rows {
            for (place, column) in &self.wanted {
                cells[*place] = column.cell(row);
            }
            take(self.rows_before + row as u64, &cells)?;
        }
        Ok(())
    }
}

impl ParquetTable {
    fn part(&self, batch: &RecordBatch, rows_before: u64) -> Result<Batch, Error> {
        if batch.num_columns() != self.wanted.len() {
            return Err(damaged(&self.path, "a batch has other columns than the schema"));
        }
        let cells = self.wanted.iter().zip(batch.columns()).map(|(&place, array)| {
            let cells = Cells::new(array).map_err(|Infinite(row)| {
                let (row, name) = (rows_before + row as u64, Short(&self.names[place]));
                let problem = format!(
                    "row {row}, column {name}: is infinite: replace it by a number or a null"
                );
                Error::file(&self.path, problem)
            })?;
            Ok((place, cells))
        });
        let wanted = cells.collect::<Result<_, _>>()?;
        Ok(Batch { rows_before, rows: batch.num_rows(), columns: self.names.len(), wanted })
    }
}

impl Kind {
    fn schema(&self) -> &SchemaRef {
        match self {
            Kind::Parquet(parquet) => parquet.schema(),
            Kind::Arrow(arrow) => arrow.schema(),
        }
    }
}

/// Runs the decoder. A panic in it is an error.
fn guard<T>(path: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    caught(read).unwrap_or_else(|| Err(damaged(path, "the decoder gave up")))
}
