//! `results.jsonl`: what is finished of a long measurement, one line of JSON each, so that it can
//! be stopped at any time and continued.

use crate::error::{Error, ensure};
use crate::run::folder::{RESULTS, RunFolder};
use narrows_models::ErrorKind;
use narrows_models::curve::TrialResult;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Mutex;

/// The file, open to append to, by one process at a time.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: Mutex<File>,
}

impl Results {
    /// That of `folder`, and what is in it. Half a line at the end, which a process that was killed
    /// left, is cut off.
    pub fn open(folder: &RunFolder) -> Result<(Results, Vec<TrialResult>), Error> {
        let path = folder.file(RESULTS);
        let failed = |e: std::io::Error| Error::at(&path, format_args!("cannot be opened: {e}"));
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        // A file system without locks has none to wait for.
        ensure!(
            !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
            &path,
            "another run appends to it: wait for that, or measure elsewhere"
        );
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let mut done = Vec::new();
        for (at, line) in text[..whole].lines().enumerate() {
            let finished = serde_json::from_str(line).map_err(|e| {
                Error::at(
                    &path,
                    format_args!("line {} is no result: {e}: remove that line", at + 1),
                )
            })?;
            done.push(finished);
        }
        Ok((Results { path, file: Mutex::new(file) }, done))
    }

    /// Adds a line, and has it on the disk.
    pub fn append(&self, finished: &TrialResult) -> Result<(), narrows_models::Error> {
        let failed = |e: &dyn std::fmt::Display| {
            narrows_models::Error::of(
                ErrorKind::Io,
                format!("{}: a result cannot be written: {e}", self.path.display()),
            )
        };
        let line = serde_json::to_string(finished).map_err(|e| failed(&e))? + "\n";
        let mut file = self.file.lock().unwrap_or_else(|e| e.into_inner());
        file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(|e| failed(&e))
    }
}
