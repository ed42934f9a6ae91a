//! Fuzz targets: one for each thing that Narrows reads. `docs/internals/fuzzing.md` says how to run
//! them.
//!
//! A target takes any bytes for a file of its format, opens it through the public interface, and
//! uses what it finds. What may come of that is data, or an error of one line that names the file;
//! a panic, an error of another form, or more memory before an error than the file's size and 16 MB
//! is a finding.

mod mutate;
mod repair;
mod targets;

#[path = "../../tests/live_memory/mod.rs"]
mod live_memory;

pub use mutate::Mutator;
pub use targets::{TARGETS, Target};

use std::fmt::Display;
use std::path::Path;

use live_memory::most_live;

/// What a file is called in errors.
const NAME: &str = "input";
/// What may be allocated before an error, beside the size of the file.
const ALLOWANCE: usize = 16 << 20;
/// No error line is longer.
const LONGEST_ERROR: usize = 1000;

/// What was found, in the order of [`Target::run`]'s attempts.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The errors that were met.
    pub errors: Vec<String>,
    /// How often data came of it.
    pub opened: usize,
}

impl Outcome {
    /// Runs one attempt on a file of `size` bytes: `Some` if it succeeded.
    ///
    /// # Panics
    /// If its error is none of one line that names the file, or too much was allocated before it.
    fn attempt<T, E: Display>(
        &mut self,
        size: usize,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Option<T> {
        let (result, most) = most_live(work);
        match result {
            Ok(value) => {
                self.opened += 1;
                Some(value)
            }
            Err(error) => {
                let error = error.to_string();
                assert!(most <= size + ALLOWANCE, "{most} bytes for a file of {size}: {error}");
                assert!(!error.contains(['\n', '\r']), "not one line: {error:?}");
                assert!(error.contains(NAME), "does not name the file: {error}");
                assert!(error.len() < LONGEST_ERROR, "{} bytes of error: {error}", error.len());
                self.errors.push(error);
                None
            }
        }
    }
}

/// A folder for the files of one input at a time.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes one where the system keeps temporary files.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new() -> Self {
        Scratch(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
