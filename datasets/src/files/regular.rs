//! Regular files: opening one, and reading as far as it goes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::{At as _, Error};

/// The bytes that are read at once: a multiple of every element's size.
pub(crate) const PIECE: usize = 1 << 16;

/// Tells whether `path` is a regular file. Ask before opening: opening a named pipe waits for its
/// writer.
pub(crate) fn is_regular(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.is_file())
}

/// Opens `path`, which has to be a regular file, and returns its length too. Errors call it
/// `expected`.
pub(crate) fn open_regular(path: &Path, expected: &str) -> Result<(File, u64), Error> {
    if !is_regular(path).at(path)? {
        return Err(Error::file(
            path,
            match path.is_dir() {
                true => format!("is a folder, where {expected} is expected"),
                false => {
                    format!("is not a regular file, which {expected} has to be: copy it to one")
                }
            },
        ));
    }
    let file = File::open(path).at(path)?;
    let length = file.metadata().at(path)?.len();
    Ok((file, length))
}

/// Fills `buffer` as far as `reader` goes, and returns the number of bytes.
pub(crate) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(arrived) => filled += arrived,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
