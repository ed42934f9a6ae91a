//! One file from any mirror: the order of the mirrors, and the number of rounds.

use std::fs::{self, File};
use std::path::Path;
use std::thread;

use super::cache;
use super::catalogue::{PublicFile, PublicSet};
use super::transfer::{Failure, discard, length, receive};
use super::{Event, FetchOptions};
use crate::error::Error;

/// The bytes that a round has to bring, more than any before it, not to count as in vain.
const WORTH_ANOTHER_ROUND: u64 = 1 << 20;

struct Mirror<'a> {
    base: &'a str,
    /// Its last problem.
    problem: String,
    is_left: bool,
}

/// Fetches `file` of `set` to `path` by way of `partial`, where part of it may lie already.
pub(super) fn download(
    set: &PublicSet,
    file: &PublicFile,
    path: &Path,
    partial: &Path,
    options: &FetchOptions,
    event: &mut dyn FnMut(Event<'_>),
) -> Result<(), Error> {
    let new = |base| Mirror { base, problem: "was not asked".to_owned(), is_left: true };
    let mut mirrors: Vec<Mirror<'_>> = set.mirrors.iter().map(|base| new(base.as_str())).collect();
    let (mut round, mut furthest) = (0, 0);
    while round < options.rounds && mirrors.iter().any(|mirror| mirror.is_left) {
        if round > 0 {
            thread::sleep(options.pause.saturating_mul(1 << (round - 1).min(5)));
        }
        for mirror in mirrors.iter_mut().filter(|mirror| mirror.is_left) {
            match attempt(mirror.base, file, path, partial, options, event) {
                Ok(()) => return Ok(()),
                Err(Failure::Here(error)) => return Err(error),
                Err(Failure::Passing(problem)) => mirror.problem = problem,
                Err(Failure::Lasting(problem)) => {
                    (mirror.problem, mirror.is_left) = (problem, false)
                }
            }
            event(Event::Failed {
                file: &file.name,
                mirror: host(mirror.base),
                problem: &mirror.problem,
            });
        }
        let reached = fs::metadata(partial).map_or(0, |metadata| metadata.len());
        // The file has to be longer than ever, so that the rounds come to an end.
        if reached >= furthest + WORTH_ANOTHER_ROUND {
            (round, furthest) = (0, reached);
        } else {
            round += 1;
        }
    }
    let problems: Vec<String> =
        mirrors.iter().map(|mirror| format!("{} {}", host(mirror.base), mirror.problem)).collect();
    Err(Error::file(
        path,
        format!(
            "cannot be fetched: {}: try again later, or put the file there by hand",
            problems.join("; ")
        ),
    ))
}

/// One try with one mirror.
fn attempt(
    base: &str,
    file: &PublicFile,
    path: &Path,
    partial: &Path,
    options: &FetchOptions,
    event: &mut dyn FnMut(Event<'_>),
) -> Result<(), Failure> {
    let url = format!("{base}{}", file.name);
    let total = *file.bytes.end();
    let mut progress = |done| event(Event::Received { file: &file.name, done, total });
    let is_right = || {
        let sha256 = cache::sha256(partial).map_err(Failure::Here)?;
        Ok::<_, Failure>((file.has(&sha256), sha256))
    };
    let keep = || keep(partial, path).map_err(|error| Failure::Here(Error::io(path, error)));
    let have = length(partial)?;
    let mut resumed = have > 0;
    // Of a file whose length is told rounded, nothing may be left to ask for.
    if resumed && file.bytes.contains(&have) && is_right()?.0 {
        return keep();
    }
    loop {
        receive(&url, partial, file, options, &mut progress)?;
        let (is_right, sha256) = is_right()?;
        if is_right {
            return keep();
        }
        discard(partial)?;
        if !resumed {
            let problem = format!("sends other bytes, of SHA-256 {}...", cache::start(&sha256));
            return Err(Failure::Lasting(problem));
        }
        // Wrong bytes may have been there before, which is no fault of this mirror.
        resumed = false;
    }
}

/// The name says that the file is complete: it has to be on the disk before.
fn keep(partial: &Path, path: &Path) -> std::io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, path)
}

/// The part of an address that tells mirrors apart.
fn host(base: &str) -> &str {
    let from = base.find("://").map_or(0, |at| at + 3);
    base[from..].find('/').map_or(base, |at| &base[..from + at])
}
