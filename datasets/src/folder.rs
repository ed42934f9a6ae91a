//! What a folder holds: four IDX files, as MNIST comes and as its many successors do, the batches of CIFAR-10, or
//! images.

use std::fs;
use std::path::Path;

use crate::cifar;
use crate::error::Error;
use crate::images::{self, ImageOptions, Opened};
use crate::mnist;
use crate::parts::TrainTest;

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

    let mut data = if mnist::recognised(dir)? { Some(mnist::open(dir, &name)?) } else { None };
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
                mnist::names("train-images", "idx3")
            ),
        )),
    }
}
