//! The files of a set that are on the disk already.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Event;
use super::catalogue::{PublicFile, PublicSet};
use crate::error::Error;

/// The state of a file's place.
pub(super) enum Found {
    Nothing,
    /// Another file, and its difference.
    Wrong(String),
    TheFile,
}

/// Looks at `path`, reading all of it where the length is right.
pub(super) fn look(path: &Path, file: &PublicFile) -> Result<Found, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(Error::io(path, error)),
    };
    if !metadata.is_file() {
        return Ok(Found::Wrong("is no regular file".to_owned()));
    }
    if !file.bytes.contains(&metadata.len()) {
        return Ok(Found::Wrong(format!("has {} bytes, not {}", metadata.len(), file.lengths())));
    }
    let sha256 = sha256(path)?;
    Ok(match file.has(&sha256) {
        true => Found::TheFile,
        false => Found::Wrong(format!(
            "has the SHA-256 {}..., not {}...",
            start(&sha256),
            start(&file.sha256)
        )),
    })
}

/// The start of a checksum, long enough to tell two apart.
pub(super) fn start(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// The SHA-256 of the file `path`, in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::io(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 17];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => hash.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Tells whether all files of `set` that are read lie in `folder`, by their lengths.
pub(super) fn is_there(set: &PublicSet, folder: &Path) -> bool {
    let has = |name: &str, fits: &dyn Fn(u64) -> bool| {
        fs::metadata(folder.join(name))
            .is_ok_and(|metadata| metadata.is_file() && fits(metadata.len()))
    };
    match set.members.is_empty() {
        true => set.files.iter().all(|file| has(&file.name, &|bytes| file.bytes.contains(&bytes))),
        false => set
            .members
            .iter()
            .all(|member| has(&member.name, &|bytes| member.bytes.contains(&bytes))),
    }
}

/// Keeps other processes from writing to `folder` while it is held.
pub(super) struct Lock {
    _file: File,
    /// Some network file systems know no locks: there each process has its own partial files.
    pub(super) exclusive: bool,
}

impl Lock {
    /// Waits until no other process writes to `folder`, and says so if that is not at once.
    pub(super) fn wait(folder: &Path, event: &mut dyn FnMut(Event<'_>)) -> Result<Lock, Error> {
        let path = folder.join("lock");
        let failed = |error| Error::io(&path, error);
        let file = File::create(&path).map_err(failed)?;
        let locked = match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                event(Event::Waiting { folder });
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
        };
        match locked {
            Ok(()) => Ok(Lock { _file: file, exclusive: true }),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Lock { _file: file, exclusive: false })
            }
            Err(error) => Err(failed(error)),
        }
    }
}
