//! Data of any format into files that other programs read. Memory does not grow with the samples,
//! and a file has its name only when it is complete.

mod csv;
mod idx;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod safetensors;

use std::path::{Path, PathBuf};

use crate::dataset::halves::Parts;
use crate::error::{Error, bail};
use crate::open::Undivided;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::{Half, Together, Told};

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// NumPy's array of the values, and, if there are labels, another of those.
    Npy,
    /// NumPy's arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`.
    Npz,
    /// Text, separated by commas: a column for each value, and one for the labels.
    Csv,
    /// MNIST's arrays of bytes, and, if there are labels, another of those.
    Idx,
    /// Tensors of the same names as `Npz` has.
    Safetensors,
    /// Parquet, of the same columns as `Csv` has. Takes the crate's feature `parquet`.
    Parquet,
}

/// Which samples are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportPart {
    /// All.
    #[default]
    All,
    /// Those to learn from.
    Train,
    /// Those for the test.
    Test,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The samples.
    pub rows: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// Whether labels were written.
    pub labelled: bool,
    /// Whether labels were written as the places of their classes, whose names the format cannot
    /// hold.
    pub names_lost: bool,
}

const FORMATS: [(&str, ExportFormat); 6] = [
    ("npy", ExportFormat::Npy),
    ("npz", ExportFormat::Npz),
    ("csv", ExportFormat::Csv),
    ("idx", ExportFormat::Idx),
    ("safetensors", ExportFormat::Safetensors),
    ("parquet", ExportFormat::Parquet),
];

impl ExportFormat {
    /// The format of a file, by its ending.
    ///
    /// # Errors
    /// If it has none of those that are written.
    pub fn of(out: &Path) -> Result<Self, Error> {
        let ending = out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let known = FORMATS.iter().find(|(name, _)| *name == ending);
        known.map(|&(_, format)| format).ok_or_else(|| {
            let names = FORMATS.map(|(name, _)| format!(".{name}")).join(", ");
            Error::file(
                out,
                format!("says by its ending nothing of its format: end it in one of {names}"),
            )
        })
    }

    /// The file of the labels beside `out`, if the format has one for them: `digits-labels.npy`
    /// beside `digits.npy`.
    pub fn labels_file(self, out: &Path) -> Option<PathBuf> {
        if !matches!(self, ExportFormat::Npy | ExportFormat::Idx) {
            return None;
        }
        let mut name = out.file_stem().unwrap_or_default().to_owned();
        name.push("-labels.");
        name.push(out.extension().unwrap_or_default());
        Some(out.with_file_name(name))
    }
}

/// Writes the samples of `data` to `out`, whose ending says in which format: values as they are
/// stored, a table's categories by their places among the names (in CSV by their names). Labels are
/// the numbers that classes are called by, or, where those are no numbers, their places; -1 where
/// there is none (in CSV names, and nothing).
///
/// `progress` is told how many bytes of samples were written, of how many.
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
    let together = Together::new(&data.data)?;
    let rows: u64 = halves.iter().map(|&half| together.len_of(half)).sum();
    let mut told = Told::new(progress, rows * together.row_bytes() as u64);
    let export = Export { halves, rows, labels: Labels::new(&together, halves)?, together };
    let bytes = match format {
        ExportFormat::Npy => npy::write(&export, out, &mut told)?,
        ExportFormat::Npz => npz::write(&export, out, &mut told)?,
        ExportFormat::Csv => csv::write(&export, out, &mut told)?,
        ExportFormat::Idx => idx::write(&export, out, &mut told)?,
        ExportFormat::Safetensors => safetensors::write(&export, out, &mut told)?,
        #[cfg(feature = "parquet")]
        ExportFormat::Parquet => parquet::write(&export, out, &mut told)?,
        #[cfg(not(feature = "parquet"))]
        ExportFormat::Parquet => {
            bail!(
                out,
                "cannot be written: this build has no Parquet; install narrows with --features \
                 parquet, or choose .csv"
            );
        }
    };
    let names_lost = export.labels.as_ref().is_some_and(|labels| !labels.by_name)
        && !matches!(format, ExportFormat::Csv | ExportFormat::Safetensors | ExportFormat::Parquet);
    Ok(Exported { rows, bytes, labelled: export.labels.is_some(), names_lost })
}

/// What the column of the labels is called, unless it had another name.
const LABEL: &str = "label";

/// What is written.
struct Export<'a> {
    together: Together<'a>,
    halves: &'a [Half],
    rows: u64,
    labels: Option<Labels>,
}

/// Labels as numbers.
struct Labels {
    /// The number of each class.
    numbers: Vec<i64>,
    /// Whether those are what the classes are called.
    by_name: bool,
    /// Whether some sample has no label.
    some_missing: bool,
}

impl Labels {
    /// `None` without labels.
    fn new(together: &Together<'_>, halves: &[Half]) -> Result<Option<Self>, Error> {
        if !together.has_labels() {
            return Ok(None);
        }
        let names = together.class_names();
        let number =
            |name: &String| name.parse::<i64>().ok().filter(|n| *n >= 0 && n.to_string() == *name);
        let named: Option<Vec<i64>> = names.iter().map(number).collect();
        let mut some_missing = false;
        for &half in halves {
            together.for_each_label(half, |label| {
                some_missing |= label == UNLABELLED;
                Ok(())
            })?;
        }
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

    /// Whether all are at least 0 and at most `largest`.
    fn fit(&self, largest: i64) -> bool {
        !self.some_missing && self.numbers.iter().all(|&number| number <= largest)
    }
}

impl Export<'_> {
    /// The shape of the samples of `halves` in one array.
    fn shape(&self, halves: &[Half]) -> Vec<u64> {
        let rows = halves.iter().map(|&half| self.together.len_of(half)).sum();
        let sample = self.together.train.stored_shape().iter().map(|&size| size as u64);
        std::iter::once(rows).chain(sample).collect()
    }

    fn dtype(&self) -> Dtype {
        self.together.train.dtype()
    }

    /// Hands the samples of `halves` to `put`, as bytes.
    fn values(
        &self,
        halves: &[Half],
        told: &mut Told<'_>,
        mut put: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for &half in halves {
            self.together.for_each(half, |sample, _| {
                put(sample)?;
                told.add(sample.len());
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Hands the labels of `halves` to `put`, as numbers.
    fn numbers(
        &self,
        halves: &[Half],
        mut put: impl FnMut(i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(labels) = &self.labels else { return Ok(()) };
        for &half in halves {
            self.together.for_each_label(half, |label| put(labels.number(label)))?;
        }
        Ok(())
    }

    /// The columns of a table: a table's own, or `x0`, `x1` and so on, and the labels' at the end,
    /// which `out` is to have.
    ///
    /// # Errors
    /// If two had one name.
    fn column_names(&self, out: &Path) -> Result<Vec<String>, Error> {
        let together = &self.together;
        // Not numbers alone: those would be taken for a row.
        let mut names: Vec<String> = match &together.columns {
            Some(columns) => columns.iter().map(|column| column.name.clone()).collect(),
            None => {
                let width: usize = together.train.stored_shape().iter().product();
                (0..width).map(|at| format!("x{at}")).collect()
            }
        };
        if self.labels.is_some() {
            let label = together.train.label_name().unwrap_or(LABEL).to_owned();
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
