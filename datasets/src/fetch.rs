//! Fetches public data sets and weights of networks into folders of their own, over unreliable
//! networks and servers.
//!
//! ```text
//! for each file:  there with the right length and SHA-256?  done
//!     for each round, for each mirror:
//!         ask for all, or for what <file>.partial lacks
//!         too long, too short, too slow, wrong bytes?  the next mirror
//!         else the partial file gets its name
//! archives:       their members, unpacked beside them
//! ```
//!
//! A file has its name only when it is complete and the right one. Until then it is
//! `<file>.partial`, which the next attempt goes on with, in this process or another. A lock keeps
//! two processes from writing the same one.
//!
//! ```no_run
//! use narrows_datasets::fetch::{FetchOptions, fetch, named};
//!
//! let folder = fetch(&named("mnist")?, &FetchOptions::default(), &mut |_| {})?;
//! let data = narrows_datasets::open(&folder)?;
//! # Ok::<(), narrows_datasets::Error>(())
//! ```

mod cache;
mod catalogue;
mod download;
mod transfer;
mod unpack;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{At as _, Error, bail};
use crate::files::platform;
use cache::{Found, Lock};
pub use catalogue::{Kind, Member, PublicFile, PublicSet, catalogue, named};
pub use weights::weights;

/// Options for fetching.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The folder that gets one folder a set; `None`: `narrows/datasets` or `narrows/models` where
    /// the platform keeps caches.
    pub cache: Option<PathBuf>,
    /// Open no connection: a missing file is an error.
    pub offline: bool,
    /// The time limit for finding a server, and for its accepting a connection.
    pub connect_timeout: Duration,
    /// The time in which a server may send nothing, or less than 1,024 bytes; and the time in which
    /// it has to begin its answer.
    pub stall_timeout: Duration,
    /// The number of rounds over the mirrors that may bring nothing. A mirror that refuses, or
    /// sends something else, is asked once.
    pub rounds: usize,
    /// The pause before the second round; it doubles with each one after.
    pub pause: Duration,
}

impl Default for FetchOptions {
    /// 10 seconds to connect, 30 of silence, 4 rounds, and a second's pause at first.
    fn default() -> Self {
        FetchOptions {
            cache: None,
            offline: false,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            rounds: 4,
            pause: Duration::from_secs(1),
        }
    }
}

/// Events while a set is fetched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another process fetches the same set, and is waited for.
    Waiting {
        /// The set's folder.
        folder: &'a Path,
    },
    /// There is more of a file than before, or less: a server that cannot resume begins anew.
    Received {
        /// Its name.
        file: &'a str,
        /// The bytes that are there.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// A mirror failed; another, or the same, is asked next.
    Failed {
        /// The file that it was asked for.
        file: &'a str,
        /// Protocol and host.
        mirror: &'a str,
        /// The problem.
        problem: &'a str,
    },
    /// An archive is unpacked.
    Unpacking {
        /// Its name.
        file: &'a str,
    },
}

/// Fetches the missing files of `set`, checks the length and the SHA-256 of every file, unpacks
/// archives, and returns the folder, which for data is one to [`open`](crate::open). `event` is
/// told what happens.
///
/// Files that are there already are read and checked. If an archive was removed, only the lengths
/// of its members are checked. A wrong file is fetched again.
///
/// The proxies that the environment names are used (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`,
/// `NO_PROXY`).
///
/// # Errors
/// If no mirror gives a file: the message names the problem with each. If files are missing or
/// wrong, and `options` forbid connections. If the cache folder cannot be read or written, or
/// neither the platform nor `options` name one.
pub fn fetch(
    set: &PublicSet,
    options: &FetchOptions,
    event: &mut dyn FnMut(Event<'_>),
) -> Result<PathBuf, Error> {
    let folder = folder_of(set, options.cache.as_deref())?;
    // First without the lock: a complete folder need not be writable.
    if missing(set, &folder)?.is_empty() && cache::is_there(set, &folder) {
        return Ok(folder);
    }
    if options.offline {
        refuse_missing(set, &folder)?;
    }
    fs::create_dir_all(&folder).at(&folder)?;
    let lock = Lock::wait(&folder, event)?;
    if options.offline {
        refuse_missing(set, &folder)?;
    }
    // Looked for again: another process may have been at it meanwhile.
    for (file, _) in missing(set, &folder)? {
        let path = folder.join(&file.name);
        if path.is_file() {
            fs::remove_file(&path).at(&path)?;
        }
        let partial = match lock.exclusive {
            true => path.with_added_extension("partial"),
            false => path.with_added_extension(format!("{}.partial", std::process::id())),
        };
        download::download(set, file, &path, &partial, options, event)?;
    }
    if !set.members.is_empty() && !cache::is_there(set, &folder) {
        for file in &set.files {
            event(Event::Unpacking { file: &file.name });
            unpack::unpack(&folder.join(&file.name), &set.members, &folder)?;
        }
    }
    Ok(folder)
}

/// An error if a file would have to be fetched.
fn refuse_missing(set: &PublicSet, folder: &Path) -> Result<(), Error> {
    match missing(set, folder)?.first() {
        None => Ok(()),
        Some((file, problem)) => bail!(
            &folder.join(&file.name),
            "{problem}, and offline nothing is fetched: put the file there, or fetch it online"
        ),
    }
}

/// The files that are to be fetched, and their problems.
fn missing<'a>(set: &'a PublicSet, folder: &Path) -> Result<Vec<(&'a PublicFile, String)>, Error> {
    let unpacked = !set.members.is_empty() && cache::is_there(set, folder);
    let mut missing = Vec::new();
    for file in &set.files {
        match cache::look(&folder.join(&file.name), file)? {
            Found::TheFile => {}
            // Whoever wants the room may remove an archive that is unpacked.
            Found::Nothing if unpacked => {}
            Found::Nothing => missing.push((file, "is missing".to_owned())),
            Found::Wrong(problem) => missing.push((file, problem)),
        }
    }
    Ok(missing)
}

/// The folder of the set called `name`, if it is known and was fetched to the platform's cache: all
/// files are there with the right length. No connection is opened.
pub fn cached(name: &str) -> Option<PathBuf> {
    cached_set(&named(name).ok()?)
}

/// The folder of `set`, if it was fetched to the platform's cache. It is not read, and no
/// connection is opened.
pub fn cached_set(set: &PublicSet) -> Option<PathBuf> {
    let folder = folder_of(set, None).ok()?;
    cache::is_there(set, &folder).then_some(folder)
}

/// The folder of `set`.
fn folder_of(set: &PublicSet, cache: Option<&Path>) -> Result<PathBuf, Error> {
    let cache = match cache {
        Some(cache) => cache.to_owned(),
        None => platform::cache()
            .ok_or_else(|| Error::request("the environment names no cache folder: name one"))?
            .join(set.kind.folder()),
    };
    Ok(cache.join(&set.name))
}
