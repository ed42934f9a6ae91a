//! `narrows data`: data sets, before anything is learnt from them.

mod convert;
mod export;
#[cfg(feature = "fetch")]
mod fetch;
mod inspect;
mod split;
mod verify;

use super::inputs::{fetched, opened};
use crate::cli::options::data_commands::{Data, DataCommand, Reading};
use crate::error::{Error, bail, ensure};
use crate::output::progress::Progress;
use narrows_datasets::{AtomicFile, OpenOptions, Undivided};
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(options: &Data) -> Result<String, Error> {
    match &options.command {
        #[cfg(feature = "fetch")]
        DataCommand::Fetch(options) => fetch::run(options),
        #[cfg(not(feature = "fetch"))]
        DataCommand::Fetch(_) => bail!(
            "this narrows was built without the feature fetch: build it with, or fetch the files \
             by other means"
        ),
        DataCommand::Inspect(options) if options.verify => verify::run(options),
        DataCommand::Inspect(options) => inspect::run(options),
        DataCommand::Convert(options) => convert::run(options),
        DataCommand::Split(options) => split::run(options),
    }
}

/// The path of the data that `named` names.
fn path_of(named: &Path) -> Result<PathBuf, Error> {
    Ok(fetched(named)?.unwrap_or_else(|| named.to_owned()))
}

/// Says how much of `what` is done, unless that takes no time.
fn tell(progress: &Progress, what: &str, done: u64, total: u64) {
    const A_MOMENT: u64 = 16 << 20;
    if total >= A_MOMENT {
        progress.bytes(what, done, total);
    }
}

/// Opens `path` as `reading` says, and lists on stderr what was skipped or guessed. What has to be
/// made to read it by lies in `scratch`, if that is given.
fn open(
    reading: &Reading,
    path: &Path,
    scratch: Option<&Scratch>,
    progress: &Progress,
) -> Result<Undivided, Error> {
    let mut options: OpenOptions = reading.files.open_options(reading.threads);
    if let Some(Scratch(folder)) = scratch {
        options.cache = Some(folder.clone());
        options.images.cache = Some(folder.clone());
    }
    opened(path, progress, |path, told| narrows_datasets::open_whole(path, &options, told))
}

/// A folder that is removed at the end, for what is made to read data by.
struct Scratch(PathBuf);

impl Scratch {
    /// In `folder`, when something is written there.
    fn beside(folder: &Path) -> Scratch {
        Scratch(folder.join(format!(".narrows-scratch-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Mostly nothing was written; what cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The folder that `path` lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses to write `path` if it is there, unless by `force`, or if it cannot be written: before
/// there was any work.
pub(super) fn check_free(path: &Path, force: bool) -> Result<(), Error> {
    ensure!(!path.is_dir(), path, "is a folder, where a file is to be written: name one");
    if !force && fs::symlink_metadata(path).is_ok() {
        bail!(path, "is there already: name another file, or overwrite it by --force");
    }
    // Dropped, it is gone again: the work makes it anew.
    AtomicFile::create(path)
        .map(drop)
        .map_err(|e| Error::at(path, format_args!("cannot be written: {e}")))
}
