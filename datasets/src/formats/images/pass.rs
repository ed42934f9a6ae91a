//! All images of a folder, decoded in parallel and written one after the other.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::fit::fit;
use super::listing::{Listing, Source, unreadable};
use super::picture::Picture;
use super::writing::Writing;
use crate::dataset::provenance::Provenance;
use crate::error::{Error, OneLine, Problem, Remedy, bail};
use crate::formats::options::{Channels, ImageOptions};
use crate::formats::store::metadata::LeftOut;

/// The decoded images that are held before they are written: few enough for memory, enough for all
/// threads.
const BYTES_AT_A_TIME: usize = 32 << 20;
const IMAGES_AT_A_TIME: usize = 4096;

/// The outcome of reading a file.
enum Outcome {
    /// A sample, which may be grey.
    Read { grey: bool },
    /// No sample, and the problem.
    Bad(String),
    /// Its size, which is not the one asked for.
    OtherSize((usize, usize)),
}

/// Decodes the files of `listing` into the store `place`. `progress` gets the number of files read
/// so far, and the number of all, from any thread.
pub(super) fn run(
    listing: &Listing,
    options: &ImageOptions,
    place: &Path,
    provenance: Provenance,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), Error> {
    let files = &listing.files;
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool =
        pool.map_err(|error| Error::request(format!("no threads to decode images by: {error}")))?;
    let (first, (height, width)) = match options.size {
        Some(size) => (None, size),
        None => match first_size(files) {
            Ok((first, size)) => (Some(first), size),
            Err(problem) => return Err(unreadable(listing, 0, &problem, files.len())),
        },
    };
    let channels = if options.channels == Channels::Grey { 1 } else { 3 };
    let sample_len = height * width * channels;
    let at_a_time = images_at_a_time(sample_len, pool.current_num_threads());
    let mut samples = vec![0; at_a_time.min(files.len()) * sample_len];
    let done = AtomicUsize::new(0);
    let mut writing = Writing::begin(listing, place, (height, width), options.channels)?;
    let mut left_out: Vec<LeftOut> = Vec::new();
    for (part, sources) in files.chunks(at_a_time).enumerate() {
        let outcomes: Vec<Outcome> = pool.install(|| {
            let work = sources.par_iter().zip(samples.par_chunks_mut(sample_len));
            let outcomes = work.map_init(Vec::new, |buffer, (source, sample)| {
                let outcome =
                    read(&source.path, buffer, (height, width), first.is_none(), channels, sample);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
                outcome
            });
            outcomes.collect()
        });
        for (at, (outcome, sample)) in
            outcomes.into_iter().zip(samples.chunks_exact(sample_len)).enumerate()
        {
            let file = part * at_a_time + at;
            match outcome {
                Outcome::Read { grey } => writing.push(file, sample, grey)?,
                Outcome::Bad(problem) => left_out.push(LeftOut { place: file, problem }),
                Outcome::OtherSize((h, w)) => {
                    let first = OneLine(&files[first.unwrap_or(0)].path);
                    let problem =
                        format!("is {h}x{w}, where {first} is {height}x{width}: ask for one size");
                    let problem = Problem::with(problem, Remedy::OneSize);
                    return Err(Error::file(&files[file].path, problem));
                }
            }
        }
    }
    if let (false, Some(first)) = (options.skip_bad, left_out.first()) {
        return Err(unreadable(listing, first.place, &first.problem, left_out.len()));
    }
    check_classes(listing, writing.files())?;
    writing.finish(provenance, left_out)
}

/// The images that are decoded before any is written.
fn images_at_a_time(sample_len: usize, threads: usize) -> usize {
    (BYTES_AT_A_TIME / sample_len).min(IMAGES_AT_A_TIME).max(2 * threads)
}

/// The first file that can be read, and its size; else the problem with the very first.
fn first_size(files: &[Source]) -> Result<(usize, (usize, usize)), String> {
    let mut buffer = Vec::new();
    let mut problem = None;
    for (at, file) in files.iter().enumerate() {
        match Picture::read(&file.path, &mut buffer) {
            Ok(picture) => return Ok((at, (picture.height, picture.width))),
            Err(wrong) => _ = problem.get_or_insert(wrong),
        }
    }
    Err(problem.unwrap_or_default())
}

/// Reads a file into `sample`: (height, width, channels).
fn read(
    path: &Path,
    buffer: &mut Vec<u8>,
    (height, width): (usize, usize),
    scale: bool,
    channels: usize,
    sample: &mut [u8],
) -> Outcome {
    let picture = match Picture::read(path, buffer) {
        Ok(picture) => picture,
        Err(problem) => return Outcome::Bad(problem),
    };
    if !scale && (picture.height, picture.width) != (height, width) {
        return Outcome::OtherSize((picture.height, picture.width));
    }
    let grey = picture.is_grey();
    // Fewer channels are less to scale, and grey scales to grey.
    let picture = if grey { picture.with_channels(1) } else { picture.with_channels(channels) };
    let picture = fit(picture, height, width).with_channels(channels);
    sample.copy_from_slice(&picture.values);
    Outcome::Read { grey }
}

/// Checks that the images left of each class are enough: one to learn from, and, if some are for
/// the test, one for the test of all.
fn check_classes(listing: &Listing, read: &[usize]) -> Result<(), Error> {
    let learnt = listing.learnt();
    // The last is that of images without a label.
    let of = |file: &Source| usize::from(file.label).min(listing.classes.len());
    let mut left = vec![0; listing.classes.len() + 1];
    read.iter().filter_map(|&file| learnt.get(file)).for_each(|file| left[of(file)] += 1);
    if let Some(file) = learnt.iter().find(|file| left[of(file)] == 0) {
        let folder = file.path.parent().unwrap_or(&file.path);
        bail!(
            folder,
            "holds no image to learn from that can be read: mend its files, or remove it"
        );
    }
    if let Some(first) = listing.files.get(listing.train)
        && read.last().is_none_or(|&file| file < listing.train)
    {
        bail!(
            &first.path,
            "cannot be read, and neither can any other image for the test: mend them"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::images_at_a_time;

    #[test]
    fn all_threads_have_work_however_many_they_are() {
        assert_eq!(images_at_a_time(1, 2), 4096);
        assert_eq!(images_at_a_time(16 << 10, 2), 2048);
        assert_eq!(images_at_a_time(50 << 20, 2), 4);
        assert_eq!(images_at_a_time(1, 5000), 10_000);
    }
}
