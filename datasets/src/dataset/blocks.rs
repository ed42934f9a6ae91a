//! A data set as blocks of its file, to be read block by block.

use std::ops::Range;

use super::{Dataset, View};
use crate::error::Error;

/// The bytes of a step through a file whose pages are asked for.
const AHEAD: u64 = 8 << 20;

/// The blocks that a data set's samples lie in.
pub(crate) struct Blocks {
    /// The stored samples of each, but for the file's last.
    pub(crate) rows: usize,
    /// The bytes of a stored sample.
    pub(crate) row_bytes: usize,
    /// The number of blocks.
    pub(crate) count: usize,
    /// The file's number of the first of them.
    first: usize,
    /// The stored samples of the file.
    total: usize,
}

impl Blocks {
    /// The stored samples of block `index`.
    pub(crate) fn stored(&self, index: usize) -> Range<usize> {
        let start = (self.first + index) * self.rows;
        start..(start + self.rows).min(self.total)
    }
}

impl Dataset {
    /// The blocks that samples of this data set lie in. Listed samples have to ascend, and have all
    /// blocks from the first to the last.
    pub(crate) fn blocks(&self) -> Blocks {
        let stored = match &self.view {
            View::Range(range) => range.clone(),
            View::Listed(rows) => match (rows.first(), rows.last()) {
                (Some(&first), Some(&last)) => first as usize..last as usize + 1,
                _ => 0..0,
            },
        };
        let rows = self.values.block_rows();
        let (first, end) = (stored.start / rows, stored.end.div_ceil(rows));
        let count = end.saturating_sub(first);
        Blocks { rows, row_bytes: self.values.row_bytes(), count, first, total: self.values.rows }
    }

    /// Tells whether the rows lie in the file in their order, so that those of a block are
    /// neighbours.
    pub(crate) fn in_file_order(&self) -> bool {
        self.ascends() && self.values.in_a_file()
    }

    /// The rows of this data set among the `stored` samples.
    pub(crate) fn rows_within(&self, stored: Range<usize>) -> Range<u32> {
        match &self.view {
            View::Range(range) => {
                let row = |at: usize| (at.clamp(range.start, range.end) - range.start) as u32;
                row(stored.start)..row(stored.end)
            }
            View::Listed(rows) => {
                let row = |at: usize| rows.partition_point(|&row| (row as usize) < at) as u32;
                row(stored.start)..row(stored.end)
            }
        }
    }

    /// The stored sample that `row` is.
    pub(crate) fn stored_row(&self, row: u32) -> usize {
        self.view.stored(row)
    }

    /// Reads stored samples from `first` on, as many as fill `out`, and compares whole blocks with
    /// their checksums.
    pub(crate) fn read_block(&self, first: usize, out: &mut [u8]) -> Result<(), Error> {
        self.values.read_rows(first, out)
    }

    /// The bytes of all samples, as stored.
    pub(crate) fn stored_bytes_of_all(&self) -> u64 {
        self.len() as u64 * self.values.row_bytes() as u64
    }

    /// The bytes of memory that the values may take, if these are limited.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Asks the system to have all samples in memory soon. That takes as long as the disk needs.
    pub(crate) fn read_ahead(&self) {
        let row_bytes = self.values.row_bytes() as u64;
        let (start, end) = match &self.view {
            View::Range(range) => (range.start as u64 * row_bytes, range.end as u64 * row_bytes),
            View::Listed(_) => (0, self.values.total_bytes()),
        };
        let mut at = start;
        while at < end {
            let next = (at + AHEAD).min(end);
            self.values.will_need(at..next);
            at = next;
        }
    }
}
