//! Compressed data: how gzip is recognised, and how damage shows.

use std::io;

/// Tells whether data that begin with `start` are gzip data.
pub(crate) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// The damage of data of `kind` ("gzip", "zip") that a decoder's error means. Decoders report it as
/// errors of kinds that reading a regular file never gives; any other error is given back.
pub(crate) fn damage(error: io::Error, kind: &str) -> Result<String, io::Error> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Ok(format!("is cut off: its {kind} data ends early; download it again"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Ok(format!("is damaged: {error}; download it again"))
        }
        _ => Err(error),
    }
}
