//! Data of any format into a store.

use std::fs;
use std::path::Path;

use crate::dataset::halves::{Parts, TrainTest};
use crate::dataset::provenance::{Provenance, packed_by};
use crate::error::{At as _, Error};
use crate::formats::options::OpenOptions;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::write::StoreWriter;
use crate::formats::tables::open::{ReadTable, notes};
use crate::open::{Opened, Undivided, table};
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::{BothHalves, Half};

/// The content of a packed store.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Samples to learn from; all, if the data are not divided.
    pub train: u64,
    /// Samples for the test.
    pub test: u64,
    /// The shape of a sample.
    pub shape: Vec<usize>,
    /// The type of its values.
    pub dtype: Dtype,
    /// The number of samples with a label.
    pub labelled: u64,
    /// The classes.
    pub classes: usize,
    /// The number of missing values.
    pub missing: u64,
    /// The number of values that were rounded to 32-bit floats.
    pub rounded: u64,
    /// The length of the file.
    pub bytes: u64,
}

/// Writes `data` into the store `out`: all samples in their order, first those to learn from, then
/// those for the test, with labels, names and their source. If the data are divided, the
/// preparation of floats is fitted to the samples to learn from, and stored; else that happens when
/// the store is opened and divided. Memory does not grow with the samples.
///
/// `progress` gets the bytes of samples written so far, and the bytes of all.
///
/// # Errors
/// If samples cannot be read or are damaged, if the halves do not belong together, or if `out`
/// cannot be written.
pub fn pack(
    data: &Undivided,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Packed, Error> {
    let both = BothHalves::new(&data.data)?;
    let normalisation = match &data.data {
        Parts::Whole(_) => None,
        Parts::Halves(train, test) => {
            let halves = TrainTest { train: train.clone(), test: test.clone() }.prepared()?;
            Some(halves.train.preparation().clone())
                .filter(|preparation| !matches!(preparation, Preparation::Bytes { .. }))
        }
    };
    let metadata = Metadata { normalisation, ..metadata(&both, data) };
    let mut packing = Packing::begin(out, &both)?;
    both.for_each(&Half::BOTH, &mut both.meter(&Half::BOTH, progress), |half, sample, label| {
        if half == Half::Test && !packing.writer.has_test() {
            packing.writer.test_begins();
        }
        packing.push(sample, label)
    })?;
    packing.finish(&metadata, both.len_of(Half::Test))
}

/// Writes the table `path` into the store `out`, as [`pack`] does with data that were opened whole,
/// but row by row as it is read: no other store is made on the way. `None` if it is no table.
///
/// # Errors
/// If the table cannot be opened by `options`, or `out` cannot be written.
pub fn pack_table(
    path: &Path,
    options: &OpenOptions,
    out: &Path,
) -> Result<Option<Opened<Packed>>, Error> {
    let Some((name, format, source)) = table(path, options)? else { return Ok(None) };
    let table = ReadTable::read(path, options, source)?;
    let layout = &table.layout;
    let label = layout.label.clone().filter(|_| layout.class_names.is_some());
    let mut packed = Packed {
        train: layout.rows,
        test: 0,
        shape: vec![layout.columns.len()],
        dtype: Dtype::F32,
        labelled: 0,
        classes: layout.class_names.as_ref().map_or(0, Vec::len),
        missing: 0,
        rounded: layout.rounded,
        bytes: 0,
    };
    let provenance = table.provenance(&name, format);
    let mut notes = notes(options, label.as_deref());
    notes.extend(layout.notes.clone());
    let mut look = |values: &[f32], label| {
        packed.labelled += u64::from(label != UNLABELLED);
        packed.missing += values.iter().filter(|value| value.is_nan()).count() as u64;
    };
    table.write(provenance, out, &mut look, &mut [])?;
    packed.bytes = fs::metadata(out).at(out)?.len();
    Ok(Some(Opened { data: packed, name, format: format.to_owned(), skipped: Vec::new(), notes }))
}

/// The metadata of a store of samples from `data`.
pub(crate) fn metadata(both: &BothHalves<'_>, data: &Undivided) -> Metadata {
    let known = both.train.provenance();
    let or = |known: &str, other: &str| {
        if known.is_empty() { other.to_owned() } else { known.to_owned() }
    };
    let max_value = match both.train.preparation() {
        &Preparation::Bytes { max } => Some(max),
        _ => None,
    };
    let rounded = known.rounded + both.test.map_or(0, |test| test.provenance().rounded);
    // The halves of one store share what is known of them.
    let rounded = if both.test.is_some_and(|test| test.provenance() == known) {
        known.rounded
    } else {
        rounded
    };
    Metadata {
        max_value,
        columns: both.columns.clone(),
        label: both.train.label_name().map(str::to_owned),
        classes: both.class_names().to_vec(),
        unseen: (both.class_names().len() - both.train.classes()) as u64,
        validation: both.train.validation().len() as u64,
        provenance: Provenance {
            source: or(&known.source, &data.name),
            format: or(&known.format, &data.format),
            packed_by: packed_by(),
            rounded,
            missing: known.missing.clone(),
            notes: known.notes.clone(),
            fingerprint: None,
        },
        ..Metadata::default()
    }
}

/// A store in the making, and its content so far.
pub(crate) struct Packing<'a> {
    out: &'a Path,
    writer: StoreWriter,
    packed: Packed,
}

impl<'a> Packing<'a> {
    pub(crate) fn begin(out: &'a Path, both: &BothHalves<'_>) -> Result<Self, Error> {
        let (shape, dtype) = (both.train.stored_shape(), both.train.dtype());
        let packed = Packed {
            train: 0,
            test: 0,
            shape: shape.to_vec(),
            dtype,
            labelled: 0,
            classes: both.class_names().len(),
            missing: 0,
            rounded: 0,
            bytes: 0,
        };
        Ok(Packing {
            out,
            writer: StoreWriter::create(out, dtype, shape, both.has_labels())?,
            packed,
        })
    }

    pub(crate) fn push(&mut self, sample: &[u8], label: u16) -> Result<(), Error> {
        self.packed.labelled += u64::from(label != UNLABELLED);
        if self.packed.dtype == Dtype::F32 {
            let values = sample.as_chunks().0.iter();
            self.packed.missing +=
                values.filter(|&&value| f32::from_le_bytes(value).is_nan()).count() as u64;
        }
        self.writer.push_stored(sample, label)
    }

    /// Completes the store, whose last `test` samples are for the test.
    pub(crate) fn finish(self, metadata: &Metadata, test: u64) -> Result<Packed, Error> {
        let rows = self.writer.len();
        self.writer.finish(metadata)?;
        let bytes = fs::metadata(self.out).at(self.out)?.len();
        Ok(Packed {
            train: rows - test,
            test,
            rounded: metadata.provenance.rounded,
            bytes,
            ..self.packed
        })
    }
}
