//! The folder of a study, which several processes may work in.

use super::folder;
use crate::cli::config::{self, CONFIG};
use crate::error::{Error, bail};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

pub const JOURNAL: &str = "journal.log";
pub const SPACE: &str = "space.toml";
/// The folder of the checkpoints of trials.
pub const TRIALS: &str = "trials";

/// The remedy where something cannot be written.
const REMEDY: &str = "give another folder by --study";

/// Keys of the configuration that may be others when a study goes on.
const FREE: [&str; 7] =
    ["budget", "trials", "parallel", "draws", "strategy", "grid-points", "space"];

/// A study's folder.
pub struct StudyFolder {
    path: PathBuf,
}

impl StudyFolder {
    /// The folder `path`, which is made unless it is there, or the next of the default ones.
    pub fn open(path: Option<&Path>) -> Result<StudyFolder, Error> {
        let path = match path {
            Some(path) if path.is_file() => {
                bail!(path, "is a file: --study names a folder")
            }
            Some(path) => {
                folder::make(path).map_err(|e| e.during("--study"))?;
                path.to_path_buf()
            }
            None => folder::make_next("tune")?.0,
        };
        let journal = path.join(JOURNAL);
        if !journal.exists() && path.join(CONFIG).exists() {
            bail!(&path, "holds a run that is no study: {REMEDY}");
        }
        Ok(StudyFolder { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file of that name lies, or will.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, all or nothing.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        folder::write(&self.file(name), bytes, REMEDY)
    }

    /// Writes the configuration, or refuses one that differs from that of the study.
    pub fn configure(&self, options: &impl Serialize, note: &str) -> Result<(), Error> {
        let path = self.file(CONFIG);
        if !path.exists() {
            return self.write(CONFIG, config::text("tune", options, note)?.as_bytes());
        }
        match config::difference(&path, options, |key| FREE.contains(&key))? {
            None => Ok(()),
            Some(key) => bail!(
                &self.path,
                "the study was begun with another --{key}: give the one in its {CONFIG}, or begin \
                 a new study in another folder"
            ),
        }
    }

    /// Removes the checkpoints of a trial.
    pub fn forget(&self, trial: usize) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(self.trial(trial));
    }

    /// The folder of the checkpoints of a trial.
    pub fn trial(&self, trial: usize) -> PathBuf {
        self.file(TRIALS).join(trial.to_string())
    }
}
