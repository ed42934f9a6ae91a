//! A folder of four IDX files, as MNIST comes and as its many successors do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, TrainTest};
use crate::error::Error;

/// Opens an MNIST-style folder: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each also with a dot in place of the hyphen before
/// `idx`, and each plain or with `.gz`. A plain file is preferred to a compressed one, and is memory-mapped:
/// it must not be truncated while in use.
///
/// # Errors
/// If one of the four is missing, unreadable, damaged, or does not belong to the others: other counts, other
/// image sizes, or a test label that no training sample has. If a class below the largest training label has no
/// sample: then that label is wrong, or classes are not numbered from 0 without gaps.
pub fn open(dir: &Path) -> Result<TrainTest, Error> {
    if !fs::metadata(dir).map_err(|error| Error::io(dir, error))?.is_dir() {
        return Err(Error::file(dir, "is not a folder: name the one that holds the IDX files"));
    }
    let name = fs::canonicalize(dir).map_err(|error| Error::io(dir, error))?;
    let name = name.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let half = |images: &Path, labels: &Path| Dataset::from_idx(name.as_ref(), images, Some(labels));

    // All four are looked for before any is read, so that a missing one is known at once.
    let train_images = find(dir, "train-images", "idx3")?;
    let train_labels = find(dir, "train-labels", "idx1")?;
    let test_images = find(dir, "t10k-images", "idx3")?;
    let test_labels = find(dir, "t10k-labels", "idx1")?;
    let train = half(&train_images, &train_labels)?;
    let test = half(&test_images, &test_labels)?;

    if test.image_shape() != train.image_shape() {
        let size = |dataset: &Dataset| {
            dataset.image_shape().map_or_else(String::new, |(height, width, channels)| match channels {
                1 => format!("{height}x{width}"),
                _ => format!("{height}x{width}x{channels}"),
            })
        };
        let sizes = format!("{}, where the training images have {}", size(&test), size(&train));
        return Err(Error::file(
            &test_images,
            format!("holds images of {sizes}: the two do not belong together"),
        ));
    }
    let labels = train.labels().unwrap_or_default();
    if let Some((at, missing)) = beyond_a_gap(labels) {
        let problem = format!(
            "label {at} is {}, but class {missing} has none of the {} samples: mend the label if it is wrong, \
             else renumber the classes from 0 without gaps, or add samples of it",
            labels[at],
            labels.len()
        );
        return Err(Error::file(&train_labels, problem));
    }
    let labels = test.labels().unwrap_or_default();
    if let Some(at) = labels.iter().position(|&label| usize::from(label) >= train.classes()) {
        let problem = format!(
            "label {at} is {}, a class that no training sample has, so that no model could learn it: \
             are these the labels that belong to the training files?",
            labels[at]
        );
        return Err(Error::file(&test_labels, problem));
    }
    let test = test.with_classes(train.classes());
    Ok(TrainTest { train, test })
}

/// The row of the first label above the lowest class that no label names, and that class; `None` if there is no gap.
fn beyond_a_gap(labels: &[u8]) -> Option<(usize, usize)> {
    let mut known = [false; 256];
    for &label in labels {
        known[usize::from(label)] = true;
    }
    let missing = known.iter().position(|known| !known)?;
    let at = labels.iter().position(|&label| usize::from(label) > missing)?;
    Some((at, missing))
}

/// The file of one half: under the first of its four names that exists.
fn find(dir: &Path, half: &str, idx: &str) -> Result<PathBuf, Error> {
    for ending in ["", ".gz"] {
        for dot in ["-", "."] {
            let path = dir.join(format!("{half}{dot}{idx}-ubyte{ending}"));
            match fs::metadata(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&path, error)),
            }
        }
    }
    let names = format!("{half}-{idx}-ubyte or {half}.{idx}-ubyte, plain or with .gz");
    Err(Error::file(dir, format!("holds no {names}: put it there, or name the folder that has it")))
}
