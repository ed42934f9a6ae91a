//! A small folder of files like those of MNIST.

use std::path::Path;

use crate::made_files::{idx, put};

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
