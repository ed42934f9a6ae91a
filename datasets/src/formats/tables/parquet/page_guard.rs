//! Compares the length that a Parquet page promises with the length that its bytes can expand to.
//!
//! A page's header says how long its data is once decompressed, and the decoder allocates that
//! before it looks at the data: 2 GB for a page of 20 bytes. The header begins with three fields
//! that every writer has to write, in this order: the page's kind, its decompressed and its
//! compressed length.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// No codec that is built in does better: gzip's best is 1,032, LZ4's 255 and Snappy's 22.
const LARGEST_EXPANSION: i64 = 1032;
/// The length that any page may promise.
const ALWAYS_ALLOWED: i64 = 1 << 20;
/// The mark, in the compact encoding of Thrift, of a 32-bit integer in the next field.
const NEXT_INTEGER: u8 = 0x15;
/// The bytes of the longest integer, without the mark.
const LONGEST_INTEGER: usize = 5;

/// A Parquet file, of which only pages are read any more.
pub(crate) struct GuardedPages(pub(crate) File);

impl Length for GuardedPages {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for GuardedPages {
    type T = BufReader<File>;

    /// Called where a page's header begins, and nowhere else, as long as no rows are skipped and
    /// there is no index.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file);
        let header = reader.fill_buf()?;
        let Some((promised, holds)) = lengths(header) else {
            return Err(ParquetError::General("a page does not begin with its lengths".to_owned()));
        };
        let possible = i64::from(holds).saturating_mul(LARGEST_EXPANSION).max(ALWAYS_ALLOWED);
        if i64::from(promised) > possible {
            return Err(ParquetError::General(format!(
                "a page of {holds} bytes promises {promised}"
            )));
        }
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.0.get_bytes(start, length)
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
