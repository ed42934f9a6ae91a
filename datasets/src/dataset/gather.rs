//! Samples by their rows: as a model sees them, or as they are stored.

use std::ops::Range;

use crate::dataset::Dataset;
use crate::dataset::rows::Sample;
use crate::error::Error;
use crate::files::data_file::Access;
use crate::preparation::prepare::Prepare;
use crate::sample::dtype::Dtype;

/// The bytes of stored samples that are read at once.
pub(crate) const AT_A_TIME: usize = 1 << 20;

impl Dataset {
    /// Writes the samples `rows` to `out`, of the shape `(rows.len(), sample_len)`, as a model sees
    /// them. Bytes become `value / max_value`, an `f32` in `[0, 1]`, correctly rounded, and
    /// therefore the same bits on every machine. Allocates nothing, but for a buffer of one sample
    /// of a table, once in a thread.
    ///
    /// # Errors
    /// If the file of the values cannot be read any more, or was changed: then `out` is not to be
    /// used.
    ///
    /// # Panics
    /// If a row is not there, or `out` has another length.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) -> Result<(), Error> {
        self.gather_by(Access::Map, rows, out)
    }

    /// [`gather`](Dataset::gather) for one pass over rows in their order, such as a prediction.
    /// The file is read and not mapped, so that the memory of this process does not grow with the
    /// rows.
    ///
    /// # Errors
    /// The same.
    ///
    /// # Panics
    /// The same.
    pub fn gather_in_passing(&self, rows: &[u32], out: &mut [f32]) -> Result<(), Error> {
        self.gather_by(Access::Read, rows, out)
    }

    fn gather_by(&self, access: Access, rows: &[u32], out: &mut [f32]) -> Result<(), Error> {
        let length = self.sample_len();
        assert_eq!(out.len(), rows.len() * length, "out holds one sample a row");
        let mut prepare = Prepare::new(&self.preparation, self.values.row_bytes());
        let stored = rows.iter().map(|&row| self.view.stored(row));
        self.values.visit(access, stored, |i, start, bytes| {
            prepare.run(start, bytes, &mut out[i * length..][..length]);
        })
    }

    /// Writes `samples` of a window to `out`, as [`Dataset::gather`] does. `bytes` holds the stored
    /// samples of the window.
    pub(crate) fn gather_window(&self, bytes: &[u8], samples: &[Sample], out: &mut [f32]) {
        let (length, row_bytes) = (self.sample_len(), self.values.row_bytes());
        assert_eq!(out.len(), samples.len() * length, "out holds one sample a row");
        let mut prepare = Prepare::new(&self.preparation, row_bytes);
        for (sample, out) in samples.iter().zip(out.chunks_exact_mut(length)) {
            prepare.run(0, &bytes[sample.place as usize * row_bytes..][..row_bytes], out);
        }
    }

    /// Writes the stored bytes of the samples `rows` to `out`, of the shape `(rows.len(), values of
    /// a sample)`: `u8`, or little-endian `f32`, as [`dtype`](Dataset::dtype) says.
    ///
    /// # Errors
    /// The same as of [`Dataset::gather`].
    ///
    /// # Panics
    /// The same.
    pub fn gather_stored(&self, rows: &[u32], out: &mut [u8]) -> Result<(), Error> {
        self.gather_stored_by(Access::Map, rows, out)
    }

    pub(super) fn gather_stored_by(
        &self,
        access: Access,
        rows: &[u32],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let length = self.values.row_bytes();
        assert_eq!(out.len(), rows.len() * length, "out holds one sample a row");
        let stored = rows.iter().map(|&row| self.view.stored(row));
        self.values.visit(access, stored, |i, start, bytes| {
            out[i * length + start..][..bytes.len()].copy_from_slice(bytes);
        })
    }

    /// The stored bytes of one sample, as [`Dataset::gather_stored`] has them.
    ///
    /// # Errors
    /// The same.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn stored_bytes(&self, row: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.values.row_bytes()];
        self.gather_stored(&[u32::try_from(row).expect("a row's number has 32 bits")], &mut bytes)?;
        Ok(bytes)
    }

    /// Calls `take` with the number and the stored floats of each of `rows`. About `bytes` bytes
    /// are read at once, and none through a map.
    ///
    /// # Errors
    /// Errors of `take`; the same as of [`Dataset::gather`].
    ///
    /// # Panics
    /// If the stored values are bytes.
    pub(crate) fn for_each_stored_floats(
        &self,
        rows: Range<usize>,
        bytes: usize,
        mut take: impl FnMut(usize, &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        assert!(self.dtype() == Dtype::F32, "bytes are stored");
        let batch = (bytes / self.values.row_bytes()).clamp(1, self.len().max(1));
        let mut values = vec![0.0_f32; batch * self.values.width];
        for start in rows.clone().step_by(batch) {
            let rows = Vec::from_iter(start as u32..(start + batch).min(rows.end) as u32);
            let values = &mut values[..rows.len() * self.values.width];
            self.gather_stored_by(Access::Read, &rows, bytemuck::cast_slice_mut(values))?;
            for (row, sample) in (start..).zip(values.chunks_exact(self.values.width)) {
                take(row, sample)?;
            }
        }
        Ok(())
    }
}
