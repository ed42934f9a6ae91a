//! Files of one row for each sample: written as the rows come, and given their name when they are
//! complete.

use crate::error::{Error, bail, ensure};
use crate::output::summary::Summary;
use crate::run::folder::{HINT, RunFolder};
use narrows_datasets::{
    AtomicFile, FieldKind, NpyWriter, Spool, TableCell, TableFormat, TableWriter,
};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The format of a file, by how its name ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table(TableFormat),
    Npy,
}

impl Format {
    fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Table(TableFormat::Csv)),
            "npy" => Some(Format::Npy),
            "parquet" => Some(Format::Table(TableFormat::Parquet)),
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
    /// Set for standard output, and true once its reader has closed it.
    closed: Option<Arc<AtomicBool>>,
}

impl Target {
    /// Standard output, as CSV.
    pub fn stdout() -> Target {
        Target {
            path: PathBuf::from("standard output"),
            format: Format::Table(TableFormat::Csv),
            folder: None,
            closed: Some(Arc::default()),
        }
    }

    /// Tells whether it is standard output, and its reader has closed it.
    pub fn is_closed(&self) -> bool {
        self.closed.as_ref().is_some_and(|closed| closed.load(Ordering::Relaxed))
    }

    /// Refuses a file `out` that is there already, has no folder to lie in, or is of a format that
    /// this build cannot write. A new folder has no ending, which would be that of a file.
    /// Made before data are read, which can take long.
    pub fn check(out: Option<&Path>) -> Result<(), Error> {
        let Some(path) = out else { return Ok(()) };
        let Some(format) = Format::of(path) else {
            return match path.extension().filter(|_| !path.is_dir()) {
                None => Ok(()),
                Some(ending) => bail!(
                    path,
                    "ends in .{}, which is no format: give a file that ends in .csv, .npy or \
                     .parquet, or a folder without a point in its name",
                    ending.display()
                ),
            };
        };
        // Also where it is a link to nothing, which a rename would replace.
        ensure!(
            path.symlink_metadata().is_err(),
            path,
            "is already there: give another file by --out, or remove it first"
        );
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            bail!(folder, "there is no such folder: make it first, or give another by --out");
        }
        ensure!(
            format != Format::Table(TableFormat::Parquet) || cfg!(feature = "parquet"),
            path,
            "this build writes no Parquet files: build it with --features parquet, or name a \
                 .csv or .npy file"
        );
        Ok(())
    }

    /// The place that `out` names: a new file, or a folder, in which the file is called `name`;
    /// by default the next folder of `command`.
    pub fn new(out: Option<&Path>, command: &str, name: &str) -> Result<Target, Error> {
        Target::check(out)?;
        let (path, folder) = match out {
            Some(path) if Format::of(path).is_some() => (path.to_path_buf(), None),
            out => {
                let folder = RunFolder::create(out, command)?;
                (folder.file(name), Some(folder))
            }
        };
        let format = Format::of(&path).unwrap_or(Format::Table(TableFormat::Csv));
        Ok(Target { path, format, folder, closed: None })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins the file, of so many rows. An array has no columns: `values` numbers in each row, a
    /// plain list if that is `None`.
    pub fn begin(
        &self,
        columns: &[(&str, FieldKind)],
        rows: usize,
        values: Option<usize>,
    ) -> Result<Rows<'_>, Error> {
        let writer = match self.format {
            Format::Table(_) if let Some(closed) = &self.closed => {
                let out = Pipe { out: BufWriter::new(io::stdout()), closed: closed.clone() };
                let table = TableWriter::to(Box::new(out), &self.path, columns);
                Writer::Table(table.map_err(advised)?)
            }
            Format::Table(format) => {
                Writer::Table(TableWriter::create(&self.path, format, columns).map_err(advised)?)
            }
            Format::Npy => AtomicFile::create(&self.path)
                .and_then(|to| NpyWriter::new(to, rows, values))
                .map(Writer::Npy)
                .map_err(|e| self.failed(e))?,
        };
        Ok(Rows { writer, target: self })
    }

    /// A file of scores beside the one to be written, for what has to be looked at twice. So many
    /// words are written beside each.
    pub fn spool(&self, words: usize) -> Result<Scores, Error> {
        let spool = Spool::beside(&self.path).map_err(|e| self.failed(e))?;
        Ok(Scores { spool, path: self.path.clone(), words, scores: 0 })
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

/// Standard output, which notes that its reader has closed it.
struct Pipe {
    out: BufWriter<io::Stdout>,
    closed: Arc<AtomicBool>,
}

impl Pipe {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|e| {
            if e.kind() == io::ErrorKind::BrokenPipe {
                self.closed.store(true, Ordering::Relaxed);
            }
        })
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.noted(result)
    }
}

/// The error of a table that cannot be written.
fn advised(e: narrows_datasets::Error) -> Error {
    Error::new(format!("{e}: {HINT}"))
}

/// A file in the making.
pub struct Rows<'a> {
    writer: Writer,
    target: &'a Target,
}

enum Writer {
    Table(TableWriter),
    Npy(NpyWriter<AtomicFile>),
}

impl Rows<'_> {
    /// Appends a row: `cells` of a table, or the `values` of an array.
    pub fn row(&mut self, cells: &[TableCell<'_>], values: &[f32]) -> Result<(), Error> {
        match &mut self.writer {
            Writer::Table(table) => table.row(cells).map_err(advised),
            Writer::Npy(npy) => npy.rows(values).map_err(|e| self.target.failed(e)),
        }
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), Error> {
        let Rows { writer, target } = self;
        match writer {
            Writer::Table(table) => table.finish().map(drop).map_err(advised),
            Writer::Npy(npy) => {
                let finished = npy.finish().and_then(AtomicFile::finish);
                finished.map(drop).map_err(|e| target.failed(e))
            }
        }
    }
}

/// Scores that were computed, 4 bytes each, and up to two words beside each: in a file, for there
/// can be any number of them.
pub struct Scores {
    spool: Spool,
    path: PathBuf,
    words: usize,
    /// The number of scores.
    scores: u64,
}

impl Scores {
    /// Appends a score and the words beside it, as many as were asked for.
    pub fn push(&mut self, score: f32, words: [u32; 2]) -> Result<(), Error> {
        self.scores += 1;
        let mut put = || {
            self.spool.write_all(&score.to_le_bytes())?;
            words[..self.words]
                .iter()
                .try_for_each(|word| self.spool.write_all(&word.to_le_bytes()))
        };
        put().map_err(|e| self.failed(e))
    }

    /// Calls `take` with each score and its words, from the first on. Words that were not asked for
    /// are 0.
    pub fn for_each(
        &mut self,
        take: &mut dyn FnMut(f32, [u32; 2]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = &self.path;
        let failed = |e| Error::at(path, format_args!("cannot keep the scores: {e}: {HINT}"));
        let mut reader = self.spool.read().map_err(failed)?;
        for _ in 0..self.scores {
            let mut words = [[0; 4]; 3];
            for word in &mut words[..=self.words] {
                reader.read_exact(word).map_err(failed)?;
            }
            let [score, first, second] = words;
            let words = [first, second].map(u32::from_le_bytes);
            take(f32::from_le_bytes(score), words)?;
        }
        Ok(())
    }

    fn failed(&self, e: io::Error) -> Error {
        Error::at(&self.path, format_args!("cannot keep the scores: {e}: {HINT}"))
    }
}
