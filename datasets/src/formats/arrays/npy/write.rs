//! Floats written as `.npy`, row by row.

use std::io::{self, Write};

/// Writes `f32` in NumPy's format, version 1.0. How many rows there will be is said at the
/// beginning, so that nothing is held.
///
/// ```
/// use narrows_datasets::NpyWriter;
///
/// let mut array = NpyWriter::new(Vec::new(), 2, Some(3))?; // (2, 3)
/// array.rows(&[1.0, 2.0, 3.0])?;
/// array.rows(&[4.0, 5.0, 6.0])?;
/// assert_eq!(array.finish()?.len(), 128 + 24);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct NpyWriter<W> {
    to: W,
    /// The values still to come.
    left: usize,
}

impl<W: Write> NpyWriter<W> {
    /// Begins an array of the shape `(rows, width)`, or `(rows,)` without a width, in `to`, which
    /// should be buffered.
    ///
    /// # Errors
    /// If it cannot be written to, or so many values cannot be counted.
    pub fn new(mut to: W, rows: usize, width: Option<usize>) -> io::Result<Self> {
        let shape =
            width.map_or_else(|| format!("({rows},)"), |width| format!("({rows}, {width})"));
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        // Values begin at a multiple of 64 bytes; the text ends in a line feed.
        let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
        let too_many = || io::Error::new(io::ErrorKind::InvalidInput, "too many values");
        let left = rows.checked_mul(width.unwrap_or(1)).ok_or_else(too_many)?;
        to.write_all(b"\x93NUMPY\x01\x00")?;
        to.write_all(&u16::try_from(length).map_err(|_| too_many())?.to_le_bytes())?;
        writeln!(to, "{text:<width$}", width = length - 1)?;
        Ok(NpyWriter { to, left })
    }

    /// Appends the values of some rows.
    ///
    /// # Errors
    /// If they cannot be written.
    ///
    /// # Panics
    /// If they are more than were announced.
    pub fn rows(&mut self, values: &[f32]) -> io::Result<()> {
        self.left = self.left.checked_sub(values.len()).expect("no more rows than announced");
        values.iter().try_for_each(|value| self.to.write_all(&value.to_le_bytes()))
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    /// If that fails.
    ///
    /// # Panics
    /// If rows are missing.
    pub fn finish(mut self) -> io::Result<W> {
        assert_eq!(self.left, 0, "as many rows as announced");
        self.to.flush()?;
        Ok(self.to)
    }
}
