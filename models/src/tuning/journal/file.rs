//! The file of a journal: its locks, its new lines, and appends that are whole or not there.

use super::line::{HEAD, Line};
use super::wait::{Wait, Waits};
use super::{json, link::Link, replay::Replay};
use crate::error::{Error, ErrorKind};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that several processes append to.
pub(super) struct JournalFile {
    path: PathBuf,
    file: File,
    /// The bytes that were read or written: whole appends.
    read: u64,
    link: Option<Link>,
    waits: Option<Waits>,
}

impl JournalFile {
    /// Opens or creates it. While it waits for the locks, it asks `waits`.
    pub(super) fn open(path: &Path, waits: Option<Waits>) -> Result<JournalFile, Error> {
        let file =
            open(path).map_err(|error| Error::of_file(ErrorKind::Io, path, &error.to_string()))?;
        Ok(JournalFile { path: path.into(), file, read: 0, link: None, waits })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next read begins at the beginning.
    pub(super) fn rewind(&mut self) {
        self.read = 0;
    }

    /// Locks it. `true`: it is not the file that was read before, or shorter.
    pub(super) fn lock(&mut self) -> Result<bool, Error> {
        self.try_lock().map_err(|error| {
            self.unlock();
            match error.kind() {
                io::ErrorKind::TimedOut => {
                    Error::of_file(ErrorKind::Stopped, &self.path, &error.to_string())
                }
                _ => self.error(error.to_string()),
            }
        })
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        let mut other = false;
        let mut wait = Wait::new(self.waits.as_ref());
        loop {
            match self.file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    wait.pause()?;
                    continue;
                }
                Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(TryLockError::Error(error)) => {
                    let remedy = "keep the study on a file system with locks";
                    let problem = format!("it cannot be locked ({error}): {remedy}");
                    return Err(io::Error::other(problem));
                }
            }
            if is_at(&self.file, &self.path)? {
                break;
            }
            // Another file was moved there while this one was open.
            self.file = open(&self.path)?;
            other = true;
        }
        let link = Link::take(&self.path, &mut wait);
        self.link = Some(link.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => error,
            _ => io::Error::other(format!("Optuna's lock cannot be made in its folder: {error}")),
        })?);
        Ok(other || self.file.metadata()?.len() < self.read)
    }

    pub(super) fn unlock(&mut self) {
        self.link = None;
        // The system releases it at the latest when the file is closed.
        let _ = self.file.unlock();
    }

    /// Applies the lines since the last read. A torn append at the end is cut off the file: returns
    /// its bytes.
    pub(super) fn read(&mut self, replay: &mut Replay) -> Result<usize, Error> {
        let mut bytes = Vec::new();
        let at = SeekFrom::Start(self.read);
        let all = self.file.seek(at).and_then(|_| self.file.read_to_end(&mut bytes));
        all.map_err(|error| self.error(error.to_string()))?;

        // The lines of an append, and the bytes of whole ones.
        let (mut append, mut whole) = (Vec::new(), 0);
        let mut end = 0;
        while end < bytes.len() {
            let rest = &bytes[end..];
            let length = rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let text = &rest[..length.unwrap_or(rest.len())];
            end += text.len();
            if end == bytes.len() && is_torn(text) {
                break;
            }
            let before = replay.lines() + append.len();
            let line: Line = match json::read(text) {
                Ok(line) if length.is_some() => line,
                Ok(_) => return Err(self.broken(before, "its end is missing")),
                Err(error) => return Err(self.broken(before, &error.to_string())),
            };
            let more = line.narrows_more;
            append.push(line);
            if !more {
                for line in append.drain(..) {
                    let applied = replay.apply(line);
                    applied.map_err(|problem| self.broken(replay.lines(), &problem))?;
                }
                whole = end;
            }
        }
        self.read += whole as u64;
        let cut = bytes.len() - whole;
        if cut > 0 {
            let done = self.file.set_len(self.read).and_then(|()| self.file.sync_data());
            done.map_err(|error| self.error(format!("a torn end cannot be cut off: {error}")))?;
        }
        Ok(cut)
    }

    /// Appends lines, flushed to the disk; or nothing, and an error.
    pub(super) fn append(&mut self, text: &str) -> Result<(), Error> {
        let written = self.file.seek(SeekFrom::Start(self.read)).and_then(|_| {
            self.file.write_all(text.as_bytes())?;
            self.file.sync_data()
        });
        let Err(error) = written else {
            self.read += text.len() as u64;
            return Ok(());
        };
        let undone = self.file.set_len(self.read).and_then(|()| self.file.sync_data());
        let undone = match undone {
            Ok(()) => "nothing of it is left in the file".into(),
            Err(error) => format!("and its beginning cannot be cut off again: {error}"),
        };
        Err(self.error(format!("the append failed: {error}; {undone}")))
    }

    /// An error about the line behind `before` lines.
    fn broken(&self, before: usize, problem: &str) -> Error {
        Error::of_file(
            ErrorKind::Format,
            &self.path,
            &format!(
                "line {}: {problem}. Bring a copy of the study back, or keep the {before} lines \
                 before it alone",
                before + 1
            ),
        )
    }

    fn error(&self, problem: impl AsRef<str>) -> Error {
        Error::of_file(ErrorKind::Io, &self.path, problem.as_ref())
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        self.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
    let is_file = file.metadata()?.is_file();
    if is_file { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

/// True if the path still leads to the open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = std::fs::metadata(path);
    match there {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::Error::new(
            error.kind(),
            "it was removed while the study runs: bring it back, or begin another study",
        )),
        #[cfg(unix)]
        Ok(there) => {
            use std::os::unix::fs::MetadataExt;
            let here = file.metadata()?;
            Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
        }
        // An open file cannot be replaced there.
        #[cfg(not(unix))]
        Ok(_) => file.metadata().map(|_| true),
        Err(error) => Err(error),
    }
}

/// True if a last line is the beginning of an operation, perhaps with zeros behind it, which a file
/// system leaves where power failed: an append that was cut off. Anything else is another file's,
/// and not ours to cut off.
fn is_torn(line: &[u8]) -> bool {
    let begun = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let is_ours = begun.starts_with(&HEAD[..HEAD.len().min(begun.len())]);
    let is_half = || json::read::<Line>(line).is_err_and(|error| error.is_eof());
    is_ours && (begun.len() < line.len() || !line.ends_with(b"\n") || is_half())
}
