//! How a file begins, which tells its format, and what a format finds in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::dataset::halves::Parts;
use crate::error::{Error, bail};
use crate::files::regular::is_regular;

/// How much of a file is looked at.
const START: usize = 4096;

/// How a file begins.
pub(crate) struct Start {
    /// Its first bytes; of gzip data, what they decompress to.
    pub(crate) bytes: Vec<u8>,
    pub(crate) gzip: bool,
    /// The length of the file.
    pub(crate) length: u64,
}

/// What a format found, before it is split.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) parts: Parts,
    /// What the format is called.
    pub(crate) format: String,
    pub(crate) skipped: Vec<Error>,
    pub(crate) notes: Vec<String>,
}

impl Start {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        if !is_regular(path).map_err(|error| Error::io(path, error))? {
            bail!(path, "is neither a folder nor a regular file: name one that is");
        }
        let failed = |error| Error::io(path, error);
        let read = || -> Result<File, Error> { File::open(path).map_err(failed) };
        let mut bytes = Vec::with_capacity(START);
        let file = read()?;
        let length = file.metadata().map_err(failed)?.len();
        file.take(START as u64).read_to_end(&mut bytes).map_err(failed)?;
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        if gzip {
            bytes.clear();
            // Damaged data have no beginning; what reads them all says what is wrong.
            let _ = MultiGzDecoder::new(read()?).take(START as u64).read_to_end(&mut bytes);
        }
        Ok(Start { bytes, gzip, length })
    }
}
