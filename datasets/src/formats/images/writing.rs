//! Decoded images on their way into a store.

use std::io::{self, Read, Write};
use std::path::Path;

use super::listing::Listing;
use crate::dataset::provenance::Provenance;
use crate::error::Error;
use crate::files::atomic::{Spool, not_written};
use crate::formats::options::Channels;
use crate::formats::store::metadata::{LeftOut, Metadata};
use crate::formats::store::write::StoreWriter;
use crate::sample::dtype::Dtype;

/// A store in the making.
pub(super) struct Writing<'a> {
    listing: &'a Listing,
    place: &'a Path,
    size: (usize, usize),
    to: To,
    /// The files that became samples, ascending.
    files: Vec<usize>,
}

enum To {
    /// All images so far are grey, and colour may follow: one value of each pixel.
    Undecided(Spool),
    Store(Box<StoreWriter>),
}

impl<'a> Writing<'a> {
    pub(super) fn begin(
        listing: &'a Listing,
        place: &'a Path,
        size: (usize, usize),
        channels: Channels,
    ) -> Result<Self, Error> {
        let to = match channels {
            Channels::Auto => {
                To::Undecided(Spool::beside(place).map_err(|error| not_written(place, error))?)
            }
            Channels::Grey => To::Store(create(listing, place, size, 1)?),
            Channels::Rgb => To::Store(create(listing, place, size, 3)?),
        };
        Ok(Writing { listing, place, size, to, files: Vec::new() })
    }

    /// The files that became samples, ascending.
    pub(super) fn files(&self) -> &[usize] {
        &self.files
    }

    /// Appends the sample of `file`. It has three channels unless grey was asked for.
    pub(super) fn push(&mut self, file: usize, sample: &[u8], grey: bool) -> Result<(), Error> {
        if let (To::Undecided(_), false) = (&self.to, grey) {
            self.decide(3)?;
        }
        match &mut self.to {
            To::Undecided(spool) => {
                let grey: Vec<u8> = sample.iter().step_by(3).copied().collect();
                spool.write_all(&grey).map_err(|error| not_written(self.place, error))?;
            }
            To::Store(store) => put(self.listing, store, file, sample)?,
        }
        self.files.push(file);
        Ok(())
    }

    /// Turns the undecided images into a store of `channels` channels.
    fn decide(&mut self, channels: usize) -> Result<(), Error> {
        let To::Undecided(spool) = &mut self.to else { return Ok(()) };
        let failed = |error: io::Error| not_written(self.place, error);
        let mut store = create(self.listing, self.place, self.size, channels)?;
        let mut grey = vec![0; self.size.0 * self.size.1];
        let mut kept = spool.read().map_err(failed)?;
        for &file in &self.files {
            kept.read_exact(&mut grey).map_err(failed)?;
            let sample: Vec<u8> =
                grey.iter().flat_map(|&value| std::iter::repeat_n(value, channels)).collect();
            put(self.listing, &mut store, file, &sample)?;
        }
        drop(kept);
        self.to = To::Store(store);
        Ok(())
    }

    /// Completes the store.
    pub(super) fn finish(
        mut self,
        provenance: Provenance,
        left_out: Vec<LeftOut>,
    ) -> Result<(), Error> {
        self.decide(1)?;
        let end = self.listing.train;
        let held = end - self.listing.validation..end;
        let validation = self.files.iter().filter(|&file| held.contains(file)).count() as u64;
        let To::Store(store) = self.to else { unreachable!("it is decided") };
        store.finish(&Metadata {
            max_value: Some(u8::MAX),
            classes: self.listing.classes.clone(),
            unseen: self.listing.unseen as u64,
            validation,
            provenance,
            left_out,
            ..Metadata::default()
        })
    }
}

fn create(
    listing: &Listing,
    place: &Path,
    (height, width): (usize, usize),
    channels: usize,
) -> Result<Box<StoreWriter>, Error> {
    let shape = [height, width, channels];
    let shape = if channels == 1 { &shape[..2] } else { &shape };
    StoreWriter::create(place, Dtype::U8, shape, listing.labelled()).map(Box::new)
}

/// Appends the sample of `file`: those to learn from come before those for the test.
fn put(
    listing: &Listing,
    store: &mut StoreWriter,
    file: usize,
    sample: &[u8],
) -> Result<(), Error> {
    if file >= listing.train && !store.has_test() {
        store.test_begins();
    }
    store.push_bytes(sample, listing.files[file].label)
}
