//! Files that are written as a whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::Error;

/// The bytes that are gathered before they are written.
const BUFFER: usize = 1 << 18;

/// A file in the making, beside the one that it becomes and under another name. Several threads and
/// processes may write the same file at once: each has a name of its own, and the last one to
/// finish stands. Dropped before it is finished, it is removed.
///
/// ```
/// use std::io::Write;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("table.csv");
/// let mut file = narrows_datasets::AtomicFile::create(&path)?;
/// file.write_all(b"a,b\n")?;
/// assert!(!path.exists());
/// assert_eq!(file.finish()?, 4);
/// assert_eq!(std::fs::read(&path)?, b"a,b\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "without `finish` the file is removed"]
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<Partial>,
}

/// The file under its other name.
#[derive(Debug)]
struct Partial(NamedTempFile);

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..faults::before_a_write(bytes.len())?];
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Partial {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl AtomicFile {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// If its folder cannot be written to, or if `path` is a folder.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut prefix = path.file_name().unwrap_or_default().to_os_string();
        prefix.push(".");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        // Temporary files are for their owner alone; any other new file is not.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        faults::before_a_call()?;
        let file = Partial(builder.tempfile_in(folder(path))?);
        Ok(AtomicFile { path: path.to_owned(), file: BufWriter::with_capacity(BUFFER, file) })
    }

    /// Writes the bytes that are still held to the disk, gives the file its name, and returns its
    /// length.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish(self) -> io::Result<u64> {
        self.publish(true)
    }

    /// The same, but leaves the writing to the operating system: it takes no time, and the file
    /// survives the end of this process, but the power may fail before the disk has it. Then the
    /// file may be there without its contents: a reader has to check that it is whole.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish_unflushed(self) -> io::Result<u64> {
        self.publish(false)
    }

    fn publish(self, flushed: bool) -> io::Result<u64> {
        let Partial(file) = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        // The name promises that the disk holds all of it.
        faults::before_a_call()?;
        if flushed {
            file.as_file().sync_all()?;
        }
        let length = file.as_file().metadata()?.len();
        faults::before_a_call()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        // The name itself is in the folder. Some file systems cannot sync a folder.
        #[cfg(unix)]
        if flushed {
            let _ = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        }
        Ok(length)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Values on their way into a file. A file without a name holds them, so that memory does not grow
/// with them. Dropping the spool removes it.
#[derive(Debug)]
pub struct Spool(BufWriter<File>);

impl Spool {
    /// A spool for the file `path`: on the same disk.
    ///
    /// # Errors
    /// If its folder cannot be written to.
    pub fn beside(path: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder(path))
            .map(|file| Spool(BufWriter::with_capacity(BUFFER, file)))
    }

    /// The bytes that were written, from the first on.
    ///
    /// # Errors
    /// If that fails.
    pub fn read(&mut self) -> io::Result<impl Read + '_> {
        self.0.flush()?;
        let file = self.0.get_mut();
        file.seek(SeekFrom::Start(0))?;
        Ok(io::BufReader::with_capacity(BUFFER, file))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a file as a whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

/// Faults that a test plants, asked for before each call that changes a disk. Outside of tests
/// there are none.
#[cfg(not(test))]
mod faults {
    use std::io;

    #[inline(always)]
    pub(super) fn before_a_call() -> io::Result<()> {
        Ok(())
    }

    /// The bytes that may be written.
    #[inline(always)]
    pub(super) fn before_a_write(bytes: usize) -> io::Result<usize> {
        Ok(bytes)
    }
}
#[cfg(test)]
mod faults;

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error that `path` cannot be written.
pub(crate) fn not_written(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            Error::file(path, "is a folder, where a file is to be written: name one")
        }
        _ => Error::file(path, format!("cannot be written: {error}")),
    }
}

/// [`AtomicFile::create`], whose error names the file.
pub(crate) fn create(path: &Path) -> Result<AtomicFile, Error> {
    AtomicFile::create(path).map_err(|error| not_written(path, error))
}

impl AtomicFile {
    /// Appends `bytes`, with an error that names the file.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes).map_err(|error| not_written(&self.path, error))
    }

    /// [`AtomicFile::finish`], whose error names the file.
    pub(crate) fn complete(self) -> Result<u64, Error> {
        let path = self.path.clone();
        self.finish().map_err(|error| not_written(&path, error))
    }
}
