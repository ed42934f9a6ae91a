//! Parquet and Arrow files: tables stored column by column, as pandas, Polars and databases write
//! them.
//!
//! Reading and writing takes the feature `parquet`. A build without it recognises such a file, and
//! names the remedy.

#[cfg(feature = "parquet")]
use std::fs::File;
#[cfg(feature = "parquet")]
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

#[cfg(feature = "parquet")]
use crate::error::At as _;
use crate::error::Error;
use crate::formats::options::TableOptions;
use crate::formats::source::Start;
use crate::formats::tables::source::TableSource;

#[cfg(feature = "parquet")]
mod arrow_file;
#[cfg(feature = "parquet")]
mod arrow_unpack;
#[cfg(feature = "parquet")]
mod cells;
#[cfg(feature = "parquet")]
mod page_check;
#[cfg(feature = "parquet")]
mod page_guard;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(feature = "parquet")]
mod table;
#[cfg(all(test, feature = "parquet"))]
mod tests;
#[cfg(feature = "parquet")]
mod writer;

#[cfg(feature = "parquet")]
use table::ParquetTable;
#[cfg(feature = "parquet")]
pub(crate) use writer::ParquetWriter;

const PARQUET: &[u8] = b"PAR1";
const ENCRYPTED_PARQUET: &[u8] = b"PARE";
const ARROW_FILE: &[u8] = b"ARROW1\0\0";
const CONTINUATION: &[u8] = &[0xff; 4];

/// The kind of a file that starts with these bytes (8 are enough), if it is one of these: "a
/// Parquet file" or the like.
///
/// An Arrow stream has no magic number. Its first message begins with a mark and a plausible
/// length.
pub(crate) fn recognise(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(PARQUET) {
        Some("a Parquet file")
    } else if start.starts_with(ENCRYPTED_PARQUET) {
        Some("an encrypted Parquet file")
    } else if start.starts_with(ARROW_FILE) {
        Some("an Arrow file")
    } else if let Some(&[a, b, c, d]) =
        start.strip_prefix(CONTINUATION).and_then(|rest| rest.get(..4))
    {
        let length = i32::from_le_bytes([a, b, c, d]);
        (length > 0 && length % 8 == 0).then_some("an Arrow stream")
    } else {
        None
    }
}

/// Tells whether a file is Parquet or Arrow IPC.
pub(crate) fn is_parquet(start: &Start) -> bool {
    recognise(&start.bytes).is_some()
}

/// Opens a file of Parquet or Arrow IPC.
pub(crate) fn parquet_source(
    path: &Path,
    options: &TableOptions,
) -> Result<Box<dyn TableSource>, Error> {
    #[cfg(feature = "parquet")]
    return Ok(Box::new(ParquetTable::open(path, &options.ignore)?));
    #[cfg(not(feature = "parquet"))]
    {
        let _ = options;
        let what = recognise(&Start::read(path)?.bytes).unwrap_or("a Parquet or Arrow file");
        Err(not_built_in(path, what))
    }
}

/// The error of a build without the feature on a file that [`recognise`] calls `what`.
#[cfg_attr(feature = "parquet", allow(dead_code, reason = "only its test uses it then"))]
pub(crate) fn not_built_in(path: &Path, what: &str) -> Error {
    let advice = "install narrows with --features parquet, or convert it to CSV";
    Error::file(path, format!("is {what}, which this build cannot read: {advice}"))
}

/// The error of the decoder, on one line and not too long.
#[cfg(feature = "parquet")]
pub(crate) fn damaged(path: &Path, what: &str) -> Error {
    let what: String =
        what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(150).collect();
    Error::file(path, format!("is damaged: {what}; write or download it again"))
}

/// The place and the length of the footer of a file that ends with it, its length in four bytes,
/// and a magic number, which `check` looks at. The first `head` bytes of the file are no footer.
#[cfg(feature = "parquet")]
fn find_footer<const N: usize>(
    path: &Path,
    file: &File,
    length: u64,
    head: u64,
    check: impl FnOnce([u8; N]) -> Result<(), Error>,
) -> Result<(u64, usize), Error> {
    let Some(tail_at) = length.checked_sub(4 + N as u64) else {
        return Err(damaged(path, "it ends within its first bytes"));
    };
    let (mut promised, mut magic) = ([0; 4], [0; N]);
    read_exact_at(file, tail_at, &mut promised).at(path)?;
    read_exact_at(file, tail_at + 4, &mut magic).at(path)?;
    check(magic)?;
    let promised = u32::from_le_bytes(promised);
    match tail_at.checked_sub(u64::from(promised)).filter(|&at| at >= head) {
        Some(at) => Ok((at, promised as usize)),
        None => {
            let problem = format!("its footer promises {promised} bytes, the file has {length}");
            Err(damaged(path, &problem))
        }
    }
}

#[cfg(feature = "parquet")]
fn read_exact_at(mut file: &File, at: u64, out: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(out)
}

#[cfg(test)]
mod recognising {
    use super::*;

    #[test]
    fn files_are_recognised_by_how_they_start() {
        assert_eq!(recognise(b"PAR1\x15\x04\x15\x10"), Some("a Parquet file"));
        assert_eq!(recognise(b"PARE\x15\x04\x15\x10"), Some("an encrypted Parquet file"));
        assert_eq!(recognise(b"ARROW1\0\0\xff\xff"), Some("an Arrow file"));
        assert_eq!(recognise(b"\xff\xff\xff\xff\x30\x01\0\0"), Some("an Arrow stream"));
        for other in [
            &b""[..],
            b"PAR",
            b"par1",
            b"ARROW1",
            b"a,b\n1,2",
            b"\xff\xff\xff\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xff\xff\xff\xff\x31\x01\0\0",
        ] {
            assert_eq!(recognise(other), None, "{other:02x?}");
        }
    }

    #[test]
    fn a_build_without_the_feature_says_how_to_get_it() {
        let message =
            not_built_in(Path::new("iris.parquet"), recognise(b"PAR1").unwrap()).to_string();
        let advice = "install narrows with --features parquet, or convert it to CSV";
        assert_eq!(
            message,
            format!("iris.parquet: is a Parquet file, which this build cannot read: {advice}")
        );
    }
}
