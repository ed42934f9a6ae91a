//! The folder that a run leaves.

use crate::defaults;
use crate::error::Error;
use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub const CONFIG: &str = "config.toml";
pub const METRICS: &str = "metrics.csv";
pub const SUMMARY: &str = "summary.json";
pub const MODEL: &str = "model.safetensors";
pub const PICTURE: &str = "reconstructions.png";

/// A run's folder. One that got nothing but its configuration, because the run failed, removes itself.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Whether the folder was made for this run.
    made: bool,
    /// Whether there is something in it worth keeping.
    kept: Cell<bool>,
}

impl RunFolder {
    /// Makes the folder `out`, or the next of the default ones, and writes `config` to it. That it can be
    /// written to is known before anything is trained.
    pub fn create(out: Option<&Path>, command: &str, config: &str) -> Result<RunFolder, Error> {
        let (path, made) = match out {
            Some(path) => (path.to_path_buf(), make(path)?),
            None => (make_next(command)?, true),
        };
        let folder = RunFolder { path, made, kept: Cell::new(false) };
        folder.put(CONFIG, config.as_bytes())?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file of that name is to lie. What asks will write it: from now on the folder stays.
    pub fn keep(&self, name: &str) -> PathBuf {
        self.kept.set(true);
        self.path.join(name)
    }

    /// Writes a file, all or nothing.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.kept.set(true);
        self.put(name, bytes)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        let partial = self.path.join(format!("{name}.partial"));
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &path)).map_err(|e| {
            // What is left of the partial file is of no use; that it cannot be removed adds nothing.
            let _ = fs::remove_file(&partial);
            Error::at(&path, format_args!("cannot write: {e}"))
        })
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.kept.get() {
            let _ = fs::remove_file(self.path.join(CONFIG));
            if self.made {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

/// Makes the folder unless it is there; says whether it did.
fn make(path: &Path) -> Result<bool, Error> {
    let hint = "give another folder by --out";
    let made = match fs::create_dir(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => fs::create_dir_all(path).map(|()| true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        result => result.map(|()| true),
    };
    let made = made.map_err(|e| Error::at(path, format_args!("cannot make the folder: {e}: {hint}")))?;
    if made {
        return Ok(true);
    }
    if !path.is_dir() {
        return Err(Error::at(path, format_args!("is not a folder: {hint}")));
    }
    match [CONFIG, METRICS, SUMMARY, MODEL, PICTURE].into_iter().find(|name| path.join(name).exists()) {
        Some(name) => Err(Error::at(
            path,
            format_args!("already holds a run ({name}): {hint}, or remove that run first"),
        )),
        None => Ok(false),
    }
}

/// Makes `runs/<command>-<n>`, n being one more than the largest there is.
fn make_next(command: &str) -> Result<PathBuf, Error> {
    let runs = Path::new(defaults::RUNS);
    let failed = |e| Error::at(runs, format_args!("cannot make a folder in it: {e}: give one by --out"));
    let made = !runs.exists();
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
            Ok(()) => return Ok(path),
            // Another run was faster.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => next += 1,
            Err(e) => {
                if made {
                    let _ = fs::remove_dir(runs);
                }
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
            false => Err(Error::at(run, format_args!("holds no {MODEL}: name the folder of a finished run"))),
        };
    }
    match run.is_file() {
        true => Ok(run.to_path_buf()),
        false => Err(Error::at(run, "there is no such run: name a run folder or a .safetensors file")),
    }
}
