//! The folder of the checkpoints of one or several runs: how often, how many, and their names.

use super::file::Checkpoint;
use crate::error::{Error, ErrorKind, error};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io};

/// The ending of a checkpoint's file, behind the number of steps.
const ENDING: &str = ".safetensors";

/// What stands between the name of a run and the number of steps.
const STEP: &str = ".step-";

/// The checkpoints of the runs of one program: an [`Observer`](crate::Observer) that has some lets
/// every run save its state there, and end when it is asked to.
///
/// ```
/// use narrows_models::{Checkpoints, Event, Observer};
///
/// struct Watcher(Checkpoints);
///
/// impl Observer for Watcher {
///     fn notice(&self, _: &Event<'_>) {}
///
///     fn checkpoints(&self) -> Option<&Checkpoints> {
///         Some(&self.0)
///     }
/// }
///
/// let watcher = Watcher(Checkpoints { resume: true, ..Checkpoints::new("run/checkpoints") });
/// // A handler of signals sets this flag; the training that is watched then saves its state and
/// // ends with an error of the kind `Stopped`.
/// let stop = watcher.0.stop.clone();
/// # let _ = stop;
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The folder, which is made when the first checkpoint is saved.
    pub folder: PathBuf,
    /// The time between two checkpoints of a run; a hundred times as long as saving one takes, if
    /// that is more. With [`Duration::ZERO`] each step is followed by one, and with
    /// [`Duration::MAX`] none. Besides, there is one at a stop, and one at the end of a run that
    /// was long enough.
    pub every: Duration,
    /// The number of checkpoints of a run that are kept, at least 1: the last ones. Each also has
    /// the best weights until then.
    pub keep: usize,
    /// Go on from the last complete checkpoint of each run that has one; or else from its
    /// beginning, in place of the checkpoints that are there.
    pub resume: bool,
    /// Asks for a stop: each run saves its state after the step that it is at, and ends.
    pub stop: Arc<AtomicBool>,
    /// Text that is stored in each checkpoint, such as the caller's configuration.
    pub configuration: String,
}

impl Checkpoints {
    /// One for each run in `folder`, every five minutes, from the beginning.
    pub fn new(folder: impl Into<PathBuf>) -> Checkpoints {
        Checkpoints {
            folder: folder.into(),
            every: Duration::from_secs(300),
            keep: 1,
            resume: false,
            stop: Arc::default(),
            configuration: String::new(),
        }
    }

    /// True if a stop is asked for.
    pub fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The last complete checkpoint of `run`, if it has one, and the errors of later ones that are
    /// damaged.
    ///
    /// # Errors
    /// If there is none that is complete, but a damaged one, or one of another version; or the
    /// folder cannot be read.
    pub fn last(&self, run: &str) -> Result<(Option<Checkpoint>, Vec<Error>), Error> {
        let mut damaged = Vec::new();
        for file in self.files(run)?.into_iter().rev() {
            match Checkpoint::read(&file) {
                Ok(checkpoint) if checkpoint.run() == run => {
                    return Ok((Some(checkpoint), damaged));
                }
                Ok(checkpoint) => {
                    let other = format!("it is of the run {}, not of {run}", checkpoint.run());
                    return Err(checkpoint.unfit(&other));
                }
                Err(e) if e.kind() == ErrorKind::Format => damaged.push(e),
                Err(e) => return Err(e),
            }
        }
        match damaged.is_empty() {
            true => Ok((None, damaged)),
            false => Err(damaged.swap_remove(0)),
        }
    }

    /// The files of the checkpoints of `run`, those with the fewest steps first.
    ///
    /// # Errors
    /// If the folder is there but cannot be read.
    pub fn files(&self, run: &str) -> Result<Vec<PathBuf>, Error> {
        let step_of = |path: &Path| -> Option<u64> {
            let name = path.file_name()?.to_str()?;
            let rest = name.strip_prefix(&stem(run))?.strip_prefix(STEP)?;
            rest.strip_suffix(ENDING)?.parse().ok()
        };
        let mut files: Vec<(u64, PathBuf)> = (self.entries()?.into_iter())
            .filter_map(|path| step_of(&path).map(|step| (step, path)))
            .collect();
        files.sort_unstable();
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    /// Removes the checkpoints of `run`, which are of no use once its result is kept, and what
    /// writes of them left that were cut short.
    ///
    /// # Errors
    /// If that fails.
    pub fn remove(&self, run: &str) -> Result<(), Error> {
        for path in self.files(run)?.into_iter().chain(self.cut_short(run)?) {
            fs::remove_file(&path).map_err(|e| error!(Io, "{}: {e}", path.display()))?;
        }
        Ok(())
    }

    /// The same for a part of the work that has several runs, in a folder of its own.
    pub(crate) fn within(&self, part: &str) -> Checkpoints {
        Checkpoints { folder: self.folder.join(stem(part)), ..self.clone() }
    }

    /// The file of a checkpoint of `run` after so many steps.
    pub(crate) fn file(&self, run: &str, step: u64) -> PathBuf {
        self.folder.join(format!("{}{STEP}{step}{ENDING}", stem(run)))
    }

    /// What is left of checkpoints of `run` that a process was writing when it was killed.
    pub(crate) fn cut_short(&self, run: &str) -> Result<Vec<PathBuf>, Error> {
        let begins = stem(run) + STEP;
        let is_one = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&begins) && name.ends_with(".partial")
        };
        Ok(self.entries()?.into_iter().filter(is_one).collect())
    }

    fn entries(&self) -> Result<Vec<PathBuf>, Error> {
        let folder = &self.folder;
        let cannot = |e: io::Error| error!(Io, "{}: cannot read the folder: {e}", folder.display());
        match fs::read_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(cannot(e)),
            Ok(entries) => {
                let paths = entries.map(|entry| entry.map(|entry| entry.path()));
                paths.collect::<Result<_, _>>().map_err(cannot)
            }
        }
    }
}

/// The name of a run as the beginning of a file's name. Names that come to the same letters are
/// told apart by a checksum.
fn stem(run: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = run.chars().map(|c| if plain(c) { c } else { '-' }).take(100).collect();
    match name == run {
        true => name,
        false => format!("{name}-{:08x}", crc32fast::hash(run.as_bytes())),
    }
}
