//! The values of a data set, in memory or in a file.

use std::sync::{Arc, OnceLock};

use crate::dataset::checked::Checksums;
use crate::error::Error;
use crate::files::data_file::{Access, DataFile};
use crate::preparation::convert::prefetch;
use crate::sample::dtype::Dtype;

// The bytes of files are taken for the bytes of memory.
#[cfg(target_endian = "big")]
compile_error!("data sets are read on little-endian machines only");

/// The values of all samples, one sample after the other.
pub(crate) struct Values {
    pub(crate) dtype: Dtype,
    /// The values of a sample.
    pub(crate) width: usize,
    /// The samples.
    pub(crate) rows: usize,
    place: Place,
    /// [`Values::checksum`], once it was asked for.
    checksum: OnceLock<u32>,
}

enum Place {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
    /// From this offset on, in a file that was found to be long enough.
    File {
        file: Arc<DataFile>,
        at: u64,
        checksums: Option<Arc<Checksums>>,
    },
}

/// The blocks of [`Values::checksum`]: 64 MiB, which take some hundredths of a second.
const MOST_BLOCKS: usize = 512;

/// The most bytes that are read at once where samples are read and not mapped.
const PIECE: usize = 16 << 10;
/// The most bytes between two samples that are read along with them: the system reads whole pages.
const GAP: usize = 4 << 10;

impl Values {
    /// `width` is not zero and divides the length.
    pub(crate) fn bytes(values: Vec<u8>, width: usize) -> Self {
        Values::new(Dtype::U8, width, values.len() / width, Place::Bytes(values))
    }

    /// `width` is not zero and divides the length.
    pub(crate) fn floats(values: Vec<f32>, width: usize) -> Self {
        Values::new(Dtype::F32, width, values.len() / width, Place::Floats(values))
    }

    /// The caller has checked that `file` holds so many values from `at` on.
    pub(crate) fn in_file(
        file: Arc<DataFile>,
        at: u64,
        dtype: Dtype,
        width: usize,
        rows: usize,
    ) -> Self {
        Values::new(dtype, width, rows, Place::File { file, at, checksums: None })
    }

    fn new(dtype: Dtype, width: usize, rows: usize, place: Place) -> Self {
        Values { dtype, width, rows, place, checksum: OnceLock::new() }
    }

    /// These values, whose blocks have such checksums.
    pub(crate) fn with_checksums(mut self, of: Checksums) -> Self {
        if let Place::File { checksums, .. } = &mut self.place {
            *checksums = Some(Arc::new(of));
        }
        self
    }

    /// The bytes of a sample.
    pub(crate) fn row_bytes(&self) -> usize {
        self.width * self.dtype.size()
    }

    /// The bytes of all samples.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.rows as u64 * self.row_bytes() as u64
    }

    /// All bytes, where they are in memory or mapped.
    fn all(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Bytes(values) => Some(values),
            Place::Floats(values) => Some(bytemuck::cast_slice(values)),
            Place::File { file, at, .. } => {
                file.mapped().map(|bytes| &bytes[*at as usize..][..self.total_bytes() as usize])
            }
        }
    }

    /// Calls `take` for each row of `rows` with its place in `rows`, the place of the first byte
    /// within the sample, and bytes of the sample: all at once, or, if the file is read and the
    /// sample is long, piece by piece. By [`Access::Read`] a file is read even if it is mapped:
    /// pages that are read through the map count as memory of this process.
    ///
    /// An error if the file cannot be read any more, or was changed: then no bytes that `take` got
    /// are to be used.
    #[inline]
    pub(crate) fn visit(
        &self,
        access: Access,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
        mut take: impl FnMut(usize, usize, &[u8]),
    ) -> Result<(), Error> {
        let length = self.row_bytes();
        let Some(bytes) = self.all().filter(|_| access == Access::Map || !self.in_a_file()) else {
            return self.read_each(rows, take);
        };
        let sample = |row: usize| &bytes[row * length..][..length];
        // Shuffled rows lie anywhere, where no processor guesses the next: a sample would spend
        // two thirds of its time waiting for memory. Of 784 bytes, from 300 MB (AMD EPYC, Zen
        // 4), 100 samples take 22.8 us as they come, 12.7 us fetched two ahead into the first
        // level, 10.0 us into the second, which can wait for more lines at a time, and 8.9 us
        // four ahead. Eight ahead gains no more, and loses where samples are long.
        let mut ahead = rows.clone().skip(4);
        for (i, row) in rows.enumerate() {
            if let Some(ahead) = ahead.next() {
                prefetch(sample(ahead));
            }
            take(i, 0, sample(row));
        }
        self.check()
    }

    /// [`Values::visit`] by positioned reads: samples that lie close to each other, and in the
    /// order of the file, are read at once.
    fn read_each(
        &self,
        rows: impl Iterator<Item = usize> + Clone,
        mut take: impl FnMut(usize, usize, &[u8]),
    ) -> Result<(), Error> {
        let Place::File { file, at, .. } = &self.place else {
            unreachable!("all other values are in memory")
        };
        let length = self.row_bytes();
        let mut piece = [0; PIECE];
        let mut rows = rows.enumerate();
        while let Some((i, first)) = rows.clone().next() {
            let mut last = first;
            let near = |&(_, row): &(usize, usize)| {
                assert!(row < self.rows, "row {row} of {}", self.rows);
                let near = row >= last
                    && (row - last).saturating_sub(1) * length <= GAP
                    && (row + 1 - first) * length <= PIECE;
                last = if near { row } else { last };
                near
            };
            let count = rows.clone().take_while(near).count();
            let start = at + (first * length) as u64;
            if count == 0 {
                for from in (0..length).step_by(PIECE) {
                    let piece = &mut piece[..PIECE.min(length - from)];
                    file.read_positioned(start + from as u64, piece)?;
                    take(i, from, piece);
                }
                rows.next();
                continue;
            }
            let samples = &mut piece[..(last + 1 - first) * length];
            file.read_positioned(start, samples)?;
            for (i, row) in rows.by_ref().take(count) {
                take(i, 0, &samples[(row - first) * length..][..length]);
            }
        }
        self.check()
    }

    /// Reads consecutive samples from `first` on into `out`, as many as fill it, by a positioned
    /// read. Whole blocks are compared with their checksums, if the file has some.
    pub(crate) fn read_rows(&self, first: usize, out: &mut [u8]) -> Result<(), Error> {
        let start = first * self.row_bytes();
        match &self.place {
            Place::File { file, at, checksums } => {
                file.read_positioned(at + start as u64, out)?;
                file.check()?;
                match checksums {
                    Some(checksums) => {
                        checksums.check_values(file, first, self.rows, self.row_bytes(), out)
                    }
                    None => Ok(()),
                }
            }
            _ => {
                let all = self.all().unwrap_or_default();
                out.copy_from_slice(&all[start..][..out.len()]);
                Ok(())
            }
        }
    }

    /// A checksum of the stored values, computed once: of all of them up to 64 MiB. Of more, it is
    /// that of the blocks' checksums if the file has some, and of 512 blocks spread evenly if not.
    pub(crate) fn checksum(&self) -> Result<u32, Error> {
        if let Some(checksum) = self.checksum.get() {
            return Ok(*checksum);
        }
        let (rows_of_block, mut hasher) = (self.block_rows(), crc32fast::Hasher::new());
        let blocks = self.rows.div_ceil(rows_of_block);
        match &self.place {
            Place::File { file, checksums: Some(checksums), .. } if blocks > MOST_BLOCKS => {
                for block in checksums.blocks(file)? {
                    hasher.update(&block[0].to_le_bytes());
                }
            }
            _ => {
                let mut bytes = Vec::new();
                for i in 0..blocks.min(MOST_BLOCKS) {
                    let first = i * blocks / blocks.min(MOST_BLOCKS) * rows_of_block;
                    let rows = rows_of_block.min(self.rows - first);
                    bytes.resize(rows * self.row_bytes(), 0);
                    self.read_rows(first, &mut bytes)?;
                    hasher.update(&bytes);
                }
            }
        }
        Ok(*self.checksum.get_or_init(|| hasher.finalize()))
    }

    /// The rows of a block, which are read at once if the data are larger than memory.
    pub(crate) fn block_rows(&self) -> usize {
        match &self.place {
            Place::File { checksums: Some(checksums), .. } => checksums.block_rows,
            _ => crate::dataset::checked::block_rows(self.row_bytes()),
        }
    }

    /// Tells whether the values lie in a file.
    pub(crate) fn in_a_file(&self) -> bool {
        matches!(self.place, Place::File { .. })
    }

    /// Asks the system to have these bytes of the values in memory soon.
    pub(crate) fn will_need(&self, bytes: std::ops::Range<u64>) {
        if let Place::File { file, at, .. } = &self.place {
            file.will_need(at + bytes.start..at + bytes.end);
        }
    }

    /// An error if the file was changed since it was opened.
    fn check(&self) -> Result<(), Error> {
        match &self.place {
            Place::File { file, .. } => file.check(),
            _ => Ok(()),
        }
    }
}
