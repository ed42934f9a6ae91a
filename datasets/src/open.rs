//! Opening data of any format: a folder or a file, recognised by its content.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::dataset::halves::{Parts, TrainTest, unlike};
use crate::error::{At as _, Error, OneLine, Problem, Remedy, bail, listed};
use crate::formats::images;
use crate::formats::options::OpenOptions;
use crate::formats::source::Found;
use crate::formats::store::join::join;
use crate::formats::tables::open::check_options;
use crate::formats::tables::source::OpenSource;
use crate::formats::{cifar, list, mnist, tables};

/// Opened data, as [`open_with`] and [`open_whole`] return them.
#[derive(Debug)]
pub struct Opened<D = TrainTest> {
    /// The samples.
    pub data: D,
    /// The name of the file or folder.
    pub name: String,
    /// Its format: `CSV`, `MNIST's files`.
    pub format: String,
    /// The images that were left out because they could not be read: name and problem of each.
    pub skipped: Vec<Error>,
    /// Choices that were made by the look of the data, and may be wrong.
    pub notes: Vec<String>,
}

/// Samples that are not divided yet, as [`open_whole`] finds them.
pub type Undivided = Opened<Parts>;

/// [`open_with`] with the default options, and without reports of progress.
///
/// # Errors
/// The same.
pub fn open(path: &Path) -> Result<TrainTest, Error> {
    Ok(open_with(path, &OpenOptions::default(), &|_, _| {})?.data)
}

/// Opens a folder or a file. Its content tells the format:
///
/// | data | samples | labels |
/// |---|---|---|
/// | a folder of `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-...` or `test-...`, perhaps `val-...`, plain or with `.gz` | MNIST's images, and those of its successors | in their files |
/// | a folder of `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` | CIFAR-10's binary batches | inside |
/// | a folder of `train.*` and `test.*`, each of one of the formats below | the two halves | as there |
/// | a folder of images (PNG, JPEG, BMP, GIF, WebP, TIFF) | `train/CLASS/name.png`, `val/...` and `test/...`, or `CLASS/name.png`, or images alone; those in `unlabeled` and in no folder of a class have no label | the folders' names, or the file of `options.labels` |
/// | an image | one sample | none |
/// | a store (`.narrows`) | bytes or floats | inside, for all, for some or for none |
/// | an IDX file, plain or gzip | bytes, or numbers of its other types | in the file of `options.labels` |
/// | `.npy`, `.npz`, `.safetensors` | arrays of numbers; of several, those called `x` or `x_train` and `x_test` (and their like) | those called `y`, or the file of `options.labels` |
/// | CSV, TSV and their kin, JSON, plain or gzip, or Zstandard (with the crate's feature `parquet`) | a table: numbers, categories, missing values | a column; an empty cell is no label |
/// | Parquet, Arrow IPC | a table (with the crate's feature `parquet`) | a column |
///
/// Undivided data give one sample in six of each class to the test. If some samples have labels,
/// these alone are divided. The same data always give the same samples.
///
/// A model sees unsigned bytes as values in [0, 1]. Floats of images are brought into [0, 1] by the
/// smallest and the largest value of the training samples. Columns of tables and flat arrays are
/// standardised by the training samples' means and standard deviations
/// ([`Preparation`](crate::Preparation)).
///
/// `progress` gets the number of images decoded so far, and the number of all, from any thread. It
/// is not called for other data.
///
/// # Errors
/// If anything is missing, unreadable, damaged, or does not belong together, or if `options` do not
/// suit the data. The message names the file and the remedy.
pub fn open_with(
    path: &Path,
    options: &OpenOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Opened, Error> {
    let Found { parts, format, skipped, mut notes } = find(path, options, progress)?;
    let TrainTest { train, test } = parts.split()?.prepared()?;
    notes.extend(train.preparation().respelled(test.columns().unwrap_or_default()));
    let limited = |data: crate::Dataset| match options.memory {
        Some(bytes) => data.with_memory(bytes),
        None => data,
    };
    let data = TrainTest { train: limited(train), test: limited(test) };
    Ok(Opened { data, name: called(path)?, format, skipped, notes })
}

/// Opens all samples of a folder or a file, as [`open_with`] does, but does not divide them. The
/// result is one data set, or two halves if the data come in halves. A model sees floats as they
/// are.
///
/// # Errors
/// The same.
pub fn open_whole(
    path: &Path,
    options: &OpenOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Opened<Parts>, Error> {
    let Found { parts, format, skipped, notes } = find(path, options, progress)?;
    Ok(Opened { data: parts, name: called(path)?, format, skipped, notes })
}

/// The name of the samples, the format, and the way to open `path`, if that is a table by itself.
///
/// # Errors
/// If it cannot be read, or if `options` are not for tables.
pub(crate) fn table(
    path: &Path,
    options: &OpenOptions,
) -> Result<Option<(String, &'static str, OpenSource)>, Error> {
    if fs::metadata(path).at(path)?.is_dir() {
        return Ok(None);
    }
    let name = called(path)?;
    refuse_image_options(path, options)?;
    let Some((format, source)) = list::table_source(path)? else { return Ok(None) };
    check_options(path, options)?;
    Ok(Some((name, format, source)))
}

/// The name of the samples of `path`: that of the file or the folder.
fn called(path: &Path) -> Result<String, Error> {
    let full = fs::canonicalize(path).at(path)?;
    Ok(full
        .file_name()
        .map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned()))
}

fn find(
    path: &Path,
    options: &OpenOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Found, Error> {
    let found = find_as_stored(path, options, progress)?;
    let shaped = |data: Dataset| match (options.image_shape, options.images.known) {
        (Some(_), _) if data.image_shape().is_some() => {
            Err(data.error("holds images already: give their rows no other shape"))
        }
        (Some(shape), _) => data.into_images(shape),
        // A model of images takes rows of as many values.
        (None, Some(shape)) if data.image_shape().is_none() => {
            Ok(data.clone().into_images(shape).unwrap_or(data))
        }
        (None, _) => Ok(data),
    };
    let parts = match found.parts {
        Parts::Whole(data) => Parts::Whole(shaped(data)?),
        Parts::Halves(train, test) => Parts::Halves(shaped(train)?, shaped(test)?),
    };
    Ok(Found { parts, ..found })
}

fn find_as_stored(
    path: &Path,
    options: &OpenOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Found, Error> {
    let metadata = fs::metadata(path).at(path)?;
    let name = called(path)?;
    if !metadata.is_dir() {
        if let Some(found) = images::open::open_one(path, &name, options)? {
            return Ok(found);
        }
        let as_samples = options.labels.is_none() && options.table.known.is_none();
        if as_samples && list::table_source(path)?.is_some() {
            images::labels::refuse_list(path, &options.table)?;
        }
        refuse_image_options(path, options)?;
        return list::open(path, &name, options);
    }
    let files = |parts: TrainTest, notes: Vec<String>, format: &str| {
        refuse_image_options(path, options)?;
        options.table.check_unused(path, None)?;
        let parts = Parts::Halves(parts.train, parts.test);
        Ok(Found { parts, format: format.to_owned(), notes, ..Found::default() })
    };
    if mnist::recognised(path)? {
        let (parts, notes) = mnist::open(path, &name, options.access)?;
        return files(parts, notes, "IDX files as MNIST has them");
    }
    if let Some(data) = cifar::open(path, &name)? {
        return files(data, Vec::new(), "CIFAR-10's batches");
    }
    // A file called train or test may as well label the images in folders of these names, or, as
    // plain text, list them.
    if options.labels.is_none()
        && let Some(file) = half_file(path, &TRAIN)?.or(half_file(path, &TEST)?)
    {
        if !images::open::has_halves(path)? {
            if let Some(found) = halves(path, &name, options)? {
                return Ok(found);
            }
        } else if file.extension().is_none_or(|extension| extension != "txt") {
            let problem = "lies beside folders of images: name the table or a folder of images \
                           itself, or give it as the file of their labels";
            return Err(Error::file(&file, Problem::with(problem, Remedy::LabelsFile)));
        }
    }
    if let Some(found) = images::open::open(path, &name, options, progress)? {
        return Ok(found);
    }
    // Refuses the file of labels.
    if let Some(found) = halves(path, &name, options)? {
        return Ok(found);
    }
    let plain = match fs::read_dir(path).at(path)?.next() {
        None => "is empty",
        Some(_) => "holds no images, nor a folder of them, and no table called train.* and test.*",
    };
    Err(Error::file(
        path,
        format!(
            "{plain}; nor is there a {}, or a data_batch_1.bin: put the data there, or \
             name the file or the folder that has them",
            mnist::names("train-images", "idx3")
        ),
    ))
}

/// Names of files of samples to learn from, for the test, and for validation, without extensions.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];

/// The only file in `dir` that has one of `names`, whatever its case and its extension.
fn half_file(dir: &Path, names: &[&str]) -> Result<Option<PathBuf>, Error> {
    let mut found: Option<PathBuf> = None;
    for entry in fs::read_dir(dir).at(dir)? {
        let path = entry.at(dir)?.path();
        let stem =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split_once('.'));
        let named =
            stem.is_some_and(|(stem, _)| names.iter().any(|name| stem.eq_ignore_ascii_case(name)));
        if named && path.is_file() {
            if let Some(other) = found {
                let (path, other) = (OneLine(&path).to_string(), other);
                bail!(&other, "lies beside {path}: name one of them, or remove one");
            }
            found = Some(path);
        }
    }
    Ok(found)
}

/// The halves that are files called `train` and `test`, and perhaps `val`; `None` if neither of the
/// two is there.
fn halves(dir: &Path, name: &str, options: &OpenOptions) -> Result<Option<Found>, Error> {
    let validation = half_file(dir, &VALIDATION)?;
    let (train, test) = match (half_file(dir, &TRAIN)?, half_file(dir, &TEST)?) {
        (None, None) => return Ok(None),
        (Some(train), Some(test)) => (train, Some(test)),
        (Some(train), None) if validation.is_some() => (train, None),
        (Some(path), None) | (None, Some(path)) => {
            if options.labels.is_none() && images::open::has_images(dir)? {
                let problem = "lies beside images, and has no other half beside it: if it labels \
                               them, name their folder, and give it as the file of labels";
                return Err(Error::file(&path, Problem::with(problem, Remedy::LabelsFile)));
            }
            bail!(
                &path,
                "has no other half beside it, test or train: put it there, or name this file itself"
            );
        }
    };
    refuse_image_options(dir, options)?;
    if options.labels.is_some() {
        bail!(
            dir,
            "holds two halves, whose labels have to be inside: name one file, and its labels"
        );
    }
    let table = |path: &Option<PathBuf>| -> Result<Option<(PathBuf, OpenSource)>, Error> {
        let Some(path) = path else { return Ok(None) };
        Ok(list::table_source(path)?.map(|(_, source)| (path.clone(), source)))
    };
    let (test_table, validation_table) = (table(&test)?, table(&validation)?);
    if let Some((format, source)) = list::table_source(&train)?
        && (test.is_none() || test_table.is_some())
    {
        let left_out = validation.filter(|_| validation_table.is_none());
        let train_half = (&*train, format, source);
        let others = [test_table, validation_table];
        let mut found = tables::open::open_halves(train_half, others, name, options)?;
        found.notes.extend(left_out.map(|path| is_left_out(&path)));
        return match (found.parts, test) {
            (Parts::Halves(train_data, test_data), Some(test)) => {
                two_files((&train, train_data), (&test, test_data), format, found.notes).map(Some)
            }
            (parts, _) => Ok(Some(Found { parts, format: format.to_owned(), ..found })),
        };
    }
    let Some(test) = test else {
        bail!(&train, "has no test beside it: put it there, or name this file itself")
    };
    let whole = |path: &Path| -> Result<_, Error> {
        let found = list::open(path, name, options)?;
        match found.parts {
            Parts::Whole(data) => Ok((data, found.format, found.notes)),
            Parts::Halves(..) => {
                bail!(path, "holds two halves itself, and cannot be one: name it alone")
            }
        }
    };
    let ((mut train_data, format, mut notes), (test_data, ..)) = (whole(&train)?, whole(&test)?);
    if let Some(path) = validation {
        let (validation, ..) = whole(&path)?;
        let joined = join((&train, train_data), (&path, validation), options)?;
        train_data = joined.0;
        notes.extend(joined.1);
    }
    two_files((&train, train_data), (&test, test_data), &format, notes).map(Some)
}

/// The note that the file of samples for validation is not read.
fn is_left_out(path: &Path) -> String {
    format!("{} is left out: of files, tables alone may have samples for validation", OneLine(path))
}

/// The halves that two files hold.
fn two_files(
    (train, train_data): (&Path, Dataset),
    (test, test_data): (&Path, Dataset),
    format: &str,
    notes: Vec<String>,
) -> Result<Found, Error> {
    if let Some(problem) = unlike(&train_data, &test_data) {
        return Err(Error::file(test, problem));
    }
    if train_data.has_labels() != test_data.has_labels() {
        let without = if train_data.has_labels() { test } else { train };
        bail!(
            without,
            "has no labels, and the other half has some: give them to both or neither, or name \
             the other file alone"
        );
    }
    let mut notes = notes;
    let test_data = test_data.with_known_classes(train_data.class_names())?;
    let unseen = test_data.class_names().get(train_data.classes()..).unwrap_or_default();
    if train_data.has_labels() && !unseen.is_empty() {
        notes.push(format!(
            "no training sample has the class {}: it can be tested, but not be learnt",
            listed(unseen)
        ));
    }
    let (parts, format) = (Parts::Halves(train_data, test_data), format!("two files of {format}"));
    Ok(Found { parts, format, skipped: Vec::new(), notes })
}

fn refuse_image_options(path: &Path, options: &OpenOptions) -> Result<(), Error> {
    match options.images.ask_for_images() {
        true => bail!(
            path,
            "holds no images in files, so that their size and channels are given and none can be \
             skipped"
        ),
        false => Ok(()),
    }
}
