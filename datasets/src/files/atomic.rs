//! A file that has its name only when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file in the making, under another name. Unless it is finished, it is removed.
pub(crate) struct PartialFile {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl PartialFile {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// If it cannot be written, or is a folder.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            return Err(Error::file(path, "is a folder, where a file is to be written: name one"));
        }
        let partial = path.with_added_extension("partial");
        match File::create(&partial) {
            Ok(file) => {
                let file = BufWriter::with_capacity(1 << 18, file);
                Ok(PartialFile { path: path.to_owned(), partial, file })
            }
            Err(error) => Err(not_written(path, error)),
        }
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| not_written(&self.path, error))
    }

    /// Gives the file its name; the bytes that it has.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        let mut finish = || -> io::Result<u64> {
            self.file.flush()?;
            let length = self.file.get_ref().metadata()?.len();
            fs::rename(&self.partial, &self.path)?;
            Ok(length)
        };
        finish().map_err(|error| not_written(&self.path, error))
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; what cannot be removed is overwritten next
        // time.
        let _ = fs::remove_file(&self.partial);
    }
}

/// That `path` cannot be written.
pub(crate) fn not_written(path: &Path, error: io::Error) -> Error {
    Error::file(path, format!("cannot be written: {error}"))
}
