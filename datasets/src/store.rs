//! The store: samples of one shape and their labels in a file that is mapped.
//!
//! ```text
//! offset  bytes
//!      0      8  "narrowsD"
//!      8      4  version, 1                  all numbers little-endian and unsigned
//!     12      4  type of the values: 1 unsigned bytes, 2 32-bit floats
//!     16      8  samples to learn from: a
//!     24      8  samples for the test: b; 0 if the file does not say which are which
//!     32      8  values of a sample
//!     40      8  samples of a block
//!     48      4  1 if there are labels, else 0
//!     52      4  CRC-32 of the checksums of the blocks
//!     56      8  bytes of the metadata
//!     64      4  CRC-32 of the metadata
//!     68     56  zero
//!    124      4  CRC-32 of the header up to here
//!    128   3968  zero, so that values begin with a page
//!   4096         values: (a + b, values of a sample)
//!                zero, up to a multiple of 64
//!                if there are labels, 2 bytes for each sample: its class, 65535 if it has none
//!                for each block the CRC-32 of its values, 4 bytes, and of its labels, 4 bytes (0 without labels)
//!                metadata: JSON in UTF-8
//! ```
//!
//! A block is as many samples as fit into 128 KiB, at least one; the last may be shorter. (Larger
//! ones would be read no faster, and mixed less well where data are larger than memory: see
//! [`Loader`](crate::Loader).) So what is read is held against its checksum block by block, by
//! [`verify`] for the whole file. To open a file takes the header and the metadata, and therefore
//! as long for a billion samples as for ten. The metadata are at most 64 MiB.
//!
//! CRC-32 is that of gzip and PNG. It finds damage, not malice: a store from somebody who means
//! harm can hold wrong values, but nothing in it makes this crate panic, or allocate more than the
//! file's size and a few MB; of metadata a few times theirs.
//!
//! `write` makes the file under another name, and renames it when it is complete. `read` opens it.

mod read;
mod write;

pub(crate) use read::{Checksums, StoredLabels};
pub use read::{Store, verify};
pub use write::StoreWriter;

use std::fmt;
use std::path::Path;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::class_labels::MOST_CLASSES;
use crate::column::Column;
use crate::error::Error;
use crate::open::{Found, OpenOptions};
use crate::values::Dtype;

const MAGIC: &[u8; 8] = b"narrowsD";
const VERSION: u32 = 1;
/// The header, as far as it says something.
const HEADER: usize = 128;
/// Where the header's own checksum stands.
const HEADER_CRC: usize = 124;
/// Where the values begin.
const VALUES_AT: u64 = 4096;
/// What labels begin at a multiple of.
const ALIGNMENT: u64 = 64;
/// The bytes of a block, unless a sample is longer.
const BLOCK: usize = 1 << 17;
/// A block's two checksums.
const CHECKSUM: u64 = 8;
/// The longest metadata, in bytes: parsed, they take a few times as much memory.
const MOST_METADATA: u64 = 64 << 20;

/// Opens the store `path`, called `name`.
pub(crate) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    if options.labels.is_some() {
        return Err(Error::file(path, "is a store, which has its labels inside: give no others"));
    }
    Ok(Found { parts: Store::open(path, options.access)?.into_parts(name)?, ..Found::default() })
}

/// What writes stores.
pub(crate) fn packed_by() -> String {
    format!("narrows {}", env!("CARGO_PKG_VERSION"))
}

/// Whether a file that begins with `start` is a store.
pub(crate) fn recognised(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Whether the file `path` is a store, by how it begins. What cannot be read is none.
pub fn is_store(path: &Path) -> bool {
    crate::formats::Start::read(path).is_ok_and(|start| recognised(&start.bytes))
}

/// The samples of a block, where one takes so many bytes.
pub(crate) fn block_rows(row_bytes: usize) -> usize {
    (BLOCK / row_bytes.max(1)).max(1)
}

/// What a store says of its samples beside their values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The shape of a sample: `[features]`, `[height, width]` or `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// What 1.0 stands for, where values are unsigned bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<u8>,
    /// What the values of a table's samples are called, and what they mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// What the labels were called where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the classes are called, in the order of their labels: at most [`MOST_CLASSES`].
    #[serde(default, deserialize_with = "classes")]
    pub classes: Vec<String>,
    /// What a model sees of the values, as fitted to the samples to learn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<crate::Preparation>,
    /// Where the samples come from.
    pub provenance: Provenance,
}

/// Where the samples of a store come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The file or folder.
    pub source: String,
    /// Its format.
    pub format: String,
    /// What wrote the store.
    pub packed_by: String,
    /// Numbers of the source that were rounded to 32-bit floats. Of an array all that these cannot
    /// hold exactly; of a table, where decimals such as 0.1 are the rule, only those whose digits
    /// cannot be had back.
    #[serde(default)]
    pub rounded: u64,
    /// A number that changes with the source: by it a store that was made to read a file by is
    /// known to be current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// Not more than labels can tell apart: a file that names more is not believed before all of them
/// are in memory.
fn classes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct Classes;

    impl<'de> Visitor<'de> for Classes {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the names of at most {MOST_CLASSES} classes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Vec<String>, A::Error> {
            let mut classes = Vec::new();
            while let Some(name) = names.next_element()? {
                if classes.len() == MOST_CLASSES {
                    return Err(A::Error::custom(format!("more than {MOST_CLASSES} classes")));
                }
                classes.push(name);
            }
            Ok(classes)
        }
    }

    from.deserialize_seq(Classes)
}

impl Metadata {
    /// Says what is wrong with them for samples of so many values of that type: nothing that is
    /// written, and nothing that is read, passes without.
    fn check(&self, dtype: Dtype, width: u64) -> Result<(), String> {
        let values =
            self.shape.iter().try_fold(1_u64, |values, &size| values.checked_mul(size as u64));
        if values != Some(width) || !(1..=3).contains(&self.shape.len()) {
            return Err(format!(
                "says that samples have the shape {:?}, but {width} values",
                self.shape
            ));
        }
        if let Some(columns) = self.columns.as_ref().filter(|columns| columns.len() as u64 != width)
        {
            return Err(format!(
                "names {} columns, where samples have {width} values",
                columns.len()
            ));
        }
        if self.max_value == Some(0) {
            return Err("says that 0 stands for 1.0".to_owned());
        }
        if self.classes.len() > MOST_CLASSES {
            return Err(format!(
                "names {} classes, where there can be {MOST_CLASSES}",
                self.classes.len()
            ));
        }
        match &self.normalisation {
            None => Ok(()),
            Some(preparation) => {
                preparation
                    .takes(dtype, usize::try_from(width).map_err(|error| error.to_string())?)?;
                // The samples to learn from are seen by it as it is, others by the names of the
                // columns.
                match &self.columns {
                    Some(columns) if !preparation.reads(columns) => {
                        Err("has a normalisation for other columns than its own".to_owned())
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// The header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    dtype: Dtype,
    train: u64,
    test: u64,
    width: u64,
    block_rows: u64,
    labelled: bool,
    checksums_crc: u32,
    metadata_length: u64,
    metadata_crc: u32,
}

/// Where the parts of a file lie, all of them checked to be numbers that a file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    rows: u64,
    row_bytes: u64,
    blocks: u64,
    labels_at: u64,
    checksums_at: u64,
    metadata_at: u64,
    end: u64,
}

impl Header {
    /// `None` if the sizes are beyond any file's.
    fn layout(&self) -> Option<Layout> {
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

    fn to_bytes(self) -> [u8; HEADER] {
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

    /// The fields, or what is wrong with them.
    fn from_bytes(bytes: &[u8; HEADER]) -> Result<Header, String> {
        let mut rest = &bytes[8..];
        let mut four = || -> u32 {
            let (number, left) = rest.split_first_chunk().expect("the header is long enough");
            rest = left;
            u32::from_le_bytes(*number)
        };
        let version = four();
        if version != VERSION {
            return Err(format!(
                "is a store of version {version}, and version {VERSION} is read here: pack its source again"
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
