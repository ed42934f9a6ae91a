//! Files that may be compressed, told by their first bytes.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::rc::Rc;

use crate::error::Error;
use crate::files::gzip::{GzipReader, damage, is_gzip};

/// A way of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstandard,
}

impl Compression {
    /// The compression of data that begin with `start`.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if is_gzip(start) {
            Some(Compression::Gzip)
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Compression::Zstandard)
        } else {
            None
        }
    }
}

/// A reader of `input`, decompressed if need be; and true if it is. Bytes behind gzip data are left
/// out, which sets `left_out`.
///
/// # Errors
/// If `input` cannot be read, or its compression is not built in.
pub(crate) fn decompressed<'a>(
    mut input: impl BufRead + 'a,
    left_out: &Rc<Cell<bool>>,
) -> io::Result<(Box<dyn Read + 'a>, bool)> {
    Ok(match Compression::of(input.fill_buf()?) {
        None => (Box::new(input), false),
        Some(Compression::Gzip) => (Box::new(GzipReader::lenient(input, left_out.clone())), true),
        #[cfg(feature = "parquet")]
        Some(Compression::Zstandard) => {
            (Box::new(crate::files::zstd::ZstdReader::new(input)), true)
        }
        #[cfg(not(feature = "parquet"))]
        Some(Compression::Zstandard) => {
            return Err(io::Error::other(
                "is compressed by Zstandard, which this build cannot read: install narrows with \
                 --features parquet, or decompress it with zstd -d",
            ));
        }
    })
}

/// The error of a reader, which decompresses if `packed`: then errors of some kinds mean damage.
pub(crate) fn unreadable(error: io::Error, packed: bool, path: &Path) -> Error {
    match if packed { damage(error, "gzip") } else { Err(error) } {
        Ok(problem) => Error::file(path, problem),
        Err(error) => Error::io(path, error),
    }
}
