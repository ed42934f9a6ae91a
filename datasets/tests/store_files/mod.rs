//! Stores made by hand, after the description of the format alone.

#![allow(dead_code, reason = "each user of it uses some")]

use std::path::Path;

use narrows_datasets::{Dataset, Error, OpenOptions, Parts, open_whole};

/// What a store says and holds.
#[derive(Clone)]
pub struct ByHand {
    pub dtype: u32,
    pub train: u64,
    pub test: u64,
    pub width: u64,
    pub block_rows: u64,
    /// Bytes of values, as in the file.
    pub values: Vec<u8>,
    pub labels: Option<Vec<u16>>,
    pub metadata: String,
}

/// Five samples of two bytes, the last two for the test, in two classes.
pub fn small() -> ByHand {
    ByHand {
        dtype: 1,
        train: 3,
        test: 2,
        width: 2,
        block_rows: 1 << 16,
        values: vec![10, 11, 20, 21, 30, 31, 40, 41, 50, 255],
        labels: Some(vec![0, 1, 65535, 1, 0]),
        metadata: metadata(r#""shape":[2],"classes":["no","yes"]"#),
    }
}

/// Metadata of these fields, and of those that have to be there.
pub fn metadata(fields: &str) -> String {
    format!(
        r#"{{{fields},"provenance":{{"source":"by hand","format":"none","packed_by":"a test"}}}}"#
    )
}

impl ByHand {
    pub fn bytes(&self) -> Vec<u8> {
        let rows = (self.train + self.test) as usize;
        let (row_bytes, block_rows) = (self.values.len() / rows, self.block_rows as usize);
        let mut checksums = Vec::new();
        for start in (0..rows).step_by(block_rows) {
            let block = start..rows.min(start + block_rows);
            checksums.extend(
                crc32(&self.values[block.start * row_bytes..block.end * row_bytes]).to_le_bytes(),
            );
            let labels =
                self.labels.as_ref().map_or(0, |labels| crc32(&label_bytes(&labels[block])));
            checksums.extend(labels.to_le_bytes());
        }
        let mut bytes = b"narrowsD".to_vec();
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(self.dtype.to_le_bytes());
        for number in [self.train, self.test, self.width, self.block_rows] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(u32::from(self.labels.is_some()).to_le_bytes());
        bytes.extend(crc32(&checksums).to_le_bytes());
        bytes.extend((self.metadata.len() as u64).to_le_bytes());
        bytes.extend(crc32(self.metadata.as_bytes()).to_le_bytes());
        bytes.resize(124, 0);
        bytes.extend(crc32(&bytes).to_le_bytes());
        bytes.resize(4096, 0);
        bytes.extend(&self.values);
        bytes.resize(bytes.len().next_multiple_of(64), 0);
        bytes.extend(label_bytes(self.labels.as_deref().unwrap_or_default()));
        bytes.extend(checksums);
        bytes.extend(self.metadata.as_bytes());
        bytes
    }
}

fn label_bytes(labels: &[u16]) -> Vec<u8> {
    labels.iter().flat_map(|label| label.to_le_bytes()).collect()
}

/// `bytes` with others in the header, whose checksum is made to fit.
pub fn with_header(bytes: &[u8], at: usize, field: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + field.len()].copy_from_slice(field);
    let crc = crc32(&bytes[..124]);
    bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The checksum of gzip and PNG, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Values as they are stored, and labels.
pub type Samples = (Vec<u8>, Option<Vec<u16>>);

/// The samples of all parts of a file, if they can be had.
pub fn read_all(path: &Path, options: &OpenOptions) -> Result<Vec<Samples>, Error> {
    let parts = match open_whole(path, options, &|_, _| {})?.data {
        Parts::Whole(data) => vec![data],
        Parts::Halves(train, test) => vec![train, test],
    };
    parts.iter().map(|data| Ok((stored(data)?, data.labels()?.map(<[u16]>::to_vec)))).collect()
}

/// The values of all samples, as they are stored.
pub fn stored(data: &Dataset) -> Result<Vec<u8>, Error> {
    let samples: Result<Vec<Vec<u8>>, Error> =
        (0..data.len()).map(|row| data.stored_bytes(row)).collect();
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    // As a model sees them: whatever comes of it is no panic.
    data.gather(&rows, &mut vec![0.0; rows.len() * data.sample_len()])?;
    Ok(samples?.concat())
}
