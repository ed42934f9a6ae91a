//! What a folder holds: four IDX files, as MNIST comes and as its many successors do, the batches of CIFAR-10, or
//! images.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cifar;
use crate::dataset::{Dataset, TrainTest};
use crate::error::Error;
use crate::images::{self, ImageOptions, Opened};

/// [`open_with`] the default options, and nobody told.
///
/// # Errors
/// As there.
pub fn open(dir: &Path) -> Result<TrainTest, Error> {
    Ok(open_with(dir, &ImageOptions::default(), &|_, _| {})?.data)
}

/// Opens a folder of one of these kinds, looked for in this order:
///
/// - **MNIST's.** `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
///   `t10k-labels-idx1-ubyte`, each also with a dot in place of the hyphen before `idx`, and each plain or with
///   `.gz`. A plain file is preferred to a compressed one, and is memory-mapped: it must not be truncated while in
///   use.
/// - **CIFAR-10's binary batches.** `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, and
///   `batches.meta.txt` with the names of the classes, if it is there. They are read into memory.
/// - **Images.** PNG and JPEG files, `train/CLASS/name.png` and `test/CLASS/name.png`, or `CLASS/name.png` alone: then
///   one in six of each class, at least one, is for the test, always the same for the same names. Without folders
///   of classes there are no labels. Classes are in the order of their names; what is hidden and what is
///   no image is passed over. The images are decoded once, as `options` say, into a file that is mapped and used
///   again until an image is added, removed, renamed or changed, or an option is.
///
/// `progress` is told how many images were decoded, of how many, by any thread; not where none is.
///
/// # Errors
/// If one of MNIST's four files or CIFAR-10's six is missing, unreadable, damaged, or does not belong to the
/// others: other counts, other image sizes, or a test label that no training sample has. If a class below MNIST's
/// largest training label has no sample: then that label is wrong, or classes are not numbered from 0 without
/// gaps. If an image cannot be read and `options` do not skip it ([`Error::Unreadable`]), or images differ in size
/// and no size is asked for ([`Error::Sizes`]). If `options` ask for something of samples that are no images in
/// files.
pub fn open_with(
    dir: &Path,
    options: &ImageOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Opened, Error> {
    if !fs::metadata(dir).map_err(|error| Error::io(dir, error))?.is_dir() {
        return Err(Error::file(dir, "is not a folder: name the one that holds the data"));
    }
    let name = fs::canonicalize(dir).map_err(|error| Error::io(dir, error))?;
    let name = name.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());

    let mut data = if holds_idx(dir)? { Some(open_idx(dir, &name)?) } else { None };
    if data.is_none() {
        data = cifar::open(dir, &name)?;
    }
    if let Some(data) = data {
        if options.ask_for_images() {
            let problem =
                "holds no images in files, so that their size and channels are given and none can be skipped";
            return Err(Error::file(dir, problem));
        }
        return Ok(Opened { data, skipped: Vec::new() });
    }
    match images::open(dir, &name, options, progress)? {
        Some(opened) => Ok(opened),
        None => Err(Error::file(
            dir,
            format!(
                "holds no {}, no data_batch_1.bin and no images: put it there, or name the folder that has it",
                names("train-images", "idx3")
            ),
        )),
    }
}

/// Whether one of MNIST's four files is there.
fn holds_idx(dir: &Path) -> Result<bool, Error> {
    for half in ["train", "t10k"] {
        for (kind, idx) in [("images", "idx3"), ("labels", "idx1")] {
            if find(dir, &format!("{half}-{kind}"), idx)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn open_idx(dir: &Path, name: &str) -> Result<TrainTest, Error> {
    let half = |images: &Path, labels: &Path| Dataset::from_idx(name, images, Some(labels));
    let find = |half: &str, idx: &str| match find(dir, half, idx)? {
        Some(path) => Ok(path),
        None => {
            let problem =
                format!("holds no {}: put it there, or name the folder that has it", names(half, idx));
            Err(Error::file(dir, problem))
        }
    };

    // All four are looked for before any is read, so that a missing one is known at once.
    let train_images = find("train-images", "idx3")?;
    let train_labels = find("train-labels", "idx1")?;
    let test_images = find("t10k-images", "idx3")?;
    let test_labels = find("t10k-labels", "idx1")?;
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
    let test = test.with_class_names(train.class_names().into());
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
fn find(dir: &Path, half: &str, idx: &str) -> Result<Option<PathBuf>, Error> {
    for ending in ["", ".gz"] {
        for dot in ["-", "."] {
            let path = dir.join(format!("{half}{dot}{idx}-ubyte{ending}"));
            match fs::metadata(&path) {
                Ok(_) => return Ok(Some(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&path, error)),
            }
        }
    }
    Ok(None)
}

fn names(half: &str, idx: &str) -> String {
    format!("{half}-{idx}-ubyte or {half}.{idx}-ubyte, plain or with .gz")
}
