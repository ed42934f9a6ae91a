//! Files of arrays as samples and labels.

use std::path::Path;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::dataset::halves::{Parts, unlike};
use crate::dataset::in_memory::width;
use crate::dataset::provenance::{Provenance, packed_by};
use crate::dataset::values::Values;
use crate::error::{At as _, Error, OneLine, bail};
use crate::files::data_file::{Access, DataFile};
use crate::formats::arrays::decoder::{Array, ArrayValues};
use crate::formats::arrays::labels::labels_of;
use crate::formats::arrays::names::{Roles, roles};
use crate::formats::arrays::stored::{NamedArray, StoredArray};
use crate::formats::arrays::{idx, npy};
use crate::formats::options::OpenOptions;
use crate::formats::source::{Found, Start};
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// The most dimensions of a sample: height, width and channels.
const LARGEST_RANK: usize = 3;

/// Tells whether a file is IDX: two zeros, one of its types, and a number of dimensions.
pub(crate) fn is_idx(start: &Start) -> bool {
    matches!(start.bytes[..], [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..])
}

/// Tells whether a file is safetensors: the length of its header, which the file has, and a brace.
pub(crate) fn is_safetensors(start: &Start) -> bool {
    match start.bytes.split_first_chunk() {
        Some((&length, [b'{', ..])) => u64::from_le_bytes(length) < start.length && !start.gzip,
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
    let Roles { train, test } = roles(&names).at(path)?;
    let mut arrays: Vec<Option<Result<StoredArray, Error>>> =
        arrays.into_iter().map(|array| Some(array.array)).collect();
    let mut take = |at: usize| arrays[at].take().expect("each array has one role");
    let (train_samples, train_labels) =
        (take(train.samples)?, train.labels.map(&mut take).transpose()?);
    let Some(test) = test else {
        let labels = match (&options.labels, train_labels) {
            (None, labels) => labels,
            (Some(file), None) => Some(find_labels(file)?),
            (Some(_), Some(labels)) => {
                return Err(labels.error("are labels already: give no others"));
            }
        };
        let whole =
            labelled(samples(&train_samples, format, name, options.access)?, labels.as_ref())?;
        return Ok(Found { parts: Parts::Whole(whole), ..Found::default() });
    };
    if options.labels.is_some() {
        bail!(path, "holds two halves, whose labels have to be inside: give no others");
    }
    let (test_samples, test_labels) =
        (take(test.samples)?, test.labels.map(&mut take).transpose()?);
    let train = samples(&train_samples, format, name, options.access)?;
    let test = samples(&test_samples, format, name, options.access)?;
    if let Some(problem) = unlike(&train, &test) {
        return Err(test_samples.error(problem));
    }
    let (train, test) = match (train_labels, test_labels) {
        (None, None) => (train, test),
        (Some(train_labels), Some(test_labels)) => {
            let (labels, classes) = labels_of(&[&train_labels, &test_labels])?;
            let classes: Arc<[String]> = classes.into();
            let [of_train, of_test] =
                <[Vec<u16>; 2]>::try_from(labels).expect("as many as asked for");
            check_count(&train, &train_labels, of_train.len())?;
            check_count(&test, &test_labels, of_test.len())?;
            if let Some((row, class)) = unseen(&of_train, &of_test) {
                return Err(test_labels.error(format!(
                    "row {row} has the label {}, a class that no training sample has, so that no \
                     model could learn it: mend it, or set it to -1",
                    classes[usize::from(class)]
                )));
            }
            let with = |half: Dataset, labels: Vec<u16>| {
                half.with_labels(labels.into()).with_class_names(classes.clone())
            };
            (with(train, of_train), with(test, of_test))
        }
        (Some(labels), None) | (None, Some(labels)) => {
            return Err(labels.error(
                "are the labels of one half, and the other has none: give both, or neither",
            ));
        }
    };
    Ok(Found { parts: Parts::Halves(train, test), ..Found::default() })
}

/// The first row of `test` of a class that no row of `train` has, and that class.
fn unseen(train: &[u16], test: &[u16]) -> Option<(usize, u16)> {
    let mut known = vec![false; usize::from(UNLABELLED) + 1];
    known[usize::from(UNLABELLED)] = true;
    train.iter().for_each(|&label| known[usize::from(label)] = true);
    let row = test.iter().position(|&label| !known[usize::from(label)])?;
    Some((row, test[row]))
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
