//! What the tests of arrays share: NumPy's vectors, hand-made files, and the values of an array
//! wherever they are.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::error::Error;
use crate::formats::arrays::decoder::{Array, ArrayValues};

/// The vectors that `tests/vectors/arrays.py` made.
pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/arrays.json")).unwrap()
}

pub(crate) fn bytes_of(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A folder of one file.
pub(crate) struct OneFile {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl OneFile {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        OneFile { _folder: folder, path }
    }

    pub(crate) fn put(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).unwrap();
    }
}

/// The values, as `f32`, of an array that was read from `path`.
pub(crate) fn floats(array: &Array, path: &Path) -> Vec<f32> {
    let file = fs::read(path).unwrap();
    match &array.values {
        ArrayValues::Floats(values) => values.clone(),
        ArrayValues::Bytes(values) => values.iter().map(|&value| f32::from(value)).collect(),
        &ArrayValues::BytesAt(at) => file[at as usize..][..array.shape.iter().product::<usize>()]
            .iter()
            .map(|&value| f32::from(value))
            .collect(),
        &ArrayValues::FloatsAt(at) => {
            let bytes = &file[at as usize..][..4 * array.shape.iter().product::<usize>()];
            bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
        }
    }
}

/// Checks shape, values to the bit, and the count of those that were rounded.
pub(crate) fn assert_is(array: &Array, path: &Path, expected: &Value, name: &str) {
    let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
    assert_eq!(array.shape, shape, "{name}");
    let bits: Vec<Value> = floats(array, path)
        .into_iter()
        .map(|value| if value.is_nan() { "nan".into() } else { value.to_bits().into() })
        .collect();
    assert_eq!(&bits, expected["bits"].as_array().unwrap(), "{name}");
    assert_eq!(array.rounded, expected["rounded"].as_u64().unwrap(), "{name}");
}

/// Checks what holds for every message, and that this one says `part`.
pub(crate) fn assert_says(error: &Error, path: &Path, part: &str) {
    let message = error.to_string();
    assert!(
        message.starts_with(path.to_str().unwrap()),
        "{message:?} does not begin with the path"
    );
    assert!(!message.contains('\n') && message.len() < 400 + path.as_os_str().len(), "{message:?}");
    assert!(message.contains(part), "{message:?} does not say {part:?}");
}

/// An `.npy` file of this dictionary's text.
pub(crate) fn npy(dictionary: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(values);
    bytes
}

/// An `.npy` file in C's order.
pub(crate) fn npy_of(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), values)
}
