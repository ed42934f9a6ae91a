//! The header of a store, and the places of its parts.

use std::path::Path;

use crate::dataset::checked::CHECKSUM;
use crate::formats::source::Start;
use crate::sample::dtype::Dtype;

const MAGIC: &[u8; 8] = b"narrowsD";
const VERSION: u32 = 1;
/// The bytes of the header, without the zeros behind it.
pub(super) const HEADER: usize = 128;
/// Where the header's own checksum stands.
const HEADER_CRC: usize = 124;
/// Where the values begin.
pub(super) const VALUES_AT: u64 = 4096;
/// Labels begin at a multiple of it.
pub(super) const ALIGNMENT: u64 = 64;
/// The longest metadata, in bytes: parsed, they take a few times as much memory.
pub(super) const MOST_METADATA: u64 = 64 << 20;

/// Tells whether a file that begins with `start` is a store.
pub(crate) fn recognised(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Tells whether the file `path` is a store, by its first bytes. A file that cannot be read is
/// none.
pub fn is_store(path: &Path) -> bool {
    Start::read(path).is_ok_and(|start| recognised(&start.bytes))
}

/// The header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) train: u64,
    pub(super) test: u64,
    pub(super) width: u64,
    pub(super) block_rows: u64,
    pub(super) labelled: bool,
    pub(super) checksums_crc: u32,
    pub(super) metadata_length: u64,
    pub(super) metadata_crc: u32,
}

/// The places of the parts of a file, checked to be numbers that a file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) rows: u64,
    pub(super) row_bytes: u64,
    pub(super) blocks: u64,
    pub(super) labels_at: u64,
    pub(super) checksums_at: u64,
    pub(super) metadata_at: u64,
    pub(super) end: u64,
}

impl Header {
    /// `None` if the sizes are beyond any file's.
    pub(super) fn layout(&self) -> Option<Layout> {
        let rows = self.train.checked_add(self.test)?;
        let row_bytes = self.width.checked_mul(self.dtype.size() as u64)?;
        let values_end = rows.checked_mul(row_bytes)?.checked_add(VALUES_AT)?;
        let labels_at = values_end.checked_next_multiple_of(ALIGNMENT)?;
        let labels = if self.labelled { rows.checked_mul(2)? } else { 0 };
        let checksums_at = labels_at.checked_add(labels)?;
        let blocks = rows.div_ceil(self.block_rows.max(1));
        let metadata_at = checksums_at.checked_add(blocks.checked_mul(CHECKSUM)?)?;
        let end = metadata_at.checked_add(self.metadata_length)?;
        Some(Layout { rows, row_bytes, blocks, labels_at, checksums_at, metadata_at, end })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let dtype: u32 = match self.dtype {
            Dtype::U8 => 1,
            Dtype::F32 => 2,
        };
        bytes[..8].copy_from_slice(MAGIC);
        let mut at = 8;
        let mut put = |number: &[u8]| {
            bytes[at..at + number.len()].copy_from_slice(number);
            at += number.len();
        };
        put(&VERSION.to_le_bytes());
        put(&dtype.to_le_bytes());
        put(&self.train.to_le_bytes());
        put(&self.test.to_le_bytes());
        put(&self.width.to_le_bytes());
        put(&self.block_rows.to_le_bytes());
        put(&u32::from(self.labelled).to_le_bytes());
        put(&self.checksums_crc.to_le_bytes());
        put(&self.metadata_length.to_le_bytes());
        put(&self.metadata_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..HEADER_CRC]);
        bytes[HEADER_CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the fields.
    pub(super) fn from_bytes(bytes: &[u8; HEADER]) -> Result<Header, String> {
        let mut rest = &bytes[8..];
        let mut four = || -> u32 {
            let (number, left) = rest.split_first_chunk().expect("the header is long enough");
            rest = left;
            u32::from_le_bytes(*number)
        };
        let version = four();
        if version != VERSION {
            return Err(format!(
                "is a store of version {version}, and version {VERSION} is read here: pack its \
                 source again"
            ));
        }
        if crc32fast::hash(&bytes[..HEADER_CRC]).to_le_bytes() != bytes[HEADER_CRC..] {
            return Err("is damaged: its header does not fit its checksum; pack its source again"
                .to_owned());
        }
        let dtype = match four() {
            1 => Dtype::U8,
            2 => Dtype::F32,
            other => {
                return Err(format!(
                    "holds values of the unknown type {other}: pack its source again"
                ));
            }
        };
        let mut eight = || u64::from(four()) | u64::from(four()) << 32;
        let (train, test, width, block_rows) = (eight(), eight(), eight(), eight());
        let (labelled, checksums_crc) = (four(), four());
        let labelled = match labelled {
            0 | 1 => labelled == 1,
            other => {
                return Err(format!(
                    "says {other} where 1 means labels and 0 none: pack its source again"
                ));
            }
        };
        let metadata_length = u64::from(four()) | u64::from(four()) << 32;
        let metadata_crc = four();
        Ok(Header {
            dtype,
            train,
            test,
            width,
            block_rows,
            labelled,
            checksums_crc,
            metadata_length,
            metadata_crc,
        })
    }
}
