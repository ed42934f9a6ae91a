//! Opening a folder of images: by the store that was kept of the last time, or by decoding them
//! all.

use std::path::{Path, PathBuf};

use super::listing::{Listing, unreadable};
use super::pass;
use super::picture::Picture;
use crate::dataset::provenance::{Provenance, packed_by};
use crate::error::{Error, bail};
use crate::files::cache;
use crate::files::data_file::Access;
use crate::formats::options::ImageOptions;
use crate::formats::source::Found;
use crate::formats::store::kept::Kept;
use crate::formats::store::metadata::LeftOut;

const FORMAT: &str = "images in files";

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
            bail!("no sample can be {height}x{width}: ask for 1 to {} a side", possible.end());
        }
    }
    let Some(listing) = Listing::read(dir)? else { return Ok(None) };
    let settings = options.settings();
    let fingerprint = format!("{:016x}", listing.fingerprint(&settings));
    let places = cache::places(dir, options.cache.as_deref(), &settings)?;
    // Unreadable files are tried again: permissions and mounts leave no mark on a file.
    let kept = |place: &PathBuf| {
        let kept = Kept::find(place, name, &fingerprint, access)?;
        let mut buffer = Vec::new();
        let mut as_before = |out: &LeftOut| {
            let file = listing.files.get(out.place);
            file.is_some_and(|file| {
                Picture::read(&file.path, &mut buffer).is_err_and(|again| again == out.problem)
            })
        };
        kept.metadata.left_out.iter().all(&mut as_before).then_some(kept)
    };
    let Kept { metadata, parts } = match places.iter().find_map(kept) {
        Some(kept) => kept,
        None => {
            let place = cache::writable(&places)?;
            let provenance = Provenance {
                source: name.to_owned(),
                format: FORMAT.to_owned(),
                packed_by: packed_by(),
                fingerprint: Some(fingerprint.clone()),
                ..Provenance::default()
            };
            pass::run(&listing, options, place, provenance, progress)?;
            Kept::open(place, name, &fingerprint, access)?
        }
    };
    let left_out = metadata.left_out;
    if let (false, Some(first)) = (options.skip_bad, left_out.first()) {
        return Err(unreadable(&listing, first.place, &first.problem, left_out.len()));
    }
    let skipped = left_out.into_iter();
    let skipped = skipped.map(|out| Error::file(&listing.files[out.place].path, out.problem));
    let (format, skipped) = (FORMAT.to_owned(), skipped.collect());
    Ok(Some(Found { parts, format, skipped, ..Found::default() }))
}
