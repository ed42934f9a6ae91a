//! Where stores are kept that files are read by which cannot be mapped as they are.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::hash::Hash;
use crate::files::platform;

/// The folder beside the data.
pub(crate) const BESIDE_THE_DATA: &str = ".narrows";

/// The places for a store of the file `source`, the preferred one first: in `cache` if that is
/// given, else in `.narrows` beside the file, or, where that cannot be written, in the platform's
/// folder for caches. `settings` tells stores of the same file apart.
pub(crate) fn places(
    source: &Path,
    cache: Option<&Path>,
    settings: u64,
) -> Result<Vec<PathBuf>, Error> {
    let full = fs::canonicalize(source).map_err(|error| Error::io(source, error))?;
    let name = full.file_name().unwrap_or(OsStr::new("data")).to_string_lossy().into_owned();
    let mut hash = Hash::new();
    hash.bytes(full.as_os_str().as_encoded_bytes());
    let elsewhere = |folder: &Path| {
        folder.join(format!("{name}-{:016x}-{settings:016x}.narrows", hash.value()))
    };
    Ok(match cache {
        Some(cache) => vec![elsewhere(cache)],
        None => {
            let folder = full.parent().unwrap_or(Path::new(".")).join(BESIDE_THE_DATA);
            let beside = folder.join(format!("{name}-{settings:016x}.narrows"));
            let platform = platform::cache().map(|cache| elsewhere(&cache.join("narrows")));
            [beside].into_iter().chain(platform).collect()
        }
    })
}

/// A number that changes with a file, but for a change that keeps its length and its time of
/// modification.
pub(crate) fn fingerprint(path: &Path) -> Result<u64, Error> {
    let metadata = fs::metadata(path).map_err(|error| Error::io(path, error))?;
    let modified = metadata.modified().map_err(|error| Error::io(path, error))?;
    let since =
        modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_else(|before| before.duration());
    let mut hash = Hash::new();
    hash.bytes(&metadata.len().to_le_bytes());
    hash.bytes(&since.as_nanos().to_le_bytes());
    Ok(hash.value())
}
