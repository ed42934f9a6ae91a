//! The folder that a run leaves.

use crate::cli::config::{self, CONFIG};
use crate::error::{Error, bail, ensure};
use crate::output::summary::Summary;
use crate::shell::quoted;
use narrows_datasets::write_atomically;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub const METRICS: &str = "metrics.csv";
pub const SUMMARY: &str = "summary.json";
pub const MODEL: &str = "model.safetensors";
pub const PICTURE: &str = "reconstructions.png";
pub const SCORES: &str = "scores.csv";
pub const PREDICTIONS: &str = "predictions.csv";
pub const CODES: &str = "codes.npy";
pub const RESULTS: &str = "results.jsonl";
pub const CURVE: &str = "curve.svg";
/// The page about the run.
pub const REPORT: &str = "report.html";
pub const WORST: &str = "worst.png";
pub const CONFUSION: &str = "confusion.csv";
/// The folder of the checkpoints of a run in progress.
pub const CHECKPOINTS: &str = "checkpoints";
/// The file that one process at a time has locked.
const LOCK: &str = ".lock";
/// Runs without `--out` get a folder in this one.
const RUNS: &str = "runs";
/// The remedy where something cannot be written.
pub const HINT: &str = "give another folder by --out";

/// All that a run may write.
const FILES: [&str; 13] = [
    CONFIG,
    METRICS,
    SUMMARY,
    MODEL,
    PICTURE,
    WORST,
    SCORES,
    CODES,
    PREDICTIONS,
    RESULTS,
    CURVE,
    CONFUSION,
    REPORT,
];

/// A run's folder. Unless it is told to keep what it got, it removes that again, and itself.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folders made for this run, the innermost first.
    made: Vec<PathBuf>,
    kept: AtomicBool,
    /// Held as long as this process works in the folder. A process that is killed lets go of it.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes the folder `out`, or the next of the default ones. None of [`FILES`] is in it.
    pub fn create(out: Option<&Path>, command: &str) -> Result<RunFolder, Error> {
        let (path, made) = match out {
            Some(path) => (path.to_path_buf(), make(path)?),
            None => make_next(command)?,
        };
        // First: what is there tells nothing while another process is at it.
        let lock = lock(&path)?;
        let folder = RunFolder { path, made, kept: AtomicBool::new(false), _lock: lock };
        if let Some(name) = FILES.into_iter().find(|name| folder.file(name).exists()) {
            folder.keep();
            return Err(folder.taken(name));
        }
        Ok(folder)
    }

    /// The folder of an earlier run, to go on with; nothing in it is removed, whatever happens.
    pub fn reopen(path: &Path) -> Result<RunFolder, Error> {
        let lock = lock(path)?;
        Ok(RunFolder {
            path: path.to_path_buf(),
            made: Vec::new(),
            kept: AtomicBool::new(true),
            _lock: lock,
        })
    }

    /// The error where another run's file, `name`, is in the folder.
    fn taken(&self, name: &str) -> Error {
        let path = &self.path;
        let stopped = || {
            let config: toml::Table = fs::read_to_string(self.file(CONFIG)).ok()?.parse().ok()?;
            let command = config.get(config::COMMAND)?.as_str()?.to_owned();
            (!self.is_finished()).then_some(command)
        };
        match stopped() {
            Some(command) => Error::at(
                path,
                format_args!(
                    "holds a run that was stopped: continue it by narrows {command} --resume {}, \
                     or {HINT}",
                    quoted(path.display())
                ),
            ),
            None => Error::at(
                path,
                format_args!("already holds a run ({name}): {HINT}, or remove that run first"),
            ),
        }
    }

    /// True if the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.file(SUMMARY).is_file()
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
        write(&self.file(name), bytes, HINT)
    }

    /// Writes the summary of a run that began at `start`, and keeps the folder; returns the seconds
    /// that the run took.
    pub fn finish(&self, summary: Summary, start: Instant) -> Result<f64, Error> {
        let seconds = start.elapsed().as_secs_f64();
        self.write(SUMMARY, summary.text(seconds)?.as_bytes())?;
        self.keep();
        // They are of no more use; what cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(self.file(CHECKPOINTS));
        Ok(seconds)
    }

    /// Keeps everything written, now and later: the run is done, or has failed and left something
    /// of use.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Before the lock is let go of: whoever waits for it finds the folder as it is.
        let _ = fs::remove_file(self.file(LOCK));
        if !self.kept.load(Ordering::Relaxed) {
            // There was none of these before, nor anything in a folder just made. What cannot be
            // removed stays.
            for name in FILES {
                let _ = fs::remove_file(self.file(name));
            }
            remove(&self.made);
        }
    }
}

/// Writes the file `path`, all or nothing; `remedy` is what to do where that is not possible.
pub fn write(path: &Path, bytes: &[u8], remedy: &str) -> Result<(), Error> {
    write_atomically(path, bytes)
        .map_err(|e| Error::at(path, format_args!("cannot write: {e}: {remedy}")))
}

/// The lock of the folder `path`; `None` where the file system has none.
fn lock(path: &Path) -> Result<Option<File>, Error> {
    let name = path.join(LOCK);
    loop {
        let file = File::options().write(true).create(true).truncate(false).open(&name);
        let file = file.map_err(|e| Error::at(&name, format_args!("cannot write: {e}: {HINT}")))?;
        match file.try_lock() {
            Ok(()) if is_at(&file, &name) => return Ok(Some(file)),
            // Whoever had it removed it in between; a lock on it would keep nobody out.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(path, "another process works in it: wait for that, or {HINT}")
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// True if the name still leads to that open file.
#[cfg(unix)]
fn is_at(file: &File, name: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |about: &fs::Metadata| (about.dev(), about.ino());
    matches!((file.metadata(), name.metadata()), (Ok(a), Ok(b)) if place(&a) == place(&b))
}

/// An open file cannot be removed here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Removes folders, the innermost first, as far as they are empty.
fn remove(folders: &[PathBuf]) {
    for folder in folders {
        let _ = fs::remove_dir(folder);
    }
}

/// Makes the folder, unless it is there, and those that it lies in; says which it made, the
/// innermost first.
pub(super) fn make(path: &Path) -> Result<Vec<PathBuf>, Error> {
    // One look: between two, another process may make it.
    if let Ok(there) = path.metadata() {
        ensure!(there.is_dir(), path, "is not a folder: {HINT}");
        return Ok(Vec::new());
    }
    let missing =
        path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    match fs::create_dir_all(path) {
        Ok(()) => Ok(missing),
        Err(e) => {
            remove(&missing);
            bail!(path, "cannot make the folder: {e}: {HINT}")
        }
    }
}

/// Makes `runs/<command>-<n>`, n being one more than the largest there is; says which folders it
/// made.
pub(super) fn make_next(command: &str) -> Result<(PathBuf, Vec<PathBuf>), Error> {
    let runs = Path::new(RUNS);
    let failed =
        |e| Error::at(runs, format_args!("cannot make a folder in it: {e}: give one by --out"));
    let mut made = if runs.exists() { Vec::new() } else { vec![runs.to_path_buf()] };
    fs::create_dir_all(runs).map_err(failed)?;
    let number = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_prefix(command)?.strip_prefix('-')?.parse::<u64>().ok()
    };
    let numbers = fs::read_dir(runs).map_err(failed)?.filter_map(|entry| number(entry.ok()?));
    let mut next = numbers.max().unwrap_or(0).saturating_add(1);
    loop {
        let path = runs.join(format!("{command}-{next}"));
        match fs::create_dir(&path) {
            Ok(()) => {
                made.insert(0, path.clone());
                return Ok((path, made));
            }
            // Another run was faster.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => next += 1,
            Err(e) => {
                remove(&made);
                return Err(failed(e));
            }
        }
    }
}

/// The file of weights that `run` means: the file itself, or the one in that folder.
pub fn model(run: &Path) -> Result<PathBuf, Error> {
    if run.is_dir() {
        let path = run.join(MODEL);
        return match path.is_file() {
            true => Ok(path),
            false => bail!(run, "holds no {MODEL}: name the folder of a finished run"),
        };
    }
    match run.is_file() {
        true => Ok(run.to_path_buf()),
        false => {
            bail!(run, "there is no such run: name a run folder or a .safetensors file")
        }
    }
}
