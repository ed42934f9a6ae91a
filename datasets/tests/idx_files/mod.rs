//! Writes the files that the tests read, good and bad.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};

pub fn idx(element: u8, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, element, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Five training and three test images of 2x3, labelled 0 1 2 0 1 and 2 1 0.
pub const GOOD: [(&str, &[u32], &[u8]); 4] = [
    ("train-images-idx3-ubyte", &[5, 2, 3], b"abcdefghijklmnopqrstuvwxyzABCD"),
    ("train-labels-idx1-ubyte", &[5], &[0, 1, 2, 0, 1]),
    ("t10k-images-idx3-ubyte", &[3, 2, 3], b"aabbccddeeffgghhii"),
    ("t10k-labels-idx1-ubyte", &[3], &[2, 1, 0]),
];

pub fn put_good(folder: &Path) {
    for (name, sizes, values) in GOOD {
        put(folder, name, &idx(0x08, sizes, values));
    }
}
