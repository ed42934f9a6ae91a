//! Folders of images: PNG and JPEG files, in a folder for each class.
//!
//! ```text
//! data/train/cat/1.png        data/cat/1.png        data/train/1.png       data/1.png
//! data/train/dog/2.jpg        data/dog/2.jpg        data/test/2.png        data/2.png
//! data/test/cat/3.png
//! two halves                  split here            without labels         without labels, split here
//! ```
//!
//! 1. `listing` walks the folder, and names all files before one is read.
//! 2. `pass` decodes them in parallel (`picture`), brings them to one size (`fit`) and writes them
//!    one after the other.
//! 3. `stored` is the file that this leaves. It is mapped, and used again as long as the files have
//!    the names, sizes and times of modification that they had.

mod fit;
mod jpeg;
mod listing;
mod pass;
mod picture;
mod png;
mod stored;

use std::path::{Path, PathBuf};

use crate::data_file::Access;
use crate::error::Error;
use crate::open::Found;
use crate::parts::{Parts, TrainTest};
use listing::Listing;
use picture::Picture;
use stored::{Place, Stored};

/// The channels of the samples that images become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// One if all images are grey, in that red, green and blue are the same in every pixel; else
    /// three.
    #[default]
    Auto,
    /// One: the luma of Rec. 601, `0.299 R + 0.587 G + 0.114 B`.
    Grey,
    /// Three: red, green, blue.
    Rgb,
}

/// How a folder of images becomes samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// `(height, width)` of the samples. An image of another size is scaled, its shape kept, until
    /// it just covers that, and its centre is taken. `None`: the size that all images have.
    pub size: Option<(usize, usize)>,
    /// The channels of the samples.
    pub channels: Channels,
    /// Leave images out that cannot be read, in place of failing.
    pub skip_bad: bool,
    /// The threads that decode; 0: one for each core. Their number changes no value.
    pub threads: usize,
    /// Where to keep the decoded images. `None`: in the folder `.narrows` in the data's, or, where
    /// that cannot be written, in the platform's folder for caches.
    pub cache: Option<PathBuf>,
}

impl ImageOptions {
    /// The longest side that can be asked for.
    pub const LARGEST_SIZE: usize = 4096;

    /// Whether anything is asked for that only images in files can give.
    pub(crate) fn ask_for_images(&self) -> bool {
        self.size.is_some() || self.channels != Channels::Auto || self.skip_bad
    }

    /// What decides the decoded values beside the files: a part of a file's name.
    fn settings(&self) -> String {
        let size = self
            .size
            .map_or_else(|| "own-size".to_owned(), |(height, width)| format!("{height}x{width}"));
        let channels = match self.channels {
            Channels::Auto => "auto",
            Channels::Grey => "grey",
            Channels::Rgb => "rgb",
        };
        format!("{size}-{channels}")
    }
}

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

/// That `bad` files cannot be read, the first of them because of `problem`.
fn unreadable(listing: &Listing, first: usize, problem: String, bad: usize) -> Error {
    Error::Unreadable {
        path: listing.files[first].path.clone(),
        problem,
        bad,
        of: listing.files.len(),
    }
}
