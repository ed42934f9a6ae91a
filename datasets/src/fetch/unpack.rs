//! Takes the files that are read out of an archive.
//!
//! An entry's name tells which of the expected files it is. It has no say in the file's place.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};

use flate2::bufread::GzDecoder;
use tar::Archive;

use super::catalogue::Member;
use crate::error::{At as _, Error};

/// The bytes that an archive may hold besides its members' content: headers, padding, and a file or
/// two for people.
const BESIDES: u64 = 1 << 20;

/// Unpacks `members` of the compressed tar file `archive` into `folder`. Everything else in it is
/// passed over.
pub(super) fn unpack(archive: &Path, members: &[Member], folder: &Path) -> Result<(), Error> {
    let damaged =
        |problem: &str| Error::file(archive, format!("{problem}: remove it, and fetch it again"));
    let most = members.iter().map(|member| *member.bytes.end()).fold(BESIDES, u64::saturating_add);
    let file = BufReader::new(File::open(archive).at(archive)?);
    let mut tar = Archive::new(GzDecoder::new(file).take(most));
    let mut found = HashSet::new();
    let read = |error: io::Error| damaged(&format!("is no archive that can be read: {error}"));
    for entry in tar.entries().map_err(read)? {
        let mut entry = entry.map_err(read)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(read)?.into_owned();
        let Some(member) = members.iter().find(|member| names(&path, &member.name)) else {
            continue;
        };
        if !member.bytes.contains(&entry.size()) {
            return Err(damaged(&format!("holds {} with {} bytes", member.name, entry.size())));
        }
        if !found.insert(&member.name) {
            return Err(damaged(&format!("holds {} twice", member.name)));
        }
        let target = folder.join(&member.name);
        let partial = target.with_added_extension("partial");
        write(&mut entry, &partial, &target).map_err(|problem| match problem {
            Problem::Read(error) => read(error),
            Problem::Write(error) => Error::io(&partial, error),
        })?;
    }
    match members.iter().find(|member| !found.contains(&member.name)) {
        None => Ok(()),
        Some(member) => Err(damaged(&format!("holds no {}", member.name))),
    }
}

/// Tells whether `path` is that of the file `name`, in any folder of the archive.
fn names(path: &Path, name: &str) -> bool {
    let within = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    path.file_name() == Some(OsStr::new(name)) && path.components().all(within)
}

enum Problem {
    Read(io::Error),
    Write(io::Error),
}

/// Copies `entry` to `partial`, which becomes `target`, or is removed.
fn write(
    entry: &mut tar::Entry<'_, impl Read>,
    partial: &Path,
    target: &Path,
) -> Result<(), Problem> {
    let size = entry.size();
    let copied = copy(entry, size, partial);
    let kept = copied.and_then(|()| fs::rename(partial, target).map_err(Problem::Write));
    if kept.is_err() {
        // A partial file that stays is overwritten next time.
        let _ = fs::remove_file(partial);
    }
    kept
}

fn copy(entry: &mut impl Read, size: u64, partial: &Path) -> Result<(), Problem> {
    use io::Write;
    let mut file = File::create(partial).map_err(Problem::Write)?;
    let mut piece = vec![0; 1 << 16];
    let mut left = size;
    while left > 0 {
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        entry.read_exact(&mut piece[..length]).map_err(Problem::Read)?;
        file.write_all(&piece[..length]).map_err(Problem::Write)?;
        left -= length as u64;
    }
    file.sync_all().map_err(Problem::Write)
}
