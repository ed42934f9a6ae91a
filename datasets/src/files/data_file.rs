//! A file of values that stays open, and that may be changed by others meanwhile.
//!
//! Bytes count only if [`DataFile::check`] passes after they were read. The order matters: the
//! system notes a new length and a new time of modification before it changes the bytes. So bytes
//! that were read before a check that passes are the old ones.
//!
//! | while it is in use, the file is | |
//! |---|---|
//! | replaced by a rename, renamed or removed | goes on: the open file is still the old one |
//! | made readable for others, linked to, read | goes on |
//! | truncated, or grown | error, by its length |
//! | written to at its old length, or touched | error, by its time of modification |
//! | truncated or written to, and put back | error, if a check or a read came between, or the time of modification is another |
//!
//! The time of the last change of status (ctime) would also show a rewriter who sets the time of
//! modification back. It is not compared, because a rename, a new link, new permissions and new
//! attributes change it, too: moving a file away while its successor is written would end the run.
//! Three more changes go unseen: a write within the resolution of the file system's clock (some
//! milliseconds before Linux 6.13; 2 seconds on FAT) after the one that opening saw; writes through
//! a map that was already being written to then; and, on network file systems, changes that the
//! client has not been told of yet. Checksums are there for these.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::error::{At as _, Error, bail};
use crate::files::mapped::{Mapped, read_ahead};
use crate::files::regular::open_regular;

/// The way in which the values of a file are read.
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
    file: File,
    /// `None` if the bytes are read.
    map: Option<Mapped>,
    opened: State,
    /// A change was seen. It stays one when the file is put back: what was read in between is in
    /// use somewhere.
    changed: AtomicBool,
}

/// The state of a file, by which a change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    length: u64,
    /// `None` where the platform does not know it.
    modified: Option<SystemTime>,
}

impl State {
    fn of(metadata: &fs::Metadata) -> State {
        State { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl DataFile {
    /// Opens `path`, which has to be a regular file; an empty one is fine. Where [`Access::Map`] is
    /// not to be had, because the file system cannot map, or because the map could not be guarded,
    /// the bytes are read.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let (file, _) = open_regular(path, "a file of data")?;
        let metadata = file.metadata().at(path)?;
        let opened = State::of(&metadata);
        let map = match access {
            Access::Map => Mapped::open(&file, opened.length).ok(),
            Access::Read => None,
        };
        Ok(DataFile { path: path.to_owned(), file, map, opened, changed: AtomicBool::new(false) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The length when it was opened, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.opened.length
    }

    /// All its bytes, if it is mapped. They count only if [`DataFile::check`] passes afterwards.
    /// Until then they may change between two reads, and are not to be used as an index or a
    /// length.
    pub(crate) fn mapped(&self) -> Option<&[u8]> {
        self.map.as_deref()
    }

    /// Reads the bytes from `at` on into `out`, by the map or by a positioned read. As with the
    /// map, they count only if [`DataFile::check`] passes afterwards.
    ///
    /// An error if the file did not have that many when it was opened, or no longer has.
    pub(crate) fn read_at(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        let end = at.checked_add(out.len() as u64).filter(|&end| end <= self.len());
        let Some(end) = end else {
            let (has, wanted) = (self.len(), out.len());
            bail!(
                &self.path,
                "has {has} bytes, where {wanted} were looked for from byte {at} on: it is cut off \
                 or damaged, make it anew"
            );
        };
        match &self.map {
            Some(map) => {
                // A mapped file is no longer than memory can address.
                out.copy_from_slice(&map[at as usize..end as usize]);
                if map.broken() { Err(self.change()) } else { Ok(()) }
            }
            None => self.read_positioned(at, out),
        }
    }

    /// [`DataFile::read_at`], but never by the map: bytes that are read once in a long while should
    /// not count as memory of this process.
    pub(crate) fn read_positioned(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        read_exact_at(&self.file, out, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.change(),
            _ => Error::io(&self.path, error),
        })
    }

    /// An error if the file was truncated, grown or rewritten since it was opened: then the bytes
    /// read from it are not to be used. One system call.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let broken =
            self.map.as_ref().is_some_and(Mapped::broken) || self.changed.load(Ordering::Relaxed);
        if !broken && self.state()? == self.opened { Ok(()) } else { Err(self.change()) }
    }

    /// Asks the system to have these bytes in memory soon. Those behind the end are left out.
    pub(crate) fn will_need(&self, bytes: Range<u64>) {
        let bytes = bytes.start..bytes.end.min(self.len());
        if bytes.is_empty() {
            return;
        }
        match &self.map {
            Some(map) => map.will_need(bytes.start as usize..bytes.end as usize),
            None => read_ahead(&self.file, bytes),
        }
    }

    fn state(&self) -> Result<State, Error> {
        let metadata = self.file.metadata().at(&self.path)?;
        Ok(State::of(&metadata))
    }

    /// Notes that the file was changed, and tells how.
    fn change(&self) -> Error {
        self.changed.store(true, Ordering::Relaxed);
        let now = match self.state() {
            Ok(now) => now,
            Err(error) => return error,
        };
        let how = if now.length != self.opened.length {
            format!("it had {} bytes and now has {}", self.opened.length, now.length)
        } else if now.modified != self.opened.modified {
            "it has its old length, but was written to".to_owned()
        } else {
            let problem = "could not be read for a while: either it was changed and put back, or \
                           its disk or network failed; see to that, and start again";
            return Error::file(&self.path, problem);
        };
        Error::file(
            &self.path,
            format!("was changed while it was in use ({how}): restore it, and start again"),
        )
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
    // Goes on after an interruption.
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut at: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(arrived) => {
                out = &mut out[arrived..];
                at += arrived as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
