//! Values and labels that are checked, block by block, as they are read.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, bail};
use crate::files::data_file::DataFile;
use crate::sample::label::UNLABELLED;

/// The bytes of a block, unless a sample is longer.
pub(crate) const BLOCK: usize = 1 << 17;
/// A block's two checksums.
pub(crate) const CHECKSUM: u64 = 8;

/// The samples of a block, if one takes `row_bytes` bytes.
pub(crate) fn block_rows(row_bytes: usize) -> usize {
    (BLOCK / row_bytes.max(1)).max(1)
}

/// The checksums of a store's blocks, read when they are first asked for: 8 bytes for each 128 KiB.
#[derive(Clone, Debug)]
pub(crate) struct Checksums {
    pub(crate) block_rows: usize,
    pub(crate) at: u64,
    pub(crate) length: usize,
    pub(crate) crc: u32,
    pub(crate) loaded: OnceLock<Vec<[u32; 2]>>,
}

impl Checksums {
    pub(crate) fn blocks(&self, file: &DataFile) -> Result<&[[u32; 2]], Error> {
        if let Some(blocks) = self.loaded.get() {
            return Ok(blocks);
        }
        // No longer than the file is.
        let mut bytes = vec![0; self.length];
        file.read_at(self.at, &mut bytes)?;
        if crc32fast::hash(&bytes) != self.crc {
            bail!(
                file.path(),
                "is damaged: the checksums of its blocks do not fit theirs; pack its source again"
            );
        }
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let blocks =
            bytes.chunks_exact(8).map(|block| [number(&block[..4]), number(&block[4..])]).collect();
        Ok(self.loaded.get_or_init(|| blocks))
    }

    /// Checks `bytes`, the values of whole samples from row `first` on, by the checksums of the
    /// blocks that lie in them as a whole.
    pub(crate) fn check_values(
        &self,
        file: &DataFile,
        first: usize,
        rows: usize,
        row_bytes: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let blocks = self.blocks(file)?;
        let end = first + bytes.len() / row_bytes;
        let mut block = first.div_ceil(self.block_rows);
        loop {
            let from = block * self.block_rows;
            let to = (from + self.block_rows).min(rows);
            if from >= to || to > end {
                return Ok(());
            }
            let values = &bytes[(from - first) * row_bytes..(to - first) * row_bytes];
            if crc32fast::hash(values) != blocks[block][0] {
                return Err(damaged(file.path(), from, to));
            }
            block += 1;
        }
    }
}

/// The error that the samples from `from` up to `to` are damaged.
pub(crate) fn damaged(path: &Path, from: usize, to: usize) -> Error {
    let problem = format!("is damaged: samples {from} to {} do not fit their checksum", to - 1);
    Error::file(path, format!("{problem}; pack its source again"))
}

/// Labels that are still in their file.
#[derive(Debug)]
pub(crate) struct StoredLabels {
    pub(crate) file: Arc<DataFile>,
    pub(crate) at: u64,
    pub(crate) rows: usize,
    pub(crate) classes: usize,
    pub(crate) checksums: Checksums,
}

impl StoredLabels {
    /// Appends the labels of the samples `range` to `out`. The blocks that they lie in are read and
    /// checked.
    pub(crate) fn append(&self, range: Range<usize>, out: &mut Vec<u16>) -> Result<(), Error> {
        let rows = self.checksums.block_rows;
        let checksums = self.checksums.blocks(&self.file)?;
        let blocks = range.start / rows..range.end.div_ceil(rows);
        let first = blocks.start * rows;
        let (start, count) = (out.len(), (blocks.end * rows).min(self.rows) - first);
        // Two bytes for each sample, and the file has them.
        out.resize(start + count, 0);
        let labels = &mut out[start..];
        self.file.read_positioned(self.at + 2 * first as u64, bytemuck::cast_slice_mut(labels))?;
        self.file.check()?;
        for ((block, [_, expected]), labels) in
            blocks.clone().zip(&checksums[blocks]).zip(labels.chunks(rows))
        {
            let from = block * rows;
            if crc32fast::hash(bytemuck::cast_slice(labels)) != *expected {
                return Err(damaged(self.file.path(), from, from + labels.len()));
            }
            check_labels(&self.file, labels, from, self.classes)?;
        }
        out.truncate(start + range.end - first);
        out.drain(start..start + range.start - first);
        Ok(())
    }
}

/// Refuses labels, of samples from `first` on, that name no class.
fn check_labels(
    file: &DataFile,
    labels: &[u16],
    first: usize,
    classes: usize,
) -> Result<(), Error> {
    match labels.iter().position(|&label| label != UNLABELLED && usize::from(label) >= classes) {
        None => Ok(()),
        Some(at) => bail!(
            file.path(),
            "sample {} has the label {}, where there are {classes} classes: pack its source again",
            first + at,
            labels[at]
        ),
    }
}
