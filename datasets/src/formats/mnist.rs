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

/// Tells whether one of MNIST's four files is there.
pub(crate) fn recognised(dir: &Path) -> Result<bool, Error> {
    for half in ["train", "t10k"] {
        for (kind, idx) in [("images", "idx3"), ("labels", "idx1")] {
            if find(dir, &format!("{half}-{kind}"), idx)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Opens `dir`, called `name`, which holds one of the four files.
pub(crate) fn open(dir: &Path, name: &str, access: Access) -> Result<TrainTest, Error> {
    let half = |images: &Path, labels: &Path| read(name, images, Some(labels), access);
    let find = |half: &str, idx: &str| match find(dir, half, idx)? {
        Some(path) => Ok(path),
        None => {
            let problem = format!(
                "holds no {}: put it there, or name the folder that has it",
                names(half, idx)
            );
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

    if let Some(problem) = unlike(&train, &test) {
        return Err(Error::file(&test_images, problem));
    }
    let labels = train.labels()?.unwrap_or_default();
    if let Some((at, missing)) = beyond_a_gap(labels) {
        bail!(
            &train_labels,
            "label {at} is {}, but class {missing} has none of the {} samples: mend the label if \
             it is wrong, else renumber the classes from 0 without gaps, or add samples of it",
            labels[at],
            labels.len()
        );
    }
    let labels = test.labels()?.unwrap_or_default();
    if let Some(at) = labels.iter().position(|&label| usize::from(label) >= train.classes()) {
        bail!(
            &test_labels,
            "label {at} is {}, a class that no training sample has, so that no model could learn \
             it: are these the labels that belong to the training files?",
            labels[at]
        );
    }
    let test = test.with_class_names(train.class_names().into());
    Ok(TrainTest { train, test })
}

/// The row of the first label above the lowest class that no label names, and that class; `None` if
/// there is no gap.
fn beyond_a_gap(labels: &[u16]) -> Option<(usize, usize)> {
    let mut known = [false; 257];
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

pub(crate) fn names(half: &str, idx: &str) -> String {
    format!("{half}-{idx}-ubyte or {half}.{idx}-ubyte, plain or with .gz")
}
