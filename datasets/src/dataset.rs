//! Samples of one shape, and their labels.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::convert::{Convert, prefetch};
use crate::error::{Error, OneLine};
use crate::idx::{self, Idx, Kind};
use crate::store::Store;

/// Samples of one shape as unsigned bytes, in memory or in a mapped file, with or without labels.
///
/// A clone shares the values. A data set that [`open`](crate::open) or [`Dataset::from_idx`] mapped needs its
/// files to stay as they are: a file that is truncated while it is mapped ends the process with `SIGBUS`
/// (replacing it by a rename is safe).
#[derive(Clone)]
pub struct Dataset {
    name: String,
    /// `(len, sample_len)`
    values: Arc<Store>,
    len: usize,
    sample_shape: Vec<usize>,
    sample_len: usize,
    max_value: u8,
    /// `(len)`, each below `classes`
    labels: Option<Arc<[u8]>>,
    /// One for each class.
    class_names: Arc<[String]>,
}

/// The two halves that learning and its measure are kept apart in. Their shapes and classes are the same.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// What is learnt from.
    pub train: Dataset,
    /// What the result is measured on.
    pub test: Dataset,
}

impl Dataset {
    /// Wraps `values`, sample after sample, each of the shape `sample_shape`: `[features]`, `[height, width]`
    /// or `[height, width, channels]`. Values run from 0 to `max_value`. There is one label per sample, or
    /// none at all, and there are as many classes as the largest label says: one more than it.
    ///
    /// # Errors
    /// If there is no sample, a part of one, or more than `u32::MAX`; if a size or `max_value` is zero; if a
    /// value lies above `max_value`; if there are not as many labels as samples.
    pub fn from_values(
        name: impl Into<String>,
        values: Vec<u8>,
        sample_shape: &[usize],
        max_value: u8,
        labels: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::request(format!("data set {name:?}: {problem}"));
        if max_value == 0 {
            return Err(wrong("the largest value is given as 0, where it has to be 1 to 255".to_owned()));
        }
        if let Some(at) = values.iter().position(|&value| value > max_value) {
            let value = values[at];
            return Err(wrong(format!("value {at} is {value}, above the given maximum of {max_value}")));
        }
        let dataset =
            Self::new(name.clone(), Store::Owned(values), sample_shape, max_value).map_err(wrong)?;
        match labels {
            None => Ok(dataset),
            Some(labels) if labels.len() == dataset.len => Ok(dataset.with_labels(labels.into())),
            Some(labels) => Err(wrong(format!("{} samples come with {} labels", dataset.len, labels.len()))),
        }
    }

    /// Reads an IDX file of images and, if given, one of labels. A path that ends in `.gz` is decompressed
    /// into memory, any other is mapped. Pixels run from 0 to 255. A fourth dimension of the images is their
    /// channels.
    ///
    /// # Errors
    /// If a file is missing, unreadable, damaged, or of another format; if the two differ in their counts.
    pub fn from_idx(name: impl Into<String>, images: &Path, labels: Option<&Path>) -> Result<Self, Error> {
        let Idx { sizes, values } = idx::read(images, Kind::Images)?;
        let dataset = Self::new(name.into(), values, &sizes[1..], u8::MAX)
            .map_err(|problem| Error::file(images, problem))?;
        let Some(path) = labels else { return Ok(dataset) };
        // Copied even where it is mapped: labels index into things, and have to stay what they were when
        // checked.
        let labels: Arc<[u8]> = Arc::from(&*idx::read(path, Kind::Labels)?.values);
        if labels.len() != dataset.len {
            let counts = format!("{} labels for the {} images", labels.len(), dataset.len);
            let images = OneLine(images);
            return Err(Error::file(
                path,
                format!("holds {counts} of {images}: the two do not belong together"),
            ));
        }
        Ok(dataset.with_labels(labels))
    }

    /// The unlabelled data set, or what is wrong with it.
    pub(crate) fn new(
        name: String,
        values: Store,
        sample_shape: &[usize],
        max_value: u8,
    ) -> Result<Self, String> {
        let sample_len = sample_shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
        let sample_len = sample_len.filter(|&len| len > 0 && !sample_shape.is_empty());
        let Some(sample_len) = sample_len else {
            return Err(format!("no sample can have the shape {sample_shape:?}"));
        };
        if values.is_empty() || !values.len().is_multiple_of(sample_len) {
            return Err(format!(
                "{} values do not divide into samples of {sample_len} (shape {sample_shape:?})",
                values.len()
            ));
        }
        let len = values.len() / sample_len;
        if u32::try_from(len).is_err() {
            return Err(format!("{len} samples are more than the 4294967295 that can be numbered"));
        }
        Ok(Dataset {
            name,
            values: Arc::new(values),
            len,
            sample_shape: sample_shape.to_vec(),
            sample_len,
            max_value,
            labels: None,
            class_names: Arc::from([]),
        })
    }

    /// `labels` is as long as the data set. Classes are called by their numbers.
    pub(crate) fn with_labels(self, labels: Arc<[u8]>) -> Self {
        let classes = labels.iter().max().map_or(0, |&largest| usize::from(largest) + 1);
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Dataset { labels: Some(labels), class_names, ..self }
    }

    /// Says how many classes there are, and what they are called. Each label is below their number.
    pub(crate) fn with_class_names(self, class_names: Arc<[String]>) -> Self {
        Dataset { class_names, ..self }
    }

    /// What the data set is called: the folder it came from, or `digits`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no sample, as in a [`subset`](Dataset::subset) of no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of values in a sample.
    pub fn sample_len(&self) -> usize {
        self.sample_len
    }

    /// `(height, width, channels)` of a sample, if it is an image.
    pub fn image_shape(&self) -> Option<(usize, usize, usize)> {
        match self.sample_shape[..] {
            [height, width] => Some((height, width, 1)),
            [height, width, channels] => Some((height, width, channels)),
            _ => None,
        }
    }

    /// What 1.0 stands for: [`gather`](Dataset::gather) divides by it.
    pub fn max_value(&self) -> u8 {
        self.max_value
    }

    /// The labels, one per sample and each below [`classes`](Dataset::classes); `None` if the data set has
    /// none.
    pub fn labels(&self) -> Option<&[u8]> {
        self.labels.as_deref()
    }

    /// The number of classes, of which a subset may hold fewer; 0 without labels.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What the classes are called, in the order of their labels: by the names that the data set's format gives
    /// them, else by their numbers. As many as there are [`classes`](Dataset::classes).
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The values of sample `row`, [`sample_len`](Dataset::sample_len) of them.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn sample(&self, row: usize) -> &[u8] {
        &self.values[row * self.sample_len..][..self.sample_len]
    }

    /// Writes the samples `rows` to `out`, of the shape `(rows.len(), sample_len)`, as `value / max_value`:
    /// `f32` in `[0, 1]`, correctly rounded, and therefore the same bits on every machine. Allocates nothing.
    ///
    /// # Panics
    /// If a row is not there, or `out` has another length.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) {
        assert_eq!(out.len(), rows.len() * self.sample_len, "out holds one sample a row");
        let values: &[u8] = &self.values;
        let sample = |row: u32| &values[row as usize * self.sample_len..][..self.sample_len];
        let convert = Convert::new(self.max_value);
        for (at, (&row, out)) in rows.iter().zip(out.chunks_exact_mut(self.sample_len)).enumerate() {
            // Shuffled rows lie anywhere, where no processor guesses the next: a sample would spend three
            // quarters of its time waiting for memory. Fetched two ahead it takes little more than half as
            // long; four ahead gains no more.
            if let Some(&ahead) = rows.get(at + 2) {
                prefetch(sample(ahead));
            }
            convert.run(sample(row), out);
        }
    }

    /// Writes the labels of the samples `rows` to `out`, one each.
    ///
    /// # Panics
    /// If the data set has no labels, a row is not there, or `out` has another length.
    pub fn gather_labels(&self, rows: &[u32], out: &mut [u32]) {
        assert_eq!(out.len(), rows.len(), "out holds one label a row");
        let labels = self.labels().expect("gather_labels needs a data set with labels");
        for (&row, out) in rows.iter().zip(out) {
            *out = u32::from(labels[row as usize]);
        }
    }

    /// A data set of the samples `rows` alone, in that order, copied to memory. It keeps the name and the
    /// number of classes, whether or not its rows show all of them.
    ///
    /// # Panics
    /// If a row is not there.
    pub fn subset(&self, rows: &[u32]) -> Dataset {
        let mut values = Vec::with_capacity(rows.len() * self.sample_len);
        for &row in rows {
            values.extend_from_slice(self.sample(row as usize));
        }
        let labels = self.labels().map(|labels| rows.iter().map(|&row| labels[row as usize]).collect());
        Dataset {
            name: self.name.clone(),
            values: Arc::new(Store::Owned(values)),
            len: rows.len(),
            sample_shape: self.sample_shape.clone(),
            max_value: self.max_value,
            sample_len: self.sample_len,
            class_names: self.class_names.clone(),
            labels,
        }
    }

    /// The same samples in two classes: 1, called `class`, for those of that class, and 0, called `rest`, for all
    /// others.
    ///
    /// # Errors
    /// If there are no labels, no class of that name, or no other class.
    pub fn one_against_rest(&self, class: &str) -> Result<Dataset, Error> {
        let wrong = |problem: String| Error::request(format!("data set {:?}: {problem}", self.name));
        let Some(labels) = &self.labels else {
            return Err(wrong(format!("there are no labels, and so no class {class:?}")));
        };
        let Some(one) = self.class_names.iter().position(|name| name == class) else {
            return Err(wrong(format!("there is no class {class:?}: it has {}", listed(&self.class_names))));
        };
        if self.class_names.len() == 1 {
            return Err(wrong(format!("{class:?} is its only class, so that there is no rest")));
        }
        Ok(Dataset {
            labels: Some(labels.iter().map(|&label| u8::from(usize::from(label) == one)).collect()),
            class_names: Arc::from(["rest".to_owned(), class.to_owned()]),
            ..self.clone()
        })
    }
}

impl TrainTest {
    /// [`Dataset::one_against_rest`] of both halves.
    ///
    /// # Errors
    /// As there.
    pub fn one_against_rest(&self, class: &str) -> Result<TrainTest, Error> {
        Ok(TrainTest { train: self.train.one_against_rest(class)?, test: self.test.one_against_rest(class)? })
    }
}

/// `names`, or the first of them where they would make a line too long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// The description, without the values.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("name", &self.name)
            .field("len", &self.len)
            .field("sample_shape", &self.sample_shape)
            .field("max_value", &self.max_value)
            .field("classes", &self.classes())
            .field("labelled", &self.labels.is_some())
            .finish_non_exhaustive()
    }
}
