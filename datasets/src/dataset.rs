//! Samples of one shape, and their labels.

mod blocks;
pub(crate) mod checked;
mod classes;
mod fingerprint;
mod gather;
pub(crate) mod halves;
pub(crate) mod in_memory;
pub(crate) mod labels;
mod prepared;
pub(crate) mod provenance;
pub(crate) mod rows;
mod stream;
pub(crate) mod table_text;
pub(crate) mod texts;
pub(crate) mod unseen;
pub(crate) mod values;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::dataset::checked::StoredLabels;
use crate::dataset::labels::Labels;
use crate::dataset::provenance::Provenance;
use crate::dataset::table_text::TableText;
use crate::dataset::values::Values;
use crate::error::{Error, Problem};
use crate::preparation::Preparation;
use crate::sample::column::Column;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// Samples of one shape, in memory or in a file, with labels for all of them, for some, or for
/// none.
///
/// A clone shares the values. Values in a file are mapped, or read when samples are asked for. If
/// others truncate, grow or rewrite the file meanwhile, that is an error, never a crash; to replace
/// it by a rename is safe.
///
/// Values are *stored* as unsigned bytes or as floats. The [`Preparation`] makes of them the values
/// that a model sees, when they are [gathered](Dataset::gather).
#[derive(Clone)]
pub struct Dataset {
    name: String,
    values: Arc<Values>,
    view: View,
    stored_shape: Vec<usize>,
    preparation: Arc<Preparation>,
    columns: Option<Arc<[Column]>>,
    /// Labels, and the place among them of the first sample's.
    labels: Option<(Labels, usize)>,
    /// One for each class.
    class_names: Arc<[String]>,
    origin: Arc<Origin>,
    /// The bytes of memory that the values may take, where these are limited.
    memory: Option<u64>,
    /// The number of samples for validation: the last ones.
    validation: usize,
}

/// The source of the samples, and the name of their labels there.
#[derive(Clone, Debug, Default)]
struct Origin {
    label: Option<String>,
    provenance: Provenance,
    /// The file of each stored sample, if each has one.
    files: Arc<[String]>,
    /// The table that they come from, if they come from one as it was written.
    table: Option<Arc<dyn TableText>>,
}

/// The stored samples that belong to the data set.
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
    /// The unlabelled data set, or the problem with it.
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
            validation: 0,
        })
    }

    /// The same samples with the columns, the name of the label and the source that a file names.
    pub(crate) fn described(
        self,
        columns: Option<Vec<Column>>,
        label: Option<String>,
        provenance: Provenance,
    ) -> Self {
        let origin = Arc::new(Origin { label, provenance, ..Origin::default() });
        Dataset { columns: columns.map(Arc::from), origin, ..self }
    }

    /// The same samples with labels, if there are any, that are still in their file.
    pub(crate) fn with_stored_labels(self, labels: Option<StoredLabels>) -> Self {
        Dataset { labels: labels.map(|labels| (Labels::stored(labels), 0)), ..self }
    }

    /// The same samples with `labels`, of which there are as many. Classes are called by their
    /// numbers.
    pub(crate) fn with_labels(self, labels: Arc<[u16]>) -> Self {
        let largest = labels.iter().filter(|&&label| label != UNLABELLED).max();
        let classes = largest.map_or(0, |&largest| usize::from(largest) + 1);
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Dataset { labels: Some((Labels::Owned(labels), 0)), class_names, ..self }
    }

    /// The same samples with these names of the classes. Each label is below their number.
    pub(crate) fn with_class_names(self, class_names: Arc<[String]>) -> Self {
        Dataset { class_names, ..self }
    }

    /// The same samples, prepared for a model by `preparation`.
    ///
    /// # Errors
    /// If it is for stored values of another type, or of another number.
    pub fn with_preparation(self, preparation: Preparation) -> Result<Self, Error> {
        match preparation.takes(self.values.dtype, self.values.width) {
            Ok(()) => Ok(Dataset { preparation: Arc::new(preparation), ..self }),
            Err(problem) => Err(self.error(problem)),
        }
    }

    /// An error about this data set.
    pub(crate) fn error(&self, problem: impl Into<Problem>) -> Error {
        Error::data_set(&self.name, problem)
    }

    /// The name of the data set: the folder it came from, or `digits`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Tells whether there is no sample, as in a [`subset`](Dataset::subset) of no rows.
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

    /// The name of the column that the labels come from, if they come from one.
    pub fn label_name(&self) -> Option<&str> {
        self.origin.label.as_deref()
    }

    /// The source of the samples.
    pub fn provenance(&self) -> &Provenance {
        &self.origin.provenance
    }

    /// The same samples, with their source.
    pub(crate) fn with_provenance(self, provenance: Provenance) -> Dataset {
        let origin = Origin { provenance, ..(*self.origin).clone() };
        Dataset { origin: Arc::new(origin), ..self }
    }

    /// The same samples, each stored one of which comes from one of `files`.
    pub(crate) fn with_files(self, files: Arc<[String]>) -> Dataset {
        let origin = Origin { files, ..(*self.origin).clone() };
        Dataset { origin: Arc::new(origin), ..self }
    }

    /// The same samples, which were read from `table`.
    pub(crate) fn with_table(self, table: Arc<dyn TableText>) -> Dataset {
        let origin = Origin { table: Some(table), ..(*self.origin).clone() };
        Dataset { origin: Arc::new(origin), ..self }
    }

    /// Tells whether each sample is a file.
    pub fn has_files(&self) -> bool {
        !self.origin.files.is_empty()
    }

    /// The file that a sample comes from, within the folder of the data; `None` unless each sample
    /// is a file, as images are.
    ///
    /// # Panics
    /// If the row is not there.
    pub fn file(&self, row: u32) -> Option<&str> {
        self.origin.files.get(self.view.stored(row)).map(String::as_str)
    }

    /// The type of the stored values.
    pub fn dtype(&self) -> Dtype {
        self.values.dtype
    }

    /// The shape of a sample as it is stored.
    pub fn stored_shape(&self) -> &[usize] {
        &self.stored_shape
    }

    /// The columns of the stored values, if they come from a table.
    pub fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    /// The preparation that makes of stored values the values that a model sees.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// A data set without a sample.
    pub(crate) fn nothing() -> Self {
        let values = Values::bytes(Vec::new(), 1);
        Self::new(String::new(), values, &[1], Preparation::Bytes { max: u8::MAX })
            .expect("nothing is few")
    }

    /// The same samples, the last `count` of which are for validation: no model learns from them,
    /// and they choose among models.
    ///
    /// # Panics
    /// If that leaves none to learn from.
    #[must_use]
    pub fn with_validation(self, count: usize) -> Self {
        assert!(count < self.len(), "{count} of {} samples for validation", self.len());
        Dataset { validation: count, ..self }
    }

    /// The number of samples to learn from, the first ones: all that are not for
    /// [`validation`](Dataset::validation).
    pub fn learnt(&self) -> usize {
        self.len() - self.validation
    }

    /// The rows that the data set off for validation, behind all others; often none. A
    /// [`subset`](Dataset::subset) has none.
    pub fn validation(&self) -> Range<u32> {
        self.learnt() as u32..self.len() as u32
    }

    /// Tells whether all values that a model sees lie in [0, 1].
    pub fn in_unit_range(&self) -> bool {
        self.preparation.in_unit_range()
    }

    /// The samples `rows` alone, in that order. The values are shared. The subset keeps the name
    /// and the number of classes, even if no row shows some of them.
    ///
    /// # Errors
    /// The same as of [`labels`](Dataset::labels).
    ///
    /// # Panics
    /// If a row is not there.
    pub fn subset(&self, rows: &[u32]) -> Result<Dataset, Error> {
        let labels =
            self.labels()?.map(|labels| rows.iter().map(|&row| labels[row as usize]).collect());
        let view = View::Listed(rows.iter().map(|&row| self.view.stored(row) as u32).collect());
        let labels = labels.map(|labels| (Labels::Owned(labels), 0));
        Ok(Dataset { view, labels, validation: 0, ..self.clone() })
    }

    /// The same samples with a limit to memory: a [`Loader`](crate::Loader) keeps at most `bytes`
    /// bytes of their values. The default is half of the memory that the system or the process's
    /// control group has available when training begins.
    #[must_use]
    pub fn with_memory(self, bytes: u64) -> Dataset {
        Dataset { memory: Some(bytes), ..self }
    }

    /// The samples of a range of rows. Panics unless the data set shows all of its stored samples.
    pub(crate) fn range(&self, rows: Range<usize>) -> Dataset {
        assert!(matches!(&self.view, View::Range(all) if all.start == 0 && rows.end <= all.end));
        let labels = self.labels.clone().map(|(labels, start)| (labels, start + rows.start));
        Dataset { view: View::Range(rows), labels, validation: 0, ..self.clone() }
    }
}

/// A description without the values.
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
