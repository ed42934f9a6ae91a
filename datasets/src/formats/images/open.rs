//! Opening a folder of images: by what was kept of the last time, or by decoding them all.

use std::path::Path;

use super::listing::{Listing, unreadable};
use super::pass;
use super::picture::Picture;
use super::stored::{Place, Stored};
use crate::dataset::halves::{Parts, TrainTest};
use crate::error::Error;
use crate::files::data_file::Access;
use crate::formats::options::ImageOptions;
use crate::formats::source::Found;

/// Opens `dir`, called `name`; `None` if it holds no images.
pub(crate) fn open(
    dir: &Path,
    name: &str,
    options: &ImageOptions,
    access: Access,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Option<Found>, Error> {
    if let Some((height, width)) = options.size {
        let possible = 1..=ImageOptions::LARGEST_SIZE;
        if !possible.contains(&height) || !possible.contains(&width) {
            let problem = format!(
                "no sample can be {height}x{width}: ask for 1 to {} a side",
                possible.end()
            );
            return Err(Error::request(problem));
        }
    }
    let Some(listing) = Listing::read(dir)? else { return Ok(None) };
    let settings = options.settings();
    let fingerprint = listing.fingerprint(&settings);
    let places = Place::all(dir, options.cache.as_deref(), &settings)?;
    let stored = match places.iter().find_map(|place| current(place, fingerprint, &listing, access))
    {
        Some(stored) => stored,
        None => decode(&listing, options, fingerprint, &places, access, progress)?,
    };
    if let (false, Some((file, problem))) = (options.skip_bad, stored.skipped.first()) {
        return Err(unreadable(&listing, *file, problem.clone(), stored.skipped.len()));
    }
    let skipped = stored
        .skipped
        .iter()
        .map(|(file, problem)| Error::file(&listing.files[*file].path, problem.as_str()));
    let skipped = skipped.collect();
    let TrainTest { train, test } = stored.into_data(name, dir)?;
    Ok(Some(Found { parts: Parts::Halves(train, test), skipped, ..Found::default() }))
}

/// What lies at `place`, if decoding the files of `listing` would come to the same.
fn current(place: &Place, fingerprint: u64, listing: &Listing, access: Access) -> Option<Stored> {
    let stored = Stored::read(place.path(), fingerprint, listing, access)?;
    // What could not be read is tried again: permissions and mounts leave no mark on a file.
    let mut buffer = Vec::new();
    let mut is_as_before = |(file, problem): &(usize, String)| {
        let again = Picture::read(&listing.files[*file].path, &mut buffer);
        again.is_err_and(|again| again == *problem)
    };
    stored.skipped.iter().all(&mut is_as_before).then_some(stored)
}

/// Decodes all files into the first of `places` that can be written to, and opens it.
fn decode(
    listing: &Listing,
    options: &ImageOptions,
    fingerprint: u64,
    places: &[Place],
    access: Access,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Stored, Error> {
    let mut refused = None;
    for place in places {
        let mut writing = match place.begin() {
            Ok(writing) => writing,
            Err(error) => {
                refused.get_or_insert(Error::file(
                    place.path(),
                    format!("cannot be written, and the decoded images have to be kept: {error}"),
                ));
                continue;
            }
        };
        // Another process may have been at it while this one waited for its turn.
        if let Some(stored) = current(place, fingerprint, listing, access) {
            return Ok(stored);
        }
        let rows = pass::run(listing, options, &mut writing, progress)?;
        writing
            .finish(listing, &rows, fingerprint)
            .map_err(|error| Error::io(place.path(), error))?;
        return Stored::read(place.path(), fingerprint, listing, access).ok_or_else(|| {
            Error::file(place.path(), "changed while it was being written: try again")
        });
    }
    Err(refused.unwrap_or_else(|| Error::request("there is no place to keep decoded images")))
}
