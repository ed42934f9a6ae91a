//! Samples of one shape, and their labels.

mod blocks;
pub(crate) mod checked;
pub(crate) mod halves;
pub(crate) mod labels;
pub(crate) mod provenance;
pub(crate) mod rows;
mod stream;
pub(crate) mod values;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::dataset::checked::StoredLabels;
use crate::dataset::labels::Labels;
use crate::dataset::provenance::Provenance;
use crate::dataset::rows::Sample;
use crate::dataset::values::Values;
use crate::error::{Error, bail};
use crate::preparation::Preparation;
use crate::preparation::prepare::Prepare;
use crate::sample::column::Column;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// Samples of one shape, in memory or in a file, with labels for all of them, for some, or for
/// none.
///
/// A clone shares the values. Where they lie in a file, that is mapped or read when samples are
/// asked for. A file that others truncate, grow or rewrite meanwhile is an error then, never a
/// crash; to replace it by a rename is safe.
///
/// Values are *stored* as unsigned bytes or as floats; what a model sees of them is made by the
/// [`Preparation`], when they are [gathered](Dataset::gather).
#[derive(Clone)]
pub struct Dataset {
    name: String,
    values: Arc<Values>,
    view: View,
    stored_shape: Vec<usize>,
    preparation: Arc<Preparation>,
    columns: Option<Arc<[Column]>>,
    /// Labels, of which those of the data set begin at some place.
    labels: Option<(Labels, usize)>,
    /// One for each class.
    class_names: Arc<[String]>,
    origin: Arc<Origin>,
    /// What the values may take of it, in bytes, where that is limited.
    memory: Option<u64>,
}

/// What is known of samples beside themselves.
#[derive(Debug, Default)]
struct Origin {
    label: Option<String>,
    provenance: Provenance,
}

/// Which of the stored samples are the data set's.
#[derive(Clone, Debug)]
enum View {
    Range(Range<usize>),
    Listed(Arc<[u32]>),
}

impl View {
    fn len(&self) -> usize {
        match self {
            View::Range(range) => range.len(),
            View::Listed(rows) => rows.len(),
        }
    }

    /// The stored sample that `row` is. Panics if there is no such row.
    #[inline]
    fn stored(&self, row: u32) -> usize {
        let row = row as usize;
        match self {
            View::Range(range) => {
                assert!(row < range.len(), "row {row} of {}", range.len());
                range.start + row
            }
            View::Listed(rows) => rows[row] as usize,
        }
    }
}

impl Dataset {
    /// Wraps unsigned bytes, sample after sample, each of the shape `sample_shape`: `[features]`,
    /// `[height, width]` or `[height, width, channels]`. Values run from 0 to `max_value`. There is
    /// one label per sample, or none at all, and there are as many classes as the largest label
    /// says: one more than it. [`UNLABELLED`] stands for the label that a sample has not.
    ///
    /// # Errors
    /// If there is no sample, a part of one, or more than `u32::MAX`; if a size or `max_value` is
    /// zero; if a value lies above `max_value`; if there are not as many labels as samples.
    pub fn from_values(
        name: impl Into<String>,
        values: Vec<u8>,
        sample_shape: &[usize],
        max_value: u8,
        labels: Option<Vec<u16>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::request(format!("data set {name:?}: {problem}"));
        if max_value == 0 {
            return Err(wrong(
                "the largest value is given as 0, where it has to be 1 to 255".to_owned(),
            ));
        }
        if let Some(at) = values.iter().position(|&value| value > max_value) {
            let value = values[at];
            return Err(wrong(format!(
                "value {at} is {value}, above the given maximum of {max_value}"
            )));
        }
        let width = width(sample_shape, values.len()).map_err(wrong)?;
        let preparation = Preparation::Bytes { max: max_value };
        Self::new(name.clone(), Values::bytes(values, width), sample_shape, preparation)
            .and_then(|dataset| dataset.with_optional_labels(labels))
            .map_err(wrong)
    }

    /// Wraps floats, as [`Dataset::from_values`] does bytes. A model sees them as they are.
    ///
    /// # Errors
    /// As there, and if a value is not finite.
    pub fn from_floats(
        name: impl Into<String>,
        values: Vec<f32>,
        sample_shape: &[usize],
        labels: Option<Vec<u16>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::request(format!("data set {name:?}: {problem}"));
        let width = width(sample_shape, values.len()).map_err(wrong)?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let problem =
                format!("sample {} holds {} at its value {}", at / width, values[at], at % width);
            return Err(wrong(problem));
        }
        Self::new(name.clone(), Values::floats(values, width), sample_shape, Preparation::Floats)
            .and_then(|dataset| dataset.with_optional_labels(labels))
            .map_err(wrong)
    }

    /// The unlabelled data set, or what is wrong with it.
    pub(crate) fn new(
        name: String,
        values: Values,
        sample_shape: &[usize],
        preparation: Preparation,
    ) -> Result<Self, String> {
        if u32::try_from(values.rows).is_err() {
            return Err(format!(
                "{} samples are more than the 4294967295 that can be numbered",
                values.rows
            ));
        }
        Ok(Dataset {
            name,
            view: View::Range(0..values.rows),
            values: Arc::new(values),
            stored_shape: sample_shape.to_vec(),
            preparation: Arc::new(preparation),
            columns: None,
            labels: None,
            class_names: Arc::from([]),
            origin: Arc::default(),
            memory: None,
        })
    }

    /// These samples, with what their file says of them.
    pub(crate) fn described(
        self,
        columns: Option<Vec<Column>>,
        label: Option<String>,
        provenance: Provenance,
    ) -> Self {
        let origin = Arc::new(Origin { label, provenance });
        Dataset { columns: columns.map(Arc::from), origin, ..self }
    }

    /// These samples, whose labels are still in their file, if there are any.
    pub(crate) fn with_stored_labels(self, labels: Option<StoredLabels>) -> Self {
        Dataset { labels: labels.map(|labels| (Labels::stored(labels), 0)), ..self }
    }

    fn with_optional_labels(self, labels: Option<Vec<u16>>) -> Result<Self, String> {
        match labels {
            None => Ok(self),
            Some(labels) if labels.len() == self.len() => Ok(self.with_labels(labels.into())),
            Some(labels) => {
                Err(format!("{} samples come with {} labels", self.len(), labels.len()))
            }
        }
    }

    /// `labels` is as long as the data set, which shows all of its stored samples. Classes are
    /// called by their numbers.
    pub(crate) fn with_labels(self, labels: Arc<[u16]>) -> Self {
        let largest = labels.iter().filter(|&&label| label != UNLABELLED).max();
        let classes = largest.map_or(0, |&largest| usize::from(largest) + 1);
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Dataset { labels: Some((Labels::Owned(labels), 0)), class_names, ..self }
    }

    /// Says how many classes there are, and what they are called. Each label is below their number.
    pub(crate) fn with_class_names(self, class_names: Arc<[String]>) -> Self {
        Dataset { class_names, ..self }
    }

    /// These samples, of which a model sees what `preparation` makes.
    ///
    /// # Errors
    /// If that is for stored values of another type, or of another number.
    pub fn with_preparation(self, preparation: Preparation) -> Result<Self, Error> {
        match preparation.takes(self.values.dtype, self.values.width) {
            Ok(()) => Ok(Dataset { preparation: Arc::new(preparation), ..self }),
            Err(problem) => bail!("data set {:?}: {problem}", self.name),
        }
    }

    /// What the data set is called: the folder it came from, or `digits`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether there is no sample, as in a [`subset`](Dataset::subset) of no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of values in a sample as a model sees it.
    pub fn sample_len(&self) -> usize {
        self.preparation.features(self.values.width)
    }

    /// `(height, width, channels)` of a sample, if it is an image.
    pub fn image_shape(&self) -> Option<(usize, usize, usize)> {
        match self.stored_shape[..] {
            [height, width] => Some((height, width, 1)),
            [height, width, channels] => Some((height, width, channels)),
            _ => None,
        }
    }

    /// What the labels are called where they come from, if they are a column.
    pub fn label_name(&self) -> Option<&str> {
        self.origin.label.as_deref()
    }

    /// Where the samples come from.
    pub fn provenance(&self) -> &Provenance {
        &self.origin.provenance
    }

    /// Says where the samples come from.
    pub(crate) fn with_provenance(self, provenance: Provenance) -> Dataset {
        Dataset {
            origin: Arc::new(Origin { label: self.origin.label.clone(), provenance }),
            ..self
        }
    }

    /// The type of the stored values.
    pub fn dtype(&self) -> Dtype {
        self.values.dtype
    }

    /// The shape of a sample as it is stored.
    pub fn stored_shape(&self) -> &[usize] {
        &self.stored_shape
    }

    /// What the stored values of a sample are, if they come from a table.
    pub fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    /// What makes of stored values what a model sees.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// These samples as a model sees them that learnt from others, by the `preparation` of those:
    /// of a table, columns and categories are found by their names, whatever their order. Bytes
    /// keep their own maximum.
    ///
    /// # Errors
    /// If a column is not there, or values are of another type or another number.
    pub fn seen_by(self, preparation: &Preparation) -> Result<Self, Error> {
        match (preparation, &self.columns) {
            (Preparation::Bytes { .. }, _) if self.dtype() == Dtype::U8 => Ok(self),
            (Preparation::Table(_), Some(columns)) => {
                let wrong =
                    |problem| Error::request(format!("data set {:?}: {problem}", self.name));
                let adapted = preparation.adapted(columns).map_err(wrong)?;
                self.with_preparation(adapted)
            }
            _ => self.with_preparation(preparation.clone()),
        }
    }

    /// Calls `take` with each row's number and its stored floats, of which about so many bytes are
    /// read at once.
    ///
    /// # Errors
    /// What `take` says; as [`Dataset::gather`].
    ///
    /// # Panics
    /// If the stored values are bytes.
    pub(crate) fn for_each_stored_floats(
        &self,
        bytes: usize,
        mut take: impl FnMut(usize, &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        assert!(self.dtype() == Dtype::F32, "bytes are stored");
        let batch = (bytes / self.values.row_bytes()).clamp(1, self.len().max(1));
        let mut values = vec![0.0_f32; batch * self.values.width];
        let mut rows = Vec::with_capacity(batch);
        for start in (0..self.len()).step_by(batch) {
            rows.clear();
            rows.extend(start as u32..(start + batch).min(self.len()) as u32);
            let values = &mut values[..rows.len() * self.values.width];
            self.gather_stored(&rows, bytemuck::cast_slice_mut(values))?;
            for (row, sample) in (start..).zip(values.chunks_exact(self.values.width)) {
                take(row, sample)?;
            }
        }
        Ok(())
    }

    /// A data set without a sample.
    pub(crate) fn nothing() -> Self {
        let values = Values::bytes(Vec::new(), 1);
        Self::new(String::new(), values, &[1], Preparation::Bytes { max: u8::MAX })
            .expect("nothing is few")
    }

    /// Whether all values that a model sees lie in [0, 1].
    pub fn in_unit_range(&self) -> bool {
        self.preparation.in_unit_range()
    }

    /// Whether there are labels, if only for some samples.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// The labels, one per sample and each below [`classes`](Dataset::classes), or [`UNLABELLED`];
    /// `None` if the data set has none at all. Those of a store are read when they are first asked
    /// for.
    ///
    /// # Errors
    /// If a store's labels cannot be read, or are damaged.
    pub fn labels(&self) -> Result<Option<&[u16]>, Error> {
        let Some((labels, start)) = &self.labels else { return Ok(None) };
        Ok(Some(&labels.all()?[*start..][..self.len()]))
    }

    /// The rows that have a label, ascending.
    ///
    /// # Errors
    /// As [`labels`](Dataset::labels).
    pub fn labelled_rows(&self) -> Result<Vec<u32>, Error> {
        let labels = self.labels()?.unwrap_or_default();
        let rows = (0..).zip(labels).filter(|&(_, &label)| label != UNLABELLED);
        Ok(rows.map(|(row, _)| row).collect())
    }

    /// The number of classes, of which a subset may hold fewer; 0 without labels.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What the classes are called, in the order of their labels: by the names that the data set's
    /// format gives them, else by their numbers. As many as there are
    /// [`classes`](Dataset::classes).
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Writes the samples `rows` to `out`, of the shape `(rows.len(), sample_len)`, as a model sees
    /// them: of bytes `value / max_value`, `f32` in `[0, 1]`, correctly rounded, and therefore the
    /// same bits on every machine. Allocates nothing, but for a buffer of one sample that is a
    /// table's, once in a thread.
    ///
    /// # Errors
    /// If the file of the values cannot be read any more, or was changed: then `out` is not to be
    /// used.
    ///
    /// # Panics
    /// If a row is not there, or `out` has another length.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) -> Result<(), Error> {
        let length = self.sample_len();
        assert_eq!(out.len(), rows.len() * length, "out holds one sample a row");
        let stored = rows.iter().map(|&row| self.view.stored(row));
        let mut prepare = Prepare::new(&self.preparation, self.values.row_bytes());
        self.values.visit(stored, |i, start, bytes| {
            prepare.run(start, bytes, &mut out[i * length..][..length]);
        })
    }

    /// As [`Dataset::gather`], of `samples` of a window, whose stored bytes these are.
    pub(crate) fn gather_window(&self, bytes: &[u8], samples: &[Sample], out: &mut [f32]) {
        let (length, row_bytes) = (self.sample_len(), self.values.row_bytes());
        assert_eq!(out.len(), samples.len() * length, "out holds one sample a row");
        let mut prepare = Prepare::new(&self.preparation, row_bytes);
        for (sample, out) in samples.iter().zip(out.chunks_exact_mut(length)) {
            prepare.run(0, &bytes[sample.place as usize * row_bytes..][..row_bytes], out);
        }
    }

    /// Writes the stored bytes of the samples `rows` to `out`, of the shape `(rows.len(), values of
    /// a sample)`: `u8`, or little-endian `f32`, as [`dtype`](Dataset::dtype) says.
    ///
    /// # Errors
    /// As [`Dataset::gather`].
    ///
    /// # Panics
    /// As there.
    pub fn gather_stored(&self, rows: &[u32], out: &mut [u8]) -> Result<(), Error> {
        let length = self.values.row_bytes();
        assert_eq!(out.len(), rows.len() * length, "out holds one sample a row");
        let stored = rows.iter().map(|&row| self.view.stored(row));
        self.values.visit(stored, |i, start, bytes| {
            out[i * length + start..][..bytes.len()].copy_from_slice(bytes);
        })
    }

    /// The stored bytes of one sample, as [`Dataset::gather_stored`] has them.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn stored_bytes(&self, row: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.values.row_bytes()];
        self.gather_stored(&[u32::try_from(row).expect("a row's number has 32 bits")], &mut bytes)?;
        Ok(bytes)
    }

    /// Writes the labels of the samples `rows` to `out`, one each; [`UNLABELLED`] for a sample that
    /// has none.
    ///
    /// # Errors
    /// As [`labels`](Dataset::labels).
    ///
    /// # Panics
    /// If the data set has no labels, a row is not there, or `out` has another length.
    pub fn gather_labels(&self, rows: &[u32], out: &mut [u32]) -> Result<(), Error> {
        assert_eq!(out.len(), rows.len(), "out holds one label a row");
        let labels = self.labels()?.expect("gather_labels needs a data set with labels");
        for (&row, out) in rows.iter().zip(out) {
            *out = u32::from(labels[row as usize]);
        }
        Ok(())
    }

    /// The samples `rows` alone, in that order. The values are shared. It keeps the name and the
    /// number of classes, whether or not its rows show all of them.
    ///
    /// # Errors
    /// As [`labels`](Dataset::labels).
    ///
    /// # Panics
    /// If a row is not there.
    pub fn subset(&self, rows: &[u32]) -> Result<Dataset, Error> {
        let labels =
            self.labels()?.map(|labels| rows.iter().map(|&row| labels[row as usize]).collect());
        let view = View::Listed(rows.iter().map(|&row| self.view.stored(row) as u32).collect());
        let labels = labels.map(|labels| (Labels::Owned(labels), 0));
        Ok(Dataset { view, labels, ..self.clone() })
    }

    /// The same samples, of whose values a [`Loader`](crate::Loader) keeps no more than so many
    /// bytes in memory. Without a limit it is half of what the system or the process's control
    /// group has available when training begins.
    pub fn with_memory(self, bytes: u64) -> Dataset {
        Dataset { memory: Some(bytes), ..self }
    }

    /// The same samples, with the classes `names`, in that order, in place of their own: a label
    /// becomes that of the class of the same name.
    ///
    /// # Errors
    /// If there are labels of a class that is not among them; as [`labels`](Dataset::labels).
    pub fn with_classes(self, names: &[String]) -> Result<Dataset, Error> {
        if *self.class_names == *names || !self.has_labels() {
            return Ok(self);
        }
        let place = |name: &String| names.iter().position(|other| other == name);
        let places: Vec<Option<usize>> = self.class_names.iter().map(place).collect();
        let labels = self.labels()?.unwrap_or_default();
        let mut renamed = Vec::with_capacity(labels.len());
        for (row, &label) in labels.iter().enumerate() {
            renamed.push(match label {
                UNLABELLED => UNLABELLED,
                label => match places[usize::from(label)] {
                    Some(place) => place as u16,
                    None => {
                        let (name, class) = (&self.name, &self.class_names[usize::from(label)]);
                        bail!(
                            "data set {name:?}: row {row} has the label {class:?}, which is none \
                             of the classes {}",
                            listed(names)
                        );
                    }
                },
            });
        }
        Ok(Dataset {
            labels: Some((Labels::Owned(renamed.into()), 0)),
            class_names: names.into(),
            ..self
        })
    }

    /// The samples of a range of rows. Panics unless the data set shows all of its stored samples.
    pub(crate) fn range(&self, rows: Range<usize>) -> Dataset {
        assert!(matches!(&self.view, View::Range(all) if all.start == 0 && rows.end <= all.end));
        let labels = self.labels.clone().map(|(labels, start)| (labels, start + rows.start));
        Dataset { view: View::Range(rows), labels, ..self.clone() }
    }

    /// The same samples in two classes: 1, called `class`, for those of that class, and 0, called
    /// `rest`, for all others.
    ///
    /// # Errors
    /// If there are no labels, no class of that name, or no other class.
    pub fn one_against_rest(&self, class: &str) -> Result<Dataset, Error> {
        let wrong =
            |problem: String| Error::request(format!("data set {:?}: {problem}", self.name));
        let Some(labels) = self.labels()? else {
            return Err(wrong(format!("there are no labels, and so no class {class:?}")));
        };
        let Some(one) = self.class_names.iter().position(|name| name == class) else {
            return Err(wrong(format!(
                "there is no class {class:?}: it has {}",
                listed(&self.class_names)
            )));
        };
        if self.class_names.len() == 1 {
            return Err(wrong(format!("{class:?} is its only class, so that there is no rest")));
        }
        let against = |label: u16| match label {
            UNLABELLED => UNLABELLED,
            label => u16::from(usize::from(label) == one),
        };
        let labels = labels.iter().map(|&label| against(label)).collect();
        let class_names = Arc::from(["rest".to_owned(), class.to_owned()]);
        Ok(Dataset { labels: Some((Labels::Owned(labels), 0)), class_names, ..self.clone() })
    }
}

/// The values of a sample of the shape `sample_shape`, if `count` of them are whole samples, and at
/// least one.
pub(crate) fn width(sample_shape: &[usize], count: usize) -> Result<usize, String> {
    let width = sample_shape.iter().try_fold(1_usize, |width, &size| width.checked_mul(size));
    let Some(width) = width.filter(|&width| width > 0 && !sample_shape.is_empty()) else {
        return Err(format!("no sample can have the shape {sample_shape:?}"));
    };
    if count == 0 || !count.is_multiple_of(width) {
        return Err(format!(
            "{count} values do not divide into samples of {width} (shape {sample_shape:?})"
        ));
    }
    Ok(width)
}

/// `names`, or the first of them where they would make a line too long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> =
        names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
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
            .field("len", &self.len())
            .field("dtype", &self.values.dtype)
            .field("stored_shape", &self.stored_shape)
            .field("classes", &self.classes())
            .field("labelled", &self.labels.is_some())
            .finish_non_exhaustive()
    }
}
