//! The workers of a study, and which of them live.
//!
//! A worker holds the lock of a file in the folder `workers` for its life. The system releases the
//! lock of a process that dies, by whatever death; this is the heartbeat, without a clock. Between
//! machines it is as good as the locks of their shared file system: NFS releases those of a machine
//! that is gone after its lease, a minute or two. The file goes with a worker that ends by itself,
//! and stays behind one that was killed.

use crate::error::{Error, ErrorKind};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// The longest id.
const LONGEST_ID: usize = 100;
/// Somebody who looks whether a worker lives has its lock for a moment.
const ATTEMPTS: usize = 50;

/// A worker that lives, as long as this does.
#[derive(Debug)]
pub struct Worker {
    id: String,
    path: PathBuf,
    /// Closing it releases the lock.
    _file: File,
}

impl Worker {
    /// Begins the life of the worker `id` of the study in `folder`.
    ///
    /// # Errors
    /// If such a worker lives, the id is no plain name, or the file cannot be made or locked.
    pub fn begin(folder: &Path, id: &str) -> Result<Worker, Error> {
        let path = path(folder, id);
        let error = |problem: String| Error::of_file(ErrorKind::Io, &path, &problem);
        if !is_name(id) {
            let problem = format!(
                "a worker's id has 1 to {LONGEST_ID} letters, digits, dots, dashes or underscores, \
                 and does not begin with a dot, unlike {id:?}"
            );
            return Err(Error::of(ErrorKind::Setting, problem.replace(char::is_control, " ")));
        }
        fs::create_dir_all(folder.join("workers")).map_err(|e| error(e.to_string()))?;
        for _ in 0..ATTEMPTS {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|e| error(e.to_string()))?;
            match file.try_lock() {
                // Not the file of one that ended just now, and took its name away.
                Ok(()) if is_alive(folder, id) => {
                    return Ok(Worker { id: id.into(), path, _file: file });
                }
                Ok(()) | Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(10)),
                Err(TryLockError::Error(e)) => {
                    let remedy = "keep the study on a file system with locks";
                    return Err(error(format!("it cannot be locked ({e}): {remedy}")));
                }
            }
        }
        let problem =
            format!("a worker {id:?} is at work on this study already: choose another id");
        Err(Error::of_file(ErrorKind::Setting, folder, &problem))
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // While it is locked: nobody takes it for that of a dead worker.
        let _ = fs::remove_file(&self.path);
    }
}

/// True if the worker `id` of the study in `folder` lives, in this process or in another. One of
/// which that cannot be found out counts as alive: its trials are then left to it.
pub fn is_alive(folder: &Path, id: &str) -> bool {
    if !is_name(id) {
        return false;
    }
    match File::open(path(folder, id)) {
        // Shared, so that two who look at once do not see each other.
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join("workers").join(id)
}

fn is_name(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(plain) && !id.starts_with('.')
}
