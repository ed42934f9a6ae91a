//! Data of any format into files that other programs read. Memory does not grow with the samples,
//! and a file has its name only when it is complete.

mod idx;
mod npy;
mod npz;
mod safetensors;
mod table;

use std::path::{Path, PathBuf};

use crate::dataset::halves::Parts;
use crate::error::{Error, bail};
use crate::formats::tables::write::TableFormat;
use crate::open::Undivided;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::{BothHalves, Half, ProgressMeter};

/// A format of exported files.
#[derive(Clone, Copy)]
pub struct ExportFormat {
    ending: &'static str,
    /// Labels have a file of their own.
    labels_apart: bool,
    /// Classes keep their names.
    names: bool,
    write: fn(&Export<'_>, &Path, &mut ProgressMeter<'_>) -> Result<u64, Error>,
}

/// All formats, one entry for each.
const FORMATS: &[ExportFormat] = &[
    // NumPy's array of the values, and, if there are labels, another of those.
    ExportFormat { ending: "npy", labels_apart: true, names: false, write: npy::write },
    // NumPy's arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`.
    ExportFormat { ending: "npz", labels_apart: false, names: false, write: npz::write },
    // Text, separated by commas: a column for each value, and one for the labels.
    ExportFormat {
        ending: "csv",
        labels_apart: false,
        names: true,
        write: |export, out, meter| table::write(export, TableFormat::Csv, out, meter),
    },
    // MNIST's arrays of bytes, and, if there are labels, another of those.
    ExportFormat { ending: "idx", labels_apart: true, names: false, write: idx::write },
    // Tensors of the same names as `npz` has.
    ExportFormat {
        ending: "safetensors",
        labels_apart: false,
        names: true,
        write: safetensors::write,
    },
    // The columns of `csv`. Takes the crate's feature `parquet`.
    ExportFormat {
        ending: "parquet",
        labels_apart: false,
        names: true,
        write: |export, out, meter| table::write(export, TableFormat::Parquet, out, meter),
    },
];

/// The samples that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportPart {
    /// All samples.
    #[default]
    All,
    /// The samples to learn from.
    Train,
    /// The samples for the test.
    Test,
}

/// The content of the written files.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The samples.
    pub rows: u64,
    /// The number of these that are for validation, which no format tells: the last ones of those
    /// to learn from.
    pub validation: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// Labels were written.
    pub labelled: bool,
    /// Labels were written as the places of their classes, because the format cannot hold names.
    pub names_lost: bool,
}

impl ExportFormat {
    /// The endings of all formats, in a text: `.npy, .npz` and so on.
    pub fn endings() -> String {
        FORMATS.iter().map(|format| format!(".{}", format.ending)).collect::<Vec<_>>().join(", ")
    }

    /// The format of a file, by its ending.
    ///
    /// # Errors
    /// If it has none of those that are written.
    pub fn of(out: &Path) -> Result<Self, Error> {
        let ending = out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        FORMATS.iter().find(|format| format.ending == ending).copied().ok_or_else(|| {
            let names = ExportFormat::endings();
            Error::file(out, format!("has no known ending: end it in one of {names}"))
        })
    }

    /// The file of the labels beside `out`, if the format has one for them: `digits-labels.npy`
    /// beside `digits.npy`.
    pub fn labels_file(self, out: &Path) -> Option<PathBuf> {
        self.labels_apart.then(|| labels_beside(out))
    }
}

/// The file of the labels beside that of the samples.
fn labels_beside(out: &Path) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push("-labels.");
    name.push(out.extension().unwrap_or_default());
    out.with_file_name(name)
}

/// Writes the samples of `data` to `out`, whose ending names the format. Values are written as they
/// are stored. Categories are places among the names; CSV and Parquet have the names. Labels are
/// the numbers that classes have for names, or else the places of the classes, and -1 for none; CSV
/// and Parquet have the names, and an empty cell.
///
/// `progress` gets the bytes of samples written so far, and the bytes of all.
///
/// # Errors
/// If the ending is none of those, the format cannot hold such samples, a part is asked for and the
/// data are not divided, samples cannot be read or are damaged, or `out` cannot be written.
pub fn export(
    data: &Undivided,
    part: ExportPart,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Error> {
    let format = ExportFormat::of(out)?;
    let halves: &[Half] = match (part, &data.data) {
        (ExportPart::All, Parts::Whole(_)) => &[Half::Train],
        (ExportPart::All, Parts::Halves(..)) => &[Half::Train, Half::Test],
        (ExportPart::Train, Parts::Halves(..)) => &[Half::Train],
        (ExportPart::Test, Parts::Halves(..)) => &[Half::Test],
        (_, Parts::Whole(_)) => {
            bail!(
                "data set {:?}: does not say what is for the test: export all of it, or split it \
                 first",
                data.name
            );
        }
    };
    let both = BothHalves::new(&data.data)?;
    let rows = halves.iter().map(|&half| both.len_of(half)).sum();
    let meter = &mut both.meter(halves, progress);
    let export = Export { halves, rows, labels: Labels::new(&both, halves)?, both };
    let bytes = (format.write)(&export, out, meter)?;
    let places = export.labels.as_ref().is_some_and(|labels| !labels.by_name);
    let names_lost = places && !format.names;
    let learnt = halves.contains(&Half::Train);
    let validation = if learnt { export.both.train.validation().len() as u64 } else { 0 };
    Ok(Exported { rows, validation, bytes, labelled: export.labels.is_some(), names_lost })
}

/// The name of the column of the labels, unless it had another.
const LABEL: &str = "label";

/// The data to be written.
struct Export<'a> {
    both: BothHalves<'a>,
    halves: &'a [Half],
    rows: u64,
    labels: Option<Labels>,
}

/// Labels as numbers.
struct Labels {
    /// The number of each class.
    numbers: Vec<i64>,
    /// The numbers are the names of the classes.
    by_name: bool,
    /// A sample has no label.
    some_missing: bool,
}

impl Labels {
    /// `None` without labels.
    fn new(both: &BothHalves<'_>, halves: &[Half]) -> Result<Option<Self>, Error> {
        if !both.has_labels() {
            return Ok(None);
        }
        let names = both.class_names();
        let number =
            |name: &String| name.parse::<i64>().ok().filter(|n| *n >= 0 && n.to_string() == *name);
        let named: Option<Vec<i64>> = names.iter().map(number).collect();
        let mut some_missing = false;
        both.for_each_label(halves, |label| {
            some_missing |= label == UNLABELLED;
            Ok(())
        })?;
        let by_name = named.is_some();
        let numbers = named.unwrap_or_else(|| (0..names.len() as i64).collect());
        Ok(Some(Labels { numbers, by_name, some_missing }))
    }

    /// -1 for none.
    fn number(&self, label: u16) -> i64 {
        match label {
            UNLABELLED => -1,
            label => self.numbers[usize::from(label)],
        }
    }

    /// Tells whether all are at least 0 and at most `largest`.
    fn fit(&self, largest: i64) -> bool {
        !self.some_missing && self.numbers.iter().all(|&number| number <= largest)
    }
}

impl Export<'_> {
    /// The shape of the samples of `halves` in one array.
    fn shape(&self, halves: &[Half]) -> Vec<u64> {
        let rows = halves.iter().map(|&half| self.both.len_of(half)).sum();
        let sample = self.both.train.stored_shape().iter().map(|&size| size as u64);
        std::iter::once(rows).chain(sample).collect()
    }

    fn dtype(&self) -> Dtype {
        self.both.train.dtype()
    }

    /// Hands the samples of `halves` to `put`, as bytes.
    fn values(
        &self,
        halves: &[Half],
        meter: &mut ProgressMeter<'_>,
        mut put: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.both.for_each(halves, meter, |_, sample, _| put(sample))
    }

    /// Hands the labels of `halves` to `put`, as numbers.
    fn numbers(
        &self,
        halves: &[Half],
        mut put: impl FnMut(i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(labels) = &self.labels else { return Ok(()) };
        self.both.for_each_label(halves, |label| put(labels.number(label)))
    }

    /// The columns of a table: a table's own, or `x0`, `x1` and so on, and the labels' at the end,
    /// which `out` is to have.
    ///
    /// # Errors
    /// If two had one name.
    fn column_names(&self, out: &Path) -> Result<Vec<String>, Error> {
        let both = &self.both;
        // Not numbers alone: those would be taken for a row.
        let mut names: Vec<String> = match &both.columns {
            Some(columns) => columns.iter().map(|column| column.name.clone()).collect(),
            None => {
                let width: usize = both.train.stored_shape().iter().product();
                (0..width).map(|at| format!("x{at}")).collect()
            }
        };
        if self.labels.is_some() {
            let label = both.train.label_name().unwrap_or(LABEL).to_owned();
            if names.contains(&label) {
                bail!(
                    out,
                    "would have two columns {label:?}, of values and of labels: rename that of \
                     the source"
                );
            }
            names.push(label);
        }
        Ok(names)
    }

    /// The arrays of a file that has several: the endings of their names, and their halves.
    fn arrays(&self) -> Vec<(&'static str, &[Half])> {
        match self.halves {
            [train, test] => {
                vec![("_train", std::slice::from_ref(train)), ("_test", std::slice::from_ref(test))]
            }
            one => vec![("", one)],
        }
    }
}
