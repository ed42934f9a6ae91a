//! All samples of a data set, one after the other, as they are stored. Memory does not grow with
//! their number, and checksums are compared.

use std::ops::Range;

use super::Dataset;
use crate::error::Error;
use crate::sample::label::UNLABELLED;

impl Dataset {
    /// Calls `take` with each row's number, its stored bytes and its label, [`UNLABELLED`] where it
    /// has none.
    ///
    /// # Errors
    /// Errors of `take`; if samples or labels cannot be read, or are damaged.
    pub(crate) fn for_each_stored(
        &self,
        mut take: impl FnMut(usize, &[u8], u16) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut labels = Vec::new();
        if !self.ascends() {
            let mut sample = vec![0; self.values.row_bytes()];
            for row in 0..self.len() as u32 {
                self.gather_stored(&[row], &mut sample)?;
                self.read_labels(row..row + 1, &mut labels)?;
                take(row as usize, &sample, labels[0])?;
            }
            return Ok(());
        }
        let blocks = self.blocks();
        let mut values = Vec::new();
        for stored in (0..blocks.count).map(|index| blocks.stored(index)) {
            let rows = self.rows_within(stored.clone());
            if rows.is_empty() {
                continue;
            }
            // The whole block, even if a part of it is another data set's: checksums are for whole
            // blocks.
            values.resize(stored.len() * blocks.row_bytes, 0);
            self.read_block(stored.start, &mut values)?;
            self.read_labels(rows.clone(), &mut labels)?;
            for (row, &label) in rows.zip(&labels) {
                let at = (self.stored_row(row) - stored.start) * blocks.row_bytes;
                take(row as usize, &values[at..][..blocks.row_bytes], label)?;
            }
        }
        Ok(())
    }

    /// Calls `take` with each row's number and label, [`UNLABELLED`] where it has none.
    ///
    /// # Errors
    /// The same as of [`Dataset::for_each_stored`].
    pub(crate) fn for_each_label(
        &self,
        mut take: impl FnMut(usize, u16) -> Result<(), Error>,
    ) -> Result<(), Error> {
        const AT_A_TIME: u32 = 1 << 18;
        let mut labels = Vec::new();
        let (mut row, end) = (0, self.len() as u32);
        while row < end {
            let next = end.min(row.saturating_add(AT_A_TIME));
            self.read_labels(row..next, &mut labels)?;
            for (row, &label) in (row..next).zip(&labels) {
                take(row as usize, label)?;
            }
            row = next;
        }
        Ok(())
    }

    /// Tells whether the rows are in the order of the stored samples.
    pub(super) fn ascends(&self) -> bool {
        match &self.view {
            super::View::Range(_) => true,
            super::View::Listed(rows) => rows.is_sorted(),
        }
    }

    /// Overwrites `out` with the labels of `rows`.
    fn read_labels(&self, rows: Range<u32>, out: &mut Vec<u16>) -> Result<(), Error> {
        out.clear();
        match &self.labels {
            None => out.resize(rows.len(), UNLABELLED),
            Some((labels, start)) => {
                labels.append(start + rows.start as usize..start + rows.end as usize, out)?;
            }
        }
        Ok(())
    }
}
