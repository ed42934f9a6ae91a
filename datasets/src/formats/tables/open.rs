//! Files of tables: read once into a store, which is mapped from then on.

mod other;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::dataset::halves::Parts;
use crate::dataset::provenance::{Provenance, packed_by};
use crate::error::{Error, OneLine, Problem, Remedy, Short};
use crate::files::cache;
use crate::files::hash::Hash;
use crate::formats::options::{LabelColumn, OpenOptions, TableOptions};
use crate::formats::source::{Found, Start};
use crate::formats::store::kept::Kept;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::write::StoreWriter;
use crate::formats::tables::again::ReadAgain;
use crate::formats::tables::csv::CsvTable;
use crate::formats::tables::layout::Layout;
use crate::formats::tables::roles::label_name;
use crate::formats::tables::source::{OpenSource, TableSource};
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use other::OtherTable;

/// Tells whether a file may be delimited text: it holds no zero byte, or is UTF-16. Its reader
/// refuses UTF-16 with a better message.
pub(crate) fn is_csv(start: &Start) -> bool {
    let utf_16 = start.bytes.starts_with(&[0xff, 0xfe]) || start.bytes.starts_with(&[0xfe, 0xff]);
    !start.bytes.is_empty() && (utf_16 || !start.bytes.contains(&0))
}

/// Opens a file of delimited text.
pub(crate) fn csv_source(
    path: &Path,
    options: &TableOptions,
) -> Result<Box<dyn TableSource>, Error> {
    Ok(Box::new(CsvTable::open(path, options)?))
}

/// A table whose columns are known.
pub(crate) struct ReadTable {
    source: Box<dyn TableSource>,
    pub(crate) layout: Layout,
    /// The texts of missing values that it is read with.
    missing: Vec<String>,
    pool: ThreadPool,
}

impl ReadTable {
    /// Reads the table `path` once, or twice, to learn its columns.
    ///
    /// # Errors
    /// Those of the table.
    pub(crate) fn read(
        path: &Path,
        options: &OpenOptions,
        source: OpenSource,
    ) -> Result<Self, Error> {
        let mut source = source(path, &options.table)?;
        let pool = ThreadPoolBuilder::new().num_threads(options.images.threads).build();
        let pool = pool
            .map_err(|error| Error::request(format!("no threads to read a table by: {error}")))?;
        let layout = Layout::infer(&mut *source, path, &options.table, &pool)?;
        Ok(ReadTable { source, layout, missing: options.table.all_missing(), pool })
    }

    /// Reads it again, into the store `place`. `look` is shown each row as it is stored, and its
    /// label. The rows of `others` follow.
    ///
    /// # Errors
    /// Those of the table, or if `place` cannot be written.
    pub(crate) fn write(
        self,
        mut provenance: Provenance,
        place: &Path,
        look: &mut (dyn FnMut(&[f32], u16) + Send),
        others: &mut [OtherTable],
    ) -> Result<(), Error> {
        let ReadTable { mut source, layout, pool, .. } = self;
        let labelled = layout.class_names.is_some();
        let mut writer = StoreWriter::create(place, Dtype::F32, &[layout.columns.len()], labelled)?;
        let columns = layout.pack(&mut *source, &pool, &mut |values, label| {
            let label = if labelled { label } else { UNLABELLED };
            look(values, label);
            writer.push_floats(values, label)
        })?;
        let mut validation = 0;
        for other in others {
            let (rows, notes) = other.pack(&layout, &pool, &mut |values, label| {
                writer.push_floats(values, if labelled { label } else { UNLABELLED })
            })?;
            validation += if other.validates { rows } else { 0 };
            let name = other.path.file_name().map(Path::new).unwrap_or(&other.path);
            let new = notes.into_iter().filter(|note| !layout.notes.contains(note));
            provenance.notes.extend(new.map(|note| format!("{}: {note}", OneLine(name))));
        }
        writer.finish(&Metadata {
            validation,
            columns: Some(columns),
            label: layout.label.filter(|_| labelled),
            classes: layout.class_names.unwrap_or_default(),
            provenance,
            ..Metadata::default()
        })
    }

    /// The source of the values, the table called `name`.
    pub(crate) fn provenance(&self, name: &str, format: &str) -> Provenance {
        Provenance {
            source: name.to_owned(),
            format: format.to_owned(),
            packed_by: packed_by(),
            rounded: self.layout.rounded,
            missing: self.missing.clone(),
            notes: self.layout.notes.clone(),
            fingerprint: None,
        }
    }
}

/// Opens the tables of one folder, called `name`: to learn from, for the test if there is one, and
/// for validation if there is one. A test without a column of the labels is none: its rows are
/// learnt from without a label.
///
/// # Errors
/// Those of the tables; if one lacks a column that is learnt from.
pub(crate) fn open_halves(
    train: (&Path, &str, OpenSource),
    others: [Option<(PathBuf, OpenSource)>; 2],
    name: &str,
    options: &OpenOptions,
) -> Result<Found, Error> {
    let found = open_tables(train, others.clone(), name, options, false)?;
    match &found.parts {
        // The column is there, and empty.
        Parts::Halves(train_data, test) if train_data.has_labels() && !test.has_labels() => {
            open_tables(train, others, name, options, true)
        }
        _ => Ok(found),
    }
}

/// [`open_halves`], whose test is `unlabelled` even if it has the column of the labels.
fn open_tables(
    (train, format, source): (&Path, &str, OpenSource),
    [test, validation]: [Option<(PathBuf, OpenSource)>; 2],
    name: &str,
    options: &OpenOptions,
    unlabelled: bool,
) -> Result<Found, Error> {
    let learnt_from = source(train, &options.table)?;
    let names = learnt_from.column_names().to_vec();
    let asked = options.table.decimal;
    // The other tables are written like this one.
    let decimal = learnt_from.decimal().or(asked);
    let table = TableOptions { decimal, ..options.table.clone() };
    let options = &OpenOptions { table, ..options.clone() };
    let of_test = match &test {
        Some((path, source)) => source(path, &options.table)?.column_names().to_vec(),
        None => names.clone(),
    };
    let mut label = label_name(&names, &options.table, train)?;
    let in_train_alone = |name: &&String| !of_test.contains(name);
    let mut guessed = None;
    if label.is_none()
        && options.table.label == LabelColumn::Detect
        && let [only] = names.iter().filter(in_train_alone).collect::<Vec<_>>()[..]
        && !options.table.ignore.contains(only)
    {
        label = Some(only);
        guessed = Some(format!("the column {} is taken for the labels", Short(only)));
    }
    let in_test = |label: &&str| of_test.iter().any(|name| name == label);
    let unlabelled = label.filter(|label| unlabelled || !in_test(label));
    let mut others = Vec::new();
    if let (Some(_), Some((path, source))) = (unlabelled, &test) {
        others.push(OtherTable::open(path, &options.table, *source, None)?);
    }
    // Those for validation are the last.
    if let Some((path, source)) = &validation {
        others.push(OtherTable::open(path, &options.table, *source, label)?);
    }
    let table = TableOptions {
        label: label
            .map_or(options.table.label.clone(), |name| LabelColumn::Named(name.to_owned())),
        // A guess is noted again where it is made.
        decimal: asked,
        ..options.table.clone()
    };
    let own = OpenOptions { table, ..options.clone() };
    let mut learnt = open_with(train, name, format, &own, source, others)?;
    learnt.notes.splice(0..0, guessed);
    if let Some((path, _)) = &validation
        && label.is_none()
    {
        let path = OneLine(path);
        learnt.notes.push(format!("{path} has no labels to validate by: its rows are learnt from"));
    }
    let (test_path, test_source) = match (test, unlabelled) {
        (None, _) => return Ok(learnt),
        (Some((path, _)), Some(label)) => {
            let (test, label) = (OneLine(&path), Short(label));
            learnt.notes.push(format!(
                "{test} has no labels in a column {label}: its rows are learnt from without one, \
                 and one labelled row of six is for the test"
            ));
            return Ok(learnt);
        }
        (Some(test), None) => test,
    };
    let test_path = &*test_path;
    let Parts::Whole(data) = &learnt.parts else { return Ok(learnt) };
    // Both halves have the same columns and categories.
    let table = TableOptions {
        label: label.map_or(LabelColumn::Absent, |label| LabelColumn::Named(label.to_owned())),
        known: data.columns().map(<[_]>::to_vec),
        new_categories: true,
        ignore: options
            .table
            .ignore
            .iter()
            .filter(|name| of_test.contains(name))
            .cloned()
            .collect(),
        categorical: Vec::new(),
        ordinal: Vec::new(),
        ..options.table.clone()
    };
    let options = OpenOptions { table, ..options.clone() };
    let tested = open(test_path, name, format, &options, test_source)?;
    let (Parts::Whole(train), Parts::Whole(test)) = (learnt.parts, tested.parts) else {
        return Ok(Found::default());
    };
    let mut notes = [learnt.notes, tested.notes].concat();
    let alone = of_test.iter().filter(|name| !names.contains(name));
    notes.extend(alone.map(|name| {
        format!("the column {} is in {} alone, and is left out", Short(name), OneLine(test_path))
    }));
    Ok(Found { parts: Parts::Halves(train, test), notes, ..Found::default() })
}

/// Refuses options that are not for tables.
pub(crate) fn check_options(path: &Path, options: &OpenOptions) -> Result<(), Error> {
    match options.labels {
        None => Ok(()),
        Some(_) => {
            let problem = "is a table, whose labels are one of its columns: name that";
            Err(Error::file(path, Problem::with(problem, Remedy::OtherLabel)))
        }
    }
}

/// Opens a table: by the store that was made of it, if the table has not changed since.
pub(crate) fn open(
    path: &Path,
    name: &str,
    format: &str,
    options: &OpenOptions,
    source: OpenSource,
) -> Result<Found, Error> {
    open_with(path, name, format, options, source, Vec::new())
}

/// [`open`], with the rows of other tables behind those of `path`.
fn open_with(
    path: &Path,
    name: &str,
    format: &str,
    options: &OpenOptions,
    source: OpenSource,
    mut others: Vec<OtherTable>,
) -> Result<Found, Error> {
    check_options(path, options)?;
    let settings = format!("{:016x}", settings(&options.table, &others));
    let mut fingerprint = format!("{:016x}", cache::fingerprint(path)?);
    for other in &others {
        fingerprint += &format!("{:016x}", cache::fingerprint(&other.path)?);
    }
    let places = cache::places(path, options.cache.as_deref(), &settings)?;
    let kept = |place: &PathBuf| Kept::find(place, name, &fingerprint, options.access);
    let mut not_kept = None;
    let Kept { metadata, parts } = match places.iter().find_map(kept) {
        Some(kept) => kept,
        None => {
            let table = ReadTable::read(path, options, source)?;
            let provenance = Provenance {
                fingerprint: Some(fingerprint.clone()),
                ..table.provenance(name, format)
            };
            let place = cache::place(&places, options.cache.is_some())?;
            table.write(provenance, place.path(), &mut |_, _| {}, &mut others)?;
            not_kept = place.note();
            Kept::open(place.path(), name, &fingerprint, options.access)?
        }
    };
    let mut notes = notes(options, metadata.label.as_deref());
    notes.extend(metadata.provenance.notes.into_iter().chain(not_kept));
    let again = ReadAgain::new(path, &options.table, source, metadata.label);
    let parts = match parts {
        Parts::Whole(data) => Parts::Whole(data.with_table(Arc::new(again))),
        halves @ Parts::Halves(..) => halves,
    };
    Ok(Found { parts, notes, ..Found::default() })
}

/// What was guessed: the column `label` is taken for the labels.
pub(crate) fn notes(options: &OpenOptions, label: Option<&str>) -> Vec<String> {
    match (&options.table.label, label) {
        (LabelColumn::Detect, Some(label)) => {
            vec![format!("the column {label:?} is taken for the labels, by its name")]
        }
        _ => Vec::new(),
    }
}

/// A hash of the options that a table is read by, and of the tables that follow it.
fn settings(options: &TableOptions, others: &[OtherTable]) -> u64 {
    let mut hash = Hash::new();
    let validate: Vec<bool> = others.iter().map(|other| other.validates).collect();
    hash.bytes(format!("7 {validate:?} {options:?}").as_bytes());
    hash.value()
}
