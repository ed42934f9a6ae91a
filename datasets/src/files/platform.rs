//! Differences between operating systems.

use std::env;
use std::path::PathBuf;

/// The platform's folder for caches, if it names one: `XDG_CACHE_HOME` or `~/.cache`,
/// `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows.
pub(crate) fn cache() -> Option<PathBuf> {
    let folder =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    }
}
