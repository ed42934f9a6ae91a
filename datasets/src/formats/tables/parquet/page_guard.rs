//! Compares the length that a Parquet page promises with the length that its bytes can expand to.
//!
//! A page's header says how long its data is once decompressed, and the decoder allocates that
//! before it looks at the data: 2 GB for a page of 20 bytes. The header begins with three fields
//! that every writer has to write, in this order: the page's kind, its decompressed and its
//! compressed length.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::files::zstd;

/// No codec of the library's own does better: gzip's best is 1,032, LZ4's 255 and Snappy's 22.
const LARGEST_EXPANSION: i64 = 1032;
/// The length that any page may promise.
const ALWAYS_ALLOWED: i64 = 1 << 20;
/// The mark, in the compact encoding of Thrift, of a 32-bit integer in the next field.
const NEXT_INTEGER: u8 = 0x15;
/// The bytes of the longest integer, without the mark.
const LONGEST_INTEGER: usize = 5;

/// A Parquet file, of which only the pages of one column in one group of rows are read.
pub(crate) struct GuardedPages {
    file: Arc<File>,
    largest_expansion: i64,
    /// The decompressed length that the last page promised.
    promised: AtomicUsize,
}

impl GuardedPages {
    /// The pages of `file` are compressed by `codec`.
    pub(super) fn new(file: Arc<File>, codec: Compression) -> Self {
        let largest_expansion = match codec {
            Compression::ZSTD(_) => zstd::LARGEST_EXPANSION as i64,
            _ => LARGEST_EXPANSION,
        };
        GuardedPages { file, largest_expansion, promised: AtomicUsize::new(0) }
    }

    /// The decompressed length that the last page promised.
    pub(super) fn promised(&self) -> usize {
        self.promised.load(Ordering::Relaxed)
    }
}

impl Length for GuardedPages {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for GuardedPages {
    type T = BufReader<File>;

    /// Called where a page's header begins, and nowhere else, as long as no rows are skipped and
    /// there is no index.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file);
        let header = reader.fill_buf()?;
        let Some((promised, holds)) = lengths(header) else {
            return Err(ParquetError::General("a page does not begin with its lengths".to_owned()));
        };
        let possible = i64::from(holds).saturating_mul(self.largest_expansion).max(ALWAYS_ALLOWED);
        if i64::from(promised) > possible {
            return Err(ParquetError::General(format!(
                "a page of {holds} bytes promises {promised}"
            )));
        }
        self.promised.store(promised.try_into()?, Ordering::Relaxed);
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.file.get_bytes(start, length)
    }
}

/// The decompressed and the compressed length; `None` if this is no page's header.
fn lengths(mut header: &[u8]) -> Option<(i32, i32)> {
    let _kind = integer(&mut header)?;
    Some((integer(&mut header)?, integer(&mut header)?))
}

/// Takes a field's value off the header: 7 bits in a byte, the lowest first, the sign in the lowest
/// bit of all.
fn integer(header: &mut &[u8]) -> Option<i32> {
    header.split_off_first().filter(|&&kind| kind == NEXT_INTEGER)?;
    let mut value = 0_u64;
    for place in 0..LONGEST_INTEGER {
        let byte = *header.split_off_first()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let value = value as u32;
            return Some((value >> 1) as i32 ^ -((value & 1) as i32));
        }
    }
    None
}
