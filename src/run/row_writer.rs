//! Files of one row for each sample: written as the rows come, and given their name when they are
//! complete.

use crate::error::{Error, ensure};
use crate::output::summary::Summary;
use crate::run::folder::{HINT, RunFolder};
use narrows_datasets::{AtomicFile, CsvCell, CsvWriter, NpyWriter, Spool};
#[cfg(feature = "parquet")]
use narrows_datasets::{ColumnarKind, ColumnarWriter, FieldKind, Value};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The format of a file, by how its name ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Npy,
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "npy" => Some(Format::Npy),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// Where a file goes: its own place, or a run folder. Unless it is finished, what was written is
/// removed.
pub struct Target {
    path: PathBuf,
    format: Format,
    folder: Option<RunFolder>,
}

impl Target {
    /// What `out` says: a file in place of none, or a folder, in which the file is called `name`;
    /// by default the next folder of `command`.
    pub fn new(out: Option<&Path>, command: &str, name: &str) -> Result<Target, Error> {
        let (path, folder) = match out {
            Some(path) if Format::of(path).is_some() => {
                // Also where it is a link to nothing, which a rename would replace.
                ensure!(
                    path.symlink_metadata().is_err(),
                    path,
                    "is already there: give another file by --out, or remove it first"
                );
                (path.to_path_buf(), None)
            }
            out => {
                let folder = RunFolder::create(out, command)?;
                (folder.file(name), Some(folder))
            }
        };
        let format = Format::of(&path).unwrap_or(Format::Csv);
        ensure!(
            format != Format::Parquet || cfg!(feature = "parquet"),
            &path,
            "this build writes no Parquet files: build it with --features parquet, or name a \
                 .csv or .npy file"
        );
        Ok(Target { path, format, folder })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins the file, of so many rows. An array has no columns: `values` numbers in each row, a
    /// plain list if that is `None`.
    pub fn begin(
        &self,
        columns: &[(&str, Kind)],
        rows: usize,
        values: Option<usize>,
    ) -> Result<Rows<'_>, Error> {
        let to = || AtomicFile::create(&self.path);
        let writer = match self.format {
            Format::Csv => {
                let header: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                to().and_then(|to| CsvWriter::new(to, &header))
                    .map(|csv| Writer::Csv(Box::new(csv)))
            }
            Format::Npy => to().and_then(|to| NpyWriter::new(to, rows, values)).map(Writer::Npy),
            Format::Parquet => return parquet(self, columns),
        };
        Ok(Rows { writer: writer.map_err(|e| self.failed(e))?, target: self })
    }

    /// A file of numbers beside the one to be written, for what has to be looked at twice.
    pub fn spool(&self) -> Result<Scores, Error> {
        let spool = Spool::beside(&self.path).map_err(|e| self.failed(e))?;
        Ok(Scores { spool, path: self.path.clone(), scores: 0 })
    }

    /// Writes the summary of a run that began at `start` into the folder, if there is one, and
    /// keeps it.
    pub fn keep(&self, summary: Summary, start: Instant) -> Result<(), Error> {
        match &self.folder {
            Some(folder) => folder.finish(summary, start).map(drop),
            None => Ok(()),
        }
    }

    fn failed(&self, e: io::Error) -> Error {
        Error::at(&self.path, format_args!("cannot write: {e}: {HINT}"))
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Whole,
    Number,
    Text,
}

#[cfg(feature = "parquet")]
fn parquet<'a>(target: &'a Target, columns: &[(&str, Kind)]) -> Result<Rows<'a>, Error> {
    let field = |&(name, kind): &(&str, Kind)| {
        let kind = match kind {
            Kind::Whole => FieldKind::U64,
            Kind::Number => FieldKind::F32,
            Kind::Text => FieldKind::Text,
        };
        (name.to_owned(), kind)
    };
    let fields: Vec<_> = columns.iter().map(field).collect();
    let writer = ColumnarWriter::create(&target.path, ColumnarKind::Parquet, &fields)?;
    Ok(Rows { writer: Writer::Parquet(Box::new(writer)), target })
}

#[cfg(feature = "parquet")]
fn value<'a>(cell: &CsvCell<'a>) -> Value<'a> {
    match *cell {
        CsvCell::Missing => Value::Null,
        CsvCell::Number(number) => Value::F32(number),
        CsvCell::Whole(number) => Value::U64(number),
        CsvCell::Text(text) => Value::Text(text),
    }
}

/// [`Target::new`] has refused it.
#[cfg(not(feature = "parquet"))]
fn parquet<'a>(target: &'a Target, _: &[(&str, Kind)]) -> Result<Rows<'a>, Error> {
    Err(target.failed(io::ErrorKind::Unsupported.into()))
}

/// A file in the making.
pub struct Rows<'a> {
    writer: Writer,
    target: &'a Target,
}

enum Writer {
    Csv(Box<CsvWriter<AtomicFile>>),
    Npy(NpyWriter<AtomicFile>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ColumnarWriter>),
}

impl Rows<'_> {
    /// Appends a row: `cells` of a table, or the `values` of an array.
    pub fn row(&mut self, cells: &[CsvCell<'_>], values: &[f32]) -> Result<(), Error> {
        let result = match &mut self.writer {
            Writer::Csv(csv) => csv.row(cells),
            Writer::Npy(npy) => npy.rows(values),
            #[cfg(feature = "parquet")]
            Writer::Parquet(parquet) => {
                let row: Vec<Value<'_>> = cells.iter().map(value).collect();
                return Ok(parquet.push(&row)?);
            }
        };
        result.map_err(|e| self.target.failed(e))
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), Error> {
        let Rows { writer, target } = self;
        let finished = match writer {
            Writer::Csv(csv) => csv.finish(),
            Writer::Npy(npy) => npy.finish(),
            #[cfg(feature = "parquet")]
            Writer::Parquet(parquet) => return Ok(parquet.finish().map(drop)?),
        };
        finished.and_then(AtomicFile::finish).map(drop).map_err(|e| target.failed(e))
    }
}

/// Scores that were computed, 4 bytes each, or 8 with the place of the worst value: in a file, for
/// there can be any number of them.
pub struct Scores {
    spool: Spool,
    path: PathBuf,
    /// How many they are.
    scores: u64,
}

impl Scores {
    /// Appends a score.
    pub fn push(&mut self, score: f32, worst: Option<u32>) -> Result<(), Error> {
        self.scores += 1;
        let mut put = || {
            self.spool.write_all(&score.to_le_bytes())?;
            worst.map_or(Ok(()), |worst| self.spool.write_all(&worst.to_le_bytes()))
        };
        put().map_err(|e| self.failed(e))
    }

    /// Calls `take` with each score, from the first on. `worst` says whether they came with a
    /// place.
    pub fn for_each(
        &mut self,
        worst: bool,
        take: &mut dyn FnMut(f32, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = &self.path;
        let failed = |e| Error::at(path, format_args!("cannot keep the scores: {e}: {HINT}"));
        let mut reader = self.spool.read().map_err(failed)?;
        let bytes = if worst { 8 } else { 4 };
        for _ in 0..self.scores {
            let mut pair = [0; 8];
            reader.read_exact(&mut pair[..bytes]).map_err(failed)?;
            let [a, b, c, d, e, f, g, h] = pair;
            take(f32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))?;
        }
        Ok(())
    }

    fn failed(&self, e: io::Error) -> Error {
        Error::at(&self.path, format_args!("cannot keep the scores: {e}: {HINT}"))
    }
}
