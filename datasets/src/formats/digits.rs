//! The data set that needs no download.

use std::path::Path;

use crate::dataset::Dataset;
use crate::dataset::halves::TrainTest;
use crate::error::{Error, bail};
use crate::formats::arrays::decoder::ArrayValues;
use crate::formats::arrays::idx::{self, Kind};
use crate::random::label_draw::draw_labels;

const IMAGES: &[u8] = include_bytes!("../../data/digits-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../data/digits-labels-idx1-ubyte.gz");
const CLASSES: usize = 10;

impl Dataset {
    /// The built-in digits: 1,797 images of 8x8, values 0 to 16, in ten classes.
    ///
    /// E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    /// Repository, 1998, doi 10.24432/C50P49, CC BY 4.0; the part of it that scikit-learn packages,
    /// in the same order.
    pub fn digits() -> Dataset {
        decode().expect("the built-in files are whole: the tests read them")
    }
}

fn decode() -> Result<Dataset, Error> {
    let read = |bytes: &'static [u8], name, kind| {
        let array = idx::read_gzip(bytes, bytes.len() as u64, Path::new(name), kind)?;
        match array.values {
            ArrayValues::Bytes(values) => Ok((array.shape, values)),
            _ => bail!("gzip data are bytes in memory"),
        }
    };
    let (sizes, images) = read(IMAGES, "built-in images", Kind::Images)?;
    let (_, labels) = read(LABELS, "built-in labels", Kind::Labels)?;
    let labels = labels.into_iter().map(u16::from).collect();
    Dataset::from_values("digits", images, &sizes[1..], 16, Some(labels))
}

/// [`Dataset::digits`] in two halves: a seeded choice of `test_samples` for the test, as many of
/// each class as the number allows, and the rest to train on.
///
/// `test_samples` is brought into 10 to 1,787, so that neither half is without a sample of some
/// class. Up to 1,730 the test half is class-balanced; above, classes run out and it follows their
/// frequency.
pub fn builtin(test_samples: usize, seed: u64) -> TrainTest {
    let digits = Dataset::digits();
    let labels = digits.labels().ok().flatten().expect("the digits are labelled, in memory");
    let test_samples = test_samples.clamp(CLASSES, digits.len() - CLASSES);
    // The ten labels that are drawn for training keep a sample of each class there; the others
    // follow below.
    let draw = draw_labels(labels, CLASSES, CLASSES, test_samples, seed, 0)
        .expect("both numbers are within what the digits hold");
    let mut in_test = vec![false; digits.len()];
    for &row in &draw.validation {
        in_test[row as usize] = true;
    }
    let train: Vec<u32> = (0..digits.len() as u32).filter(|&row| !in_test[row as usize]).collect();
    let part = |rows: &[u32]| digits.subset(rows).expect("labels in memory can be read");
    TrainTest { train: part(&train), test: part(&draw.validation) }
}
