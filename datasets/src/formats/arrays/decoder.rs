//! The values of an array in memory, converted as they arrive.

use crate::formats::arrays::header::ArrayHeader;

/// The number of compressed values that get memory before the first has arrived.
const FIRST_VALUES: usize = 1 << 18;

/// An array, its values read or still in their file.
#[derive(Debug)]
pub(crate) struct Array {
    /// Its dimensions, the first of them the samples'. Row-major.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: ArrayValues,
    /// The number of values that were rounded, because `f32` cannot hold them exactly.
    pub(crate) rounded: u64,
}

/// The values of an array: bytes where the file has unsigned bytes (or truth values), else `f32`.
#[derive(Debug, PartialEq)]
pub(crate) enum ArrayValues {
    /// Unsigned bytes, in the file from this offset on, which is known to be long enough.
    BytesAt(u64),
    /// Little-endian `f32`, in the file from this offset on, at any alignment.
    FloatsAt(u64),
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// Numbers of other types, converted.
    Floats(Vec<f32>),
}

/// The values of an array as they arrive.
pub(crate) struct Decoder<'a> {
    header: &'a ArrayHeader,
    values: ArrayValues,
    arrived: usize,
    rounded: u64,
    /// The file's length confirms the promise, so that all memory is taken at once.
    certain: bool,
    /// The index of the next value in Fortran's order, and its place in C's.
    index: Vec<usize>,
    target: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(header: &'a ArrayHeader, certain: bool) -> Self {
        let values = match header.element.is_byte() {
            true => ArrayValues::Bytes(Vec::new()),
            false => ArrayValues::Floats(Vec::new()),
        };
        let index = vec![0; header.shape.len()];
        Decoder { header, values, arrived: 0, rounded: 0, certain, index, target: 0 }
    }

    /// Appends the values in `piece`, whole ones; an error if there is no memory.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), String> {
        let header = self.header;
        let (element, order, total) = (header.element, header.order, header.values());
        let new = piece.len() / element.size();
        // Fortran's order scatters values over the whole result, so that all memory is needed at
        // once. Deflate's bound on the promise limits it.
        let all_at_once = self.certain || header.fortran;
        let needed = match all_at_once {
            true => total,
            false => (self.arrived + new).max(2 * self.arrived).max(FIRST_VALUES).min(total),
        };
        let (shape, index, target) = (&header.shape, &mut self.index, &mut self.target);
        match &mut self.values {
            ArrayValues::Bytes(values) => {
                reserve(values, needed)?;
                if header.fortran {
                    values.resize(total, 0);
                    for &value in piece {
                        values[*target] = value;
                        next_fortran(shape, index, target);
                    }
                } else {
                    values.extend_from_slice(piece);
                }
            }
            ArrayValues::Floats(values) => {
                reserve(values, needed)?;
                let rounded = &mut self.rounded;
                if header.fortran {
                    values.resize(total, 0.0);
                    element.for_each_f32(order, piece, |value, inexact| {
                        values[*target] = value;
                        *rounded += u64::from(inexact);
                        next_fortran(shape, index, target);
                    });
                } else {
                    element.for_each_f32(order, piece, |value, inexact| {
                        values.push(value);
                        *rounded += u64::from(inexact);
                    });
                }
            }
            ArrayValues::BytesAt(_) | ArrayValues::FloatsAt(_) => {
                unreachable!("decoded values are in memory")
            }
        }
        self.arrived += new;
        Ok(())
    }

    pub(crate) fn finish(self) -> Array {
        Array { shape: self.header.shape.clone(), values: self.values, rounded: self.rounded }
    }
}

fn reserve<T>(values: &mut Vec<T>, needed: usize) -> Result<(), String> {
    let bytes = needed * size_of::<T>();
    values
        .try_reserve_exact(needed.saturating_sub(values.len()))
        .map_err(|_| format!("needs {bytes} bytes of memory, which are not to be had"))
}

/// Moves `index` to the one that follows it in Fortran's order, and `target` to its place in C's.
/// After the last it is the first again.
fn next_fortran(shape: &[usize], index: &mut [usize], target: &mut usize) {
    // The stride of dimension 0 in C's order, then of 1, and so on.
    let mut stride: usize = shape[1..].iter().product();
    for (dimension, (index, &size)) in index.iter_mut().zip(shape).enumerate() {
        *index += 1;
        *target += stride;
        if *index < size {
            return;
        }
        *target -= size * stride;
        *index = 0;
        if let Some(next) = shape.get(dimension + 1) {
            stride /= next;
        }
    }
}
