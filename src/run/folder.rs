//! The folder that a run leaves.

use crate::error::{Error, bail, ensure};
use crate::output::summary::Summary;
use narrows_datasets::write_atomically;
use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub const CONFIG: &str = "config.toml";
pub const METRICS: &str = "metrics.csv";
pub const SUMMARY: &str = "summary.json";
pub const MODEL: &str = "model.safetensors";
pub const PICTURE: &str = "reconstructions.png";
pub const SCORES: &str = "scores.csv";
pub const PREDICTIONS: &str = "predictions.csv";
pub const CODES: &str = "codes.npy";
pub const RESULTS: &str = "results.jsonl";
pub const CURVE: &str = "curve.svg";
pub const CONFUSION: &str = "confusion.csv";
/// Runs without `--out` get a folder in this one.
const RUNS: &str = "runs";
/// The remedy where something cannot be written.
pub const HINT: &str = "give another folder by --out";

/// All that a run may write.
const FILES: [&str; 11] = [
    CONFIG,
    METRICS,
    SUMMARY,
    MODEL,
    PICTURE,
    SCORES,
    CODES,
    PREDICTIONS,
    RESULTS,
    CURVE,
    CONFUSION,
];

/// A run's folder. Unless it is told to keep what it got, it removes that again, and itself.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folders made for this run, the innermost first.
    made: Vec<PathBuf>,
    kept: Cell<bool>,
}

impl RunFolder {
    /// Makes the folder `out`, or the next of the default ones. None of [`FILES`] is in it.
    pub fn create(out: Option<&Path>, command: &str) -> Result<RunFolder, Error> {
        let (path, made) = match out {
            Some(path) => (path.to_path_buf(), make(path)?),
            None => make_next(command)?,
        };
        Ok(RunFolder { path, made, kept: Cell::new(false) })
    }

    /// The folder of an earlier run, to go on with; nothing in it is removed, whatever happens.
    pub fn reopen(path: &Path) -> RunFolder {
        RunFolder { path: path.to_path_buf(), made: Vec::new(), kept: Cell::new(true) }
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
        let path = self.file(name);
        write_atomically(&path, bytes)
            .map_err(|e| Error::at(&path, format_args!("cannot write: {e}: {HINT}")))
    }

    /// Writes the summary of a run that began at `start`, and keeps the folder; returns the seconds
    /// that the run took.
    pub fn finish(&self, summary: Summary, start: Instant) -> Result<f64, Error> {
        let seconds = start.elapsed().as_secs_f64();
        self.write(SUMMARY, summary.text(seconds)?.as_bytes())?;
        self.keep();
        Ok(seconds)
    }

    /// Keeps everything written, now and later: the run is done, or has failed and left something
    /// of use.
    pub fn keep(&self) {
        self.kept.set(true);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.kept.get() {
            // There was none of these before, nor anything in a folder just made. What cannot be
            // removed stays.
            for name in FILES {
                let _ = fs::remove_file(self.file(name));
            }
            remove(&self.made);
        }
    }
}

/// Removes folders, the innermost first, as far as they are empty.
fn remove(folders: &[PathBuf]) {
    for folder in folders {
        let _ = fs::remove_dir(folder);
    }
}

/// Makes the folder, unless it is there, and those that it lies in; says which it made, the
/// innermost first.
fn make(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_dir() {
        return match FILES.into_iter().find(|name| path.join(name).exists()) {
            Some(name) => {
                bail!(path, "already holds a run ({name}): {HINT}, or remove that run first")
            }
            None => Ok(Vec::new()),
        };
    }
    ensure!(!path.exists(), path, "is not a folder: {HINT}");
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
fn make_next(command: &str) -> Result<(PathBuf, Vec<PathBuf>), Error> {
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

/// The configuration of the run in the folder `run`.
pub fn config(run: &Path) -> Result<PathBuf, Error> {
    let path = run.join(CONFIG);
    match (run.is_dir(), path.is_file()) {
        (true, true) => Ok(path),
        (true, false) => {
            bail!(run, "holds no {CONFIG}: name the folder of a run")
        }
        (false, _) => bail!(run, "there is no such run: name a run folder"),
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
