//! Files of arrays as samples and labels.

use std::path::Path;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::dataset::halves::{Parts, unlike};
use crate::dataset::in_memory::width;
use crate::dataset::provenance::{Provenance, packed_by};
use crate::dataset::values::Values;
use crate::error::{At as _, Error, OneLine, bail, listed};
use crate::files::data_file::{Access, DataFile};
use crate::formats::arrays::decoder::{Array, ArrayValues};
use crate::formats::arrays::labels::labels_of;
use crate::formats::arrays::names::{Role, roles};
use crate::formats::arrays::stored::{NamedArray, StoredArray};
use crate::formats::arrays::{idx, npy};
use crate::formats::options::OpenOptions;
use crate::formats::source::{Found, Start};
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;

/// The most dimensions of a sample: height, width and channels.
const LARGEST_RANK: usize = 3;

/// Tells whether a file is IDX: two zeros, one of its types, and a number of dimensions.
pub(crate) fn is_idx(start: &Start) -> bool {
    matches!(start.bytes[..], [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..])
}

/// Tells whether a file is safetensors: the length of its header, which the file has, and a brace.
pub(crate) fn is_safetensors(start: &Start) -> bool {
    match start.bytes.split_first_chunk() {
        Some((&length, [b'{', ..])) => {
            u64::from_le_bytes(length) < start.length && start.compression.is_none()
        }
        _ => false,
    }
}

/// Opens a file of one array, which are samples.
pub(crate) fn open_one(
    array: StoredArray,
    format: &str,
    name: &str,
    options: &OpenOptions,
) -> Result<Found, Error> {
    let dataset = samples(&array, format, name, options.access)?;
    let labels = match &options.labels {
        None => None,
        Some(path) => Some(find_labels(path)?),
    };
    Ok(Found { parts: Parts::Whole(labelled(dataset, labels.as_ref())?), ..Found::default() })
}

/// Opens a file of several arrays, samples and labels.
pub(crate) fn open_several(
    path: &Path,
    arrays: Vec<NamedArray>,
    format: &str,
    name: &str,
    options: &OpenOptions,
) -> Result<Found, Error> {
    let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
    let roles = roles(&names).at(path)?;
    let others: Vec<&str> = roles.others(names.len()).into_iter().map(|at| names[at]).collect();
    let mut notes = Vec::new();
    if !others.is_empty() {
        notes.push(format!("{}: left out were the arrays {}", OneLine(path), listed(&others)));
    }
    let mut arrays: Vec<Option<Result<StoredArray, Error>>> =
        arrays.into_iter().map(|array| Some(array.array)).collect();
    let mut take = |role: Role| -> Result<(StoredArray, Option<StoredArray>), Error> {
        let mut take = |at: usize| arrays[at].take().expect("each array has one role");
        Ok((take(role.samples)?, role.labels.map(take).transpose()?))
    };
    let (train_samples, mut train_labels) = take(roles.train)?;
    let validation = roles.validation.map(&mut take).transpose()?;
    let test = roles.test.map(take).transpose()?;
    if let Some(file) = &options.labels {
        if validation.is_some() || test.is_some() {
            bail!(path, "holds halves, whose labels have to be inside: give no others");
        }
        if let Some(labels) = &train_labels {
            return Err(labels.error("are labels already: give no others"));
        }
        train_labels = Some(find_labels(file)?);
    }
    let read = |samples_array: &StoredArray, labels: Option<&StoredArray>| {
        labelled(samples(samples_array, format, name, options.access)?, labels)
    };
    let mut train = read(&train_samples, train_labels.as_ref())?;
    if let Some((samples_array, labels)) = validation {
        let half = read(&samples_array, labels.as_ref())?;
        if let Some(problem) = unlike(&train, &half) {
            return Err(samples_array.error(problem));
        }
        let count = half.len();
        notes.push(format!("{count} samples are for validation: no others are held out for it"));
        train = train.joined_with_validation(half)?;
    }
    let parts = match test {
        None => Parts::Whole(train),
        Some((samples_array, labels)) => {
            let half = read(&samples_array, labels.as_ref())?;
            if let Some(problem) = unlike(&train, &half) {
                return Err(samples_array.error(problem));
            }
            if train.has_labels() != half.has_labels() {
                let without =
                    if train.has_labels() { "those for the test" } else { "those to learn from" };
                notes.push(format!("{}: {without} have no labels", OneLine(path)));
            }
            let half = half.with_known_classes(train.class_names())?;
            let unseen = &half.class_names()[train.classes().min(half.classes())..];
            if train.has_labels() && !unseen.is_empty() {
                notes.push(format!(
                    "no training sample has the class {}: it can be scored, but not be learnt",
                    listed(unseen)
                ));
            }
            Parts::Halves(train, half)
        }
    };
    Ok(Found { parts, notes, ..Found::default() })
}

/// The samples of an array, in memory or in its file.
pub(crate) fn samples(
    array: &StoredArray,
    format: &str,
    name: &str,
    access: Access,
) -> Result<Dataset, Error> {
    let wrong = |problem: String| array.error(problem);
    let shape = array.shape();
    // A single column is a table of one value each; height, width and channels are the most.
    let sample_shape = match shape {
        [_] => &[1][..],
        [_, sample @ ..] if sample.len() <= LARGEST_RANK => sample,
        _ => {
            return Err(wrong(format!(
                "has {} dimensions, where samples take 1 to {}: their number, and height, width \
                 and channels",
                shape.len(),
                LARGEST_RANK + 1
            )));
        }
    };
    let width = width(sample_shape, shape.iter().product()).map_err(wrong)?;
    let Array { values, rounded, .. } = array.read()?;
    let path = array.path();
    let in_file = |at: u64, dtype: Dtype| -> Result<Values, Error> {
        let file = DataFile::open(path, access)?;
        let length = (shape[0] as u64).checked_mul((width * dtype.size()) as u64);
        match length.and_then(|length| length.checked_add(at)) {
            Some(end) if end <= file.len() => {
                Ok(Values::in_file(Arc::new(file), at, dtype, width, shape[0]))
            }
            _ => Err(wrong("changed while it was being opened: try again".to_owned())),
        }
    };
    let (values, preparation) = match values {
        ArrayValues::BytesAt(at) => (in_file(at, Dtype::U8)?, Preparation::Bytes { max: u8::MAX }),
        ArrayValues::FloatsAt(at) => (in_file(at, Dtype::F32)?, Preparation::Floats),
        ArrayValues::Bytes(values) => {
            (Values::bytes(values, width), Preparation::Bytes { max: u8::MAX })
        }
        ArrayValues::Floats(values) => (Values::floats(values, width), Preparation::Floats),
    };
    let source = OneLine(path).to_string();
    let provenance = Provenance {
        source,
        format: format.to_owned(),
        packed_by: packed_by(),
        rounded,
        missing: Vec::new(),
        notes: Vec::new(),
        fingerprint: None,
    };
    let dataset =
        Dataset::new(name.to_owned(), values, sample_shape, preparation).map_err(wrong)?;
    Ok(dataset.with_provenance(provenance))
}

/// The array of labels in a file beside the samples.
fn find_labels(path: &Path) -> Result<StoredArray, Error> {
    let start = Start::read(path)?;
    if is_idx(&start) {
        return idx::find_array(path);
    }
    if start.bytes.starts_with(b"\x93NUMPY") {
        return npy::find_array(path);
    }
    Err(Error::file(
        path,
        "is no array of labels: give an IDX or .npy file of whole numbers, one for each sample",
    ))
}

fn labelled(dataset: Dataset, labels: Option<&StoredArray>) -> Result<Dataset, Error> {
    let Some(array) = labels else { return Ok(dataset) };
    let (mut labels, classes) = labels_of(&[array])?;
    let labels = labels.pop().unwrap_or_default();
    check_count(&dataset, array, labels.len())?;
    Ok(dataset.with_labels(labels.into()).with_class_names(classes.into()))
}

fn check_count(dataset: &Dataset, array: &StoredArray, labels: usize) -> Result<(), Error> {
    match labels == dataset.len() {
        true => Ok(()),
        false => Err(array.error(format!(
            "holds {labels} labels for {} samples: the two do not belong together",
            dataset.len()
        ))),
    }
}
