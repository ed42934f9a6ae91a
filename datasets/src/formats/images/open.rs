//! Opening a folder of images: by the store that was kept of the last time, or by decoding them
//! all. Opening a single image.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::is_image;
use super::fit::fit;
use super::folder::{Folder, Role, role};
use super::listing::{Items, Listing, unreadable};
use super::picture::Picture;
use super::{labels, pass};
use crate::dataset::Dataset;
use crate::dataset::halves::Parts;
use crate::dataset::provenance::{Provenance, packed_by};
use crate::dataset::values::Values;
use crate::error::{At as _, Error, OneLine, bail};
use crate::files::cache;
use crate::formats::options::{Channels, ImageOptions, LabelColumn, OpenOptions, TableOptions};
use crate::formats::source::{Found, Start};
use crate::formats::store::kept::Kept;
use crate::formats::store::metadata::LeftOut;
use crate::preparation::Preparation;

const FORMAT: &str = "images in files";

/// Opens `dir`, called `name`; `None` if it holds no images.
pub(crate) fn open(
    dir: &Path,
    name: &str,
    all: &OpenOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Option<Found>, Error> {
    let (options, access) = (&all.images.settled(), all.access);
    check_size(options)?;
    let labels = all.labels.as_deref();
    let Some(mut items) = Items::read(dir, labels)? else { return Ok(None) };
    let mut label = None;
    if let Some(path) = labels {
        labels::assign(path, &all.table, dir, &mut items)?;
        if let LabelColumn::Named(column) = &all.table.label {
            label = Some(column.as_str());
        }
    } else {
        items.note_doubtful_classes();
    }
    // Where no labels are wanted, the images for the test are those to look at.
    if all.table.label != LabelColumn::Absent {
        items.learn_from_unlabelled_test();
    }
    // The separator is that of the list of labels.
    let delimiter = all.table.delimiter.filter(|_| labels.is_none());
    TableOptions { delimiter, ..all.table.clone() }.check_unused(dir, label)?;
    let mut listing = items.listing(dir)?;
    let mut notes = std::mem::take(&mut listing.notes);
    notes.extend(note_of_size(&all.images, &listing));
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
            let place = cache::place(&places, options.cache.is_some())?;
            notes.extend(place.note());
            let place = place.path();
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
    let out: HashSet<usize> = left_out.iter().map(|out| out.place).collect();
    let names = listing.names().into_iter().enumerate();
    let files: Arc<[String]> =
        names.filter(|(place, _)| !out.contains(place)).map(|(_, name)| name).collect();
    let skipped = left_out.into_iter();
    let skipped = skipped.map(|out| Error::file(&listing.files[out.place].path, out.problem));
    let (format, skipped) = (FORMAT.to_owned(), skipped.collect());
    // The store has labels for both halves or for none.
    let parts = match parts {
        Parts::Halves(train, test) => {
            let halves = [train, test].map(|half| half.with_files(files.clone()));
            let [train, test] = halves;
            Parts::Halves(train.without_void_labels()?, test.without_void_labels()?)
        }
        Parts::Whole(whole) => Parts::Whole(whole.with_files(files)),
    };
    Ok(Some(Found { parts, format, skipped, notes }))
}

/// Tells whether there is an image in `dir`, or in a folder below it.
pub(crate) fn has_images(dir: &Path) -> Result<bool, Error> {
    Ok(Folder::read(dir)?.count() > 0)
}

/// Tells whether `dir` has a folder for training, validation or the test that holds images.
pub(crate) fn has_halves(dir: &Path) -> Result<bool, Error> {
    for entry in fs::read_dir(dir).at(dir)? {
        let path = entry.at(dir)?.path();
        let is_half = matches!(role(&path), Some(Role::Half(_))) && path.is_dir();
        if is_half && Folder::read(&path)?.count() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens the image `path`, called `name`, as one sample; `None` if it is no image.
pub(crate) fn open_one(
    path: &Path,
    name: &str,
    options: &OpenOptions,
) -> Result<Option<Found>, Error> {
    if !is_image(&Start::read(path)?.bytes) {
        return Ok(None);
    }
    let images = options.images.settled();
    check_size(&images)?;
    options.table.check_unused(path, None)?;
    if options.labels.is_some() {
        bail!(path, "is one image, which takes no file of labels: name the folder that it lies in");
    }
    let picture = Picture::read(path, &mut Vec::new()).at(path)?;
    let channels = match images.channels {
        Channels::Auto if picture.is_grey() => 1,
        Channels::Grey => 1,
        Channels::Auto | Channels::Rgb => 3,
    };
    let (height, width) = images.size.unwrap_or((picture.height, picture.width));
    let values = fit(picture.with_channels(channels), height, width).values;
    let shape = [height, width, channels];
    let shape = if channels == 1 { &shape[..2] } else { &shape };
    let values = Values::bytes(values, height * width * channels);
    let preparation = Preparation::Bytes { max: u8::MAX };
    let data = Dataset::new(name.to_owned(), values, shape, preparation).at(path)?;
    let format = "image".to_owned();
    let provenance = Provenance {
        source: OneLine(path).to_string(),
        format: format.clone(),
        packed_by: packed_by(),
        ..Provenance::default()
    };
    let files = Arc::from([OneLine(Path::new(name)).to_string()]);
    let parts = Parts::Whole(data.with_provenance(provenance).with_files(files));
    Ok(Some(Found { parts, format, ..Found::default() }))
}

/// A note that images are scaled because of the model, if the first that can be read is.
fn note_of_size(options: &ImageOptions, listing: &Listing) -> Option<String> {
    let [height, width, _] = options.known.filter(|_| options.size.is_none())?;
    let mut buffer = Vec::new();
    let mut pictures = listing.files.iter().map(|file| Picture::read(&file.path, &mut buffer));
    let first = pictures.find_map(Result::ok)?;
    ((first.height, first.width) != (height, width))
        .then(|| format!("images are brought to the size that the model takes, {height}x{width}"))
}

fn check_size(options: &ImageOptions) -> Result<(), Error> {
    if let Some((height, width)) = options.size {
        let possible = 1..=ImageOptions::LARGEST_SIZE;
        if !possible.contains(&height) || !possible.contains(&width) {
            bail!("no sample can be {height}x{width}: ask for 1 to {} a side", possible.end());
        }
    }
    Ok(())
}
