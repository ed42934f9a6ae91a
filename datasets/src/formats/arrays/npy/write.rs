//! Arrays written as `.npy`, byte for byte as `numpy.save` writes them.

use std::io::{self, Write};

/// The digits that NumPy leaves room for, so that the number of samples can grow.
const ROOM: usize = 21;
/// The length of a header is a multiple of it.
const ALIGNMENT: usize = 64;
/// Signature, version and the length of the text.
const START: usize = 10;

/// The header of an array of one to eight sizes, whose values have the type `descr`.
pub(crate) fn header(descr: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    text += &" ".repeat(ROOM - sizes[0].len());
    let filled = ALIGNMENT - (START + text.len() + 1) % ALIGNMENT;
    text += &" ".repeat(filled);
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

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
        let too_many = || io::Error::new(io::ErrorKind::InvalidInput, "too many values");
        let left = rows.checked_mul(width.unwrap_or(1)).ok_or_else(too_many)?;
        let shape: Vec<u64> = [Some(rows), width].into_iter().flatten().map(|n| n as u64).collect();
        to.write_all(&header("<f4", &shape))?;
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
