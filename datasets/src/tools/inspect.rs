//! Summaries of data, by one pass over all of them.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::dataset::halves::Parts;
use crate::dataset::provenance::Provenance;
use crate::error::{At as _, Error};
use crate::open::Undivided;
use crate::sample::column::{Column, ColumnKind, Encoding};
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::{BothHalves, Half};

/// The summary of data that [`inspect`] makes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The name of the file or the folder.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Its bytes on disk, without a store that was made to read it by.
    pub bytes: u64,
    /// Samples to learn from or to validate on; all, if the data are not divided.
    pub train: u64,
    /// The number of these that are for validation.
    #[serde(skip_serializing_if = "is_zero")]
    pub validation: u64,
    /// Samples for the test, if the data say which are.
    pub test: Option<u64>,
    /// The shape of a sample: `[features]`, `[height, width]` or `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// The type of its values, as NumPy calls it.
    pub dtype: &'static str,
    /// The values that a network gets of a sample. In a table, a category is a value for each of
    /// its names, and missing numbers have a value that marks them.
    pub inputs: u64,
    /// All values; `None` for a table, which has [`columns`](Inspection::columns).
    pub values: Option<NumberSummary>,
    /// A table's columns.
    pub columns: Option<Vec<ColumnSummary>>,
    /// The labels, if there are any.
    pub labels: Option<LabelSummary>,
    /// The number of samples without a label.
    pub unlabelled: u64,
    /// The source of the samples, as far as it is stored with them.
    pub provenance: Provenance,
}

/// A summary of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NumberSummary {
    /// The number of numbers.
    pub count: u64,
    /// The number of missing values, NaN, beside these.
    pub missing: u64,
    /// The number of infinite ones, which the fields below leave out.
    pub infinite: u64,
    /// The smallest; 0, as the fields below, if there is none.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// A summary of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnSummary {
    /// Numbers.
    Number {
        /// Its name.
        name: String,
        /// The numbers are dates: seconds since 1970, in UTC.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dates: bool,
        /// Its numbers.
        #[serde(flatten)]
        numbers: NumberSummary,
    },
    /// Categories.
    Category {
        /// Its name.
        name: String,
        /// The number of missing values.
        missing: u64,
        /// The categories and their counts, the most frequent first.
        categories: Vec<(String, u64)>,
    },
}

/// A summary of labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelSummary {
    /// The name of the column of the labels, if they are one.
    pub name: Option<String>,
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassCount>,
}

/// The counts of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    /// Its name.
    pub name: String,
    /// Samples to learn from.
    pub train: u64,
    /// Samples for validation.
    #[serde(skip_serializing_if = "is_zero")]
    pub validation: u64,
    /// Samples for the test.
    pub test: u64,
}

/// Numbers on their way to a [`NumberSummary`], whose mean is their sum until the end.
const NONE: NumberSummary = NumberSummary {
    count: 0,
    missing: 0,
    infinite: 0,
    min: f64::INFINITY,
    mean: 0.0,
    max: f64::NEG_INFINITY,
};

impl NumberSummary {
    fn push(&mut self, value: f64) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        self.count += 1;
        if value.is_infinite() {
            self.infinite += 1;
            return;
        }
        self.mean += value;
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
    }

    fn push_bytes(&mut self, values: &[u8]) {
        let (mut low, mut high, mut sum) = (u8::MAX, 0, 0_u64);
        for &value in values {
            (low, high) = (low.min(value), high.max(value));
            sum += u64::from(value);
        }
        self.count += values.len() as u64;
        self.mean += sum as f64;
        (self.min, self.max) = (self.min.min(f64::from(low)), self.max.max(f64::from(high)));
    }

    fn finish(self) -> NumberSummary {
        let NumberSummary { count, missing, infinite, mean: sum, .. } = self;
        match count - infinite {
            0 => NumberSummary { count, missing, infinite, ..NumberSummary::default() },
            finite => NumberSummary { mean: sum / finite as f64, ..self },
        }
    }
}

/// Looks at all samples of `data`, which lie at `path`. Memory does not grow with their number.
///
/// `progress` gets the bytes of samples read so far, and the bytes of all.
///
/// # Errors
/// If samples cannot be read or are damaged, or the halves do not belong together.
pub fn inspect(
    data: &Undivided,
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Inspection, Error> {
    let both = BothHalves::new(&data.data)?;
    let (rows, test) = (both.len_of(Half::Train), both.len_of(Half::Test));
    let columns = both.columns.as_deref().unwrap_or_default();
    let mut all = NONE;
    let mut of_columns = vec![NONE; columns.len()];
    let mut of_categories: Vec<Vec<u64>> =
        columns.iter().map(|column| vec![0; categories(&column.kind)]).collect();
    let origins: Vec<f64> = columns.iter().map(|column| column.kind.origin() as f64).collect();
    let mut of_classes = vec![[0_u64; 3]; both.class_names().len()];
    let (mut unlabelled, mut seen) = (0, 0);
    both.for_each(&Half::BOTH, &mut both.meter(&Half::BOTH, progress), |half, sample, label| {
        // Samples for validation follow those to learn from.
        let part = if half == Half::Test { 2 } else { usize::from(seen >= both.train.learnt()) };
        seen += 1;
        match of_classes.get_mut(usize::from(label)) {
            Some(counts) if label != UNLABELLED => counts[part] += 1,
            _ => unlabelled += 1,
        }
        if both.train.dtype() == Dtype::U8 {
            all.push_bytes(sample);
            return Ok(());
        }
        let values = sample.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
        if columns.is_empty() {
            values.for_each(|value| all.push(f64::from(value)));
            return Ok(());
        }
        let origins = origins.iter().copied();
        for (((value, origin), numbers), counts) in
            values.zip(origins).zip(&mut of_columns).zip(&mut of_categories)
        {
            numbers.push(f64::from(value) + origin);
            // A column of numbers has no counts.
            if let (false, Some(count)) = (value.is_nan(), counts.get_mut(value as usize)) {
                *count += 1;
            }
        }
        Ok(())
    })?;
    let summaries =
        columns.iter().zip(of_columns).zip(of_categories).map(|((column, numbers), counts)| {
            let name = column.name.clone();
            match &column.kind {
                ColumnKind::Number { dates, .. } => {
                    let dates = dates.is_some_and(|dates| !dates.are_times());
                    ColumnSummary::Number { name, dates, numbers: numbers.finish() }
                }
                ColumnKind::Category { names, .. } => {
                    let mut categories: Vec<(String, u64)> =
                        names.iter().cloned().zip(counts).collect();
                    // A stable sort: categories of the same count stay in their order.
                    categories.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
                    ColumnSummary::Category { name, missing: numbers.missing, categories }
                }
            }
        });
    let summaries: Vec<ColumnSummary> = summaries.collect();
    let inputs = match columns {
        [] => both.train.stored_shape().iter().product::<usize>() as u64,
        // A category that only the test has is no input.
        _ => both.train.columns().unwrap_or_default().iter().zip(&summaries).map(inputs).sum(),
    };
    let labels = both.has_labels().then(|| LabelSummary {
        name: both.train.label_name().map(str::to_owned),
        classes: (both.class_names().iter().zip(&of_classes))
            .map(|(name, &[train, validation, test])| ClassCount {
                name: name.clone(),
                train,
                validation,
                test,
            })
            .collect(),
    });
    Ok(Inspection {
        name: data.name.clone(),
        format: data.format.clone(),
        bytes: on_disk(path)?,
        train: rows,
        validation: both.train.validation().len() as u64,
        test: both.test.map(|_| test),
        shape: both.train.stored_shape().to_vec(),
        dtype: both.train.dtype().name(),
        values: columns.is_empty().then(|| all.finish()),
        inputs,
        columns: both.columns.is_some().then_some(summaries),
        labels,
        unlabelled,
        provenance: both.train.provenance().clone(),
    })
}

/// The values that a network gets of a column. Whether a number may be missing is decided by all
/// samples, and by a model by those that it learns from.
fn inputs((column, summary): (&Column, &ColumnSummary)) -> u64 {
    let missing = match summary {
        ColumnSummary::Number { numbers, .. } => numbers.missing > 0,
        ColumnSummary::Category { missing, .. } => *missing > 0,
    };
    match &column.kind {
        ColumnKind::Category { names, encoding: Encoding::OneHot } => names.len() as u64,
        ColumnKind::Category { .. } | ColumnKind::Number { .. } => 1 + u64::from(missing),
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn categories(kind: &ColumnKind) -> usize {
    match kind {
        ColumnKind::Number { .. } => 0,
        ColumnKind::Category { names, .. } => names.len(),
    }
}

/// The bytes of a file, or of the files of a folder: without hidden ones, and following no links.
fn on_disk(path: &Path) -> Result<u64, Error> {
    let metadata = fs::metadata(path).at(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let (mut folders, mut bytes) = (vec![path.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).at(&folder)? {
            let entry = entry.at(&folder)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // The metadata of a link are the link's own.
            let metadata = entry.metadata().at(&entry.path())?;
            match metadata.is_dir() {
                true => folders.push(entry.path()),
                false => bytes += metadata.len(),
            }
        }
    }
    Ok(bytes)
}

/// The first `each` samples of each class, of at most `classes` classes. A sample is its half, 0 to
/// learn from and 1 for the test, and its row there. Without labels, the result is the first ten
/// groups of `each` samples.
///
/// # Errors
/// If labels cannot be read, or are damaged.
pub fn examples(
    parts: &Parts,
    classes: usize,
    each: usize,
) -> Result<Vec<Vec<(usize, u32)>>, Error> {
    const GROUPS: usize = 10;
    let (train, test) = parts.both();
    let halves: Vec<_> = [Some(train), test].into_iter().flatten().enumerate().collect();
    if halves.iter().all(|(_, data)| !data.has_labels()) {
        let rows = halves
            .iter()
            .flat_map(|&(half, data)| (0..data.len() as u32).map(move |row| (half, row)));
        let rows: Vec<_> = rows.take(GROUPS * each).collect();
        return Ok(rows.chunks(each.max(1)).map(<[_]>::to_vec).collect());
    }
    let known = train.classes().max(test.map_or(0, |test| test.classes()));
    let mut found = vec![Vec::new(); known.min(classes)];
    for (half, data) in halves {
        data.for_each_label(|row, label| {
            if let Some(rows) = found.get_mut(usize::from(label))
                && rows.len() < each
            {
                rows.push((half, row as u32));
            }
            Ok(())
        })?;
    }
    Ok(found)
}
