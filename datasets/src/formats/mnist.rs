//! Folders of four IDX files, as MNIST comes and as its many successors do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::dataset::halves::{TrainTest, unlike};
use crate::dataset::provenance::Provenance;
use crate::error::{Error, OneLine, bail};
use crate::files::data_file::Access;
use crate::formats::arrays::idx::{self, Kind};
use crate::formats::arrays::open::samples;
use crate::sample::label::UNLABELLED;

impl Dataset {
    /// Reads an IDX file of images and, if given, one of labels. A path that ends in `.gz` is
    /// decompressed into memory, any other is mapped. Pixels run from 0 to 255. A fourth dimension
    /// of the images is their channels.
    ///
    /// # Errors
    /// If a file is missing, unreadable, damaged, or of another format; if the two differ in their
    /// counts.
    pub fn from_idx(
        name: impl Into<String>,
        images: &Path,
        labels: Option<&Path>,
    ) -> Result<Self, Error> {
        read(&name.into(), images, labels, Access::Map)
    }
}

fn read(
    name: &str,
    images: &Path,
    labels: Option<&Path>,
    access: Access,
) -> Result<Dataset, Error> {
    // Their source is the folder, which has another name than the file.
    let dataset = samples(&idx::find(images, Kind::Images)?, "IDX", name, access)?
        .with_provenance(Provenance::default());
    let Some(path) = labels else { return Ok(dataset) };
    let labels: Arc<[u16]> = idx::read_labels(path)?.into_iter().map(u16::from).collect();
    if labels.len() != dataset.len() {
        let counts = format!("{} labels for the {} images", labels.len(), dataset.len());
        let images = OneLine(images);
        bail!(path, "holds {counts} of {images}: the two do not belong together");
    }
    Ok(dataset.with_labels(labels))
}

/// The names of the halves: MNIST's own, and those that its successors took.
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 2] = ["t10k", "test"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];
/// The two kinds of files of a half.
const KINDS: [(&str, &str); 2] = [("images", "idx3"), ("labels", "idx1")];

/// Tells whether one of MNIST's four files is there.
pub(crate) fn recognised(dir: &Path) -> Result<bool, Error> {
    Ok(named(dir, &TRAIN)?.is_some() || named(dir, &TEST)?.is_some())
}

/// The first of `halves` that has a file in `dir`.
fn named<'h>(dir: &Path, halves: &[&'h str]) -> Result<Option<&'h str>, Error> {
    for half in halves {
        for (kind, idx) in KINDS {
            if find(dir, &format!("{half}-{kind}"), idx)?.is_some() {
                return Ok(Some(half));
            }
        }
    }
    Ok(None)
}

/// Opens `dir`, called `name`, which holds one of the four files; and tells of samples for
/// validation.
pub(crate) fn open(
    dir: &Path,
    name: &str,
    access: Access,
) -> Result<(TrainTest, Vec<String>), Error> {
    let find = |half: &str, (kind, idx): (&str, &str)| {
        let half = format!("{half}-{kind}");
        match find(dir, &half, idx)? {
            Some(path) => Ok(path),
            None => {
                let problem = format!(
                    "holds no {}: put it there, or name the folder that has it",
                    names(&half, idx)
                );
                Err(Error::file(dir, problem))
            }
        }
    };
    let files = |half: &str| Ok::<_, Error>([find(half, KINDS[0])?, find(half, KINDS[1])?]);
    let read = |[images, labels]: &[PathBuf; 2]| read(name, images, Some(labels), access);

    // All are looked for before any is read, so that a missing one is known at once.
    let of_train = files(TRAIN[0])?;
    let of_test = files(named(dir, &TEST)?.unwrap_or(TEST[0]))?;
    let of_validation = named(dir, &VALIDATION)?.map(files).transpose()?;
    let train = read(&of_train)?;
    let alike = |of: &[PathBuf; 2]| {
        let data = read(of)?;
        match unlike(&train, &data) {
            Some(problem) => Err(Error::file(&of[0], problem)),
            None => Ok(data),
        }
    };
    let test = alike(&of_test)?;
    let validation = of_validation.as_ref().map(alike).transpose()?;

    let known = numbers(train.labels()?.unwrap_or_default());
    let labels = test.labels()?.unwrap_or_default();
    if let Some(at) = labels.iter().position(|label| known.binary_search(label).is_err()) {
        bail!(
            &of_test[1],
            "label {at} is {}, a class that no training sample has, so that no model could learn \
             it: are these the labels that belong to the training files?",
            labels[at]
        );
    }
    let (mut train, test) = (renumbered(train, &known)?, renumbered(test, &known)?);
    let mut notes = Vec::new();
    if let Some(validation) = validation {
        let count = validation.len();
        notes.push(format!("{count} samples are for validation: no others are held out for it"));
        train = train.joined_with_validation(renumbered(validation, &known)?)?;
    }
    Ok((TrainTest { train, test }, notes))
}

/// The numbers that occur, ascending.
fn numbers(labels: &[u16]) -> Vec<u16> {
    let mut numbers = labels.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The classes of `data` called by their numbers, which may have gaps: `known`. Other labels are
/// none.
fn renumbered(data: Dataset, known: &[u16]) -> Result<Dataset, Error> {
    let place = |label: &u16| known.binary_search(label).map_or(UNLABELLED, |at| at as u16);
    let labels: Arc<[u16]> = data.labels()?.unwrap_or_default().iter().map(place).collect();
    let names: Vec<String> = known.iter().map(u16::to_string).collect();
    Ok(data.with_labels(labels).with_class_names(names.into()))
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

pub(crate) fn names(half: &str, idx: &str) -> String {
    format!("{half}-{idx}-ubyte or {half}.{idx}-ubyte, plain or with .gz")
}
