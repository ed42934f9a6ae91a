//! The start of a file, which tells its format, and the data that a format finds in it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::dataset::halves::Parts;
use crate::error::{At as _, Error, bail};
use crate::files::gzip::{GzipReader, is_gzip};
use crate::files::regular::is_regular;

/// The bytes of a file that are looked at.
const START: usize = 4096;

/// The start of a file.
pub(crate) struct Start {
    /// Its first bytes, decompressed if they are gzip data.
    pub(crate) bytes: Vec<u8>,
    pub(crate) gzip: bool,
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
        let gzip = is_gzip(&bytes);
        if gzip {
            bytes.clear();
            // Damaged data have no beginning. The reader of the whole file names the damage.
            let compressed = BufReader::new(read()?);
            let _ = GzipReader::new(compressed).take(START as u64).read_to_end(&mut bytes);
        }
        Ok(Start { bytes, gzip, length })
    }
}
