//! Arrays of numbers, as IDX, NumPy's and safetensors' files hold them.

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
