//! The start of a file, which tells its format, and the data that a format finds in it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use crate::dataset::halves::Parts;
use crate::error::{At as _, Error, bail};
use crate::files::compressed::{Compression, decompressed, unreadable};
use crate::files::regular::is_regular;

/// The bytes of a file that are looked at.
const START: usize = 4096;

/// The start of a file.
pub(crate) struct Start {
    /// Its first bytes, decompressed if they are compressed.
    pub(crate) bytes: Vec<u8>,
    pub(crate) compression: Option<Compression>,
    /// The length of the file.
    pub(crate) length: u64,
}

/// The data that a format found, before they are split.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) parts: Parts,
    /// The name of the format.
    pub(crate) format: String,
    pub(crate) skipped: Vec<Error>,
    pub(crate) notes: Vec<String>,
}

impl Start {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        if !is_regular(path).at(path)? {
            bail!(path, "is neither a folder nor a regular file: name one that is");
        }
        let read = || -> Result<File, Error> { File::open(path).at(path) };
        let mut bytes = Vec::with_capacity(START);
        let file = read()?;
        let length = file.metadata().at(path)?.len();
        file.take(START as u64).read_to_end(&mut bytes).at(path)?;
        let compression = Compression::of(&bytes);
        if compression.is_some() {
            bytes.clear();
            let (reader, _) = decompressed(BufReader::new(read()?), &Rc::default()).at(path)?;
            // Where damage comes later, the reader of the whole file names it.
            let read = reader.take(START as u64).read_to_end(&mut bytes);
            if let Err(error) = read
                && bytes.is_empty()
            {
                return Err(unreadable(error, true, path));
            }
        }
        Ok(Start { bytes, compression, length })
    }
}
