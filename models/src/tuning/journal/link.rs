//! Optuna's own lock: a link, or a file, with the journal's name and `.lock`. It is held beside the
//! lock of the system, so that Optuna's processes and ours exclude each other.

use super::wait::Wait;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Optuna takes a lock over that was held for so long; and so do we.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lock, which is released at its end.
pub(super) struct Link {
    path: PathBuf,
    mark: OsString,
}

impl Link {
    /// Waits for the lock and takes it. Whoever asks has the system's lock on the journal: a lock
    /// with our mark is then that of a process which was killed.
    pub(super) fn take(journal: &Path, wait: &mut Wait<'_>) -> io::Result<Link> {
        let name = journal.file_name().unwrap_or_default();
        // The journal itself, as Optuna links to it, but in a way that nobody writes.
        let mark: OsString = [".//.//".as_ref(), name].into_iter().collect();
        let path =
            journal.with_file_name([name, ".lock".as_ref()].into_iter().collect::<OsString>());
        let link = Link { path, mark };
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            match link.make() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                done => return done.map(|()| link),
            }
            let found = fs::symlink_metadata(&link.path).and_then(|found| found.modified()).ok();
            if found != seen {
                (seen, since) = (found, Instant::now());
            }
            if link.is_ours() || since.elapsed() > PATIENCE {
                link.remove()?;
            } else if found.is_some() {
                wait.pause()?;
            }
        }
    }

    fn make(&self) -> io::Result<()> {
        #[cfg(unix)]
        match std::os::unix::fs::symlink(&self.mark, &self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {}
            done => return done,
        }
        // A file system without links: the file that Optuna's `JournalFileOpenLock` makes.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&self.path)?;
        file.write_all(self.mark.as_encoded_bytes())
    }

    fn is_ours(&self) -> bool {
        match fs::read_link(&self.path) {
            Ok(target) => target == Path::new(&self.mark),
            Err(_) => fs::read(&self.path).is_ok_and(|text| text == self.mark.as_encoded_bytes()),
        }
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Not one of a process that lost patience with us.
        if self.is_ours() {
            let _ = self.remove();
        }
    }
}
