//! Arrays of numbers, as IDX, NumPy's and safetensors' files hold them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::Error;
use crate::stored_array::PIECE;

/// An array, its values read or still in their file.
#[derive(Debug)]
pub(crate) struct Array {
    /// Its dimensions, the first of them the samples'. Row-major.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: ArrayValues,
    /// How many values the file has that `f32` cannot hold exactly, and which were rounded.
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

impl Array {
    /// The number of values, which a header's check has shown not to overflow.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where the first value is that is infinite or NaN, counted over all values from 0 on; `path` is the array's file.
    ///
    /// # Errors
    /// If the values are still in the file, and it cannot be read.
    pub(crate) fn first_not_finite(&self, path: &Path) -> Result<Option<usize>, Error> {
        match &self.values {
            ArrayValues::BytesAt(_) | ArrayValues::Bytes(_) => Ok(None),
            ArrayValues::Floats(values) => Ok(values.iter().position(|value| !value.is_finite())),
            &ArrayValues::FloatsAt(at) => {
                let io = |error| Error::io(path, error);
                let mut file = File::open(path).map_err(io)?;
                file.seek(SeekFrom::Start(at)).map_err(io)?;
                let mut bytes = vec![0; PIECE];
                let mut before = 0;
                while before < self.len() {
                    let piece = &mut bytes[..PIECE.min((self.len() - before) * 4)];
                    file.read_exact(piece).map_err(io)?;
                    let mut values = piece.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
                    if let Some(at) = values.position(|value| !value.is_finite()) {
                        return Ok(Some(before + at));
                    }
                    before += piece.len() / 4;
                }
                Ok(None)
            }
        }
    }
}
