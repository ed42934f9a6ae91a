//! Files of tables: read once into a store, which is mapped from then on.

use std::path::{Path, PathBuf};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::dataset::provenance::{Provenance, packed_by};
use crate::error::{Error, Problem, Remedy};
use crate::files::cache;
use crate::files::hash::Hash;
use crate::formats::options::{LabelColumn, OpenOptions, TableOptions};
use crate::formats::source::{Found, Start};
use crate::formats::store::kept::Kept;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::write::StoreWriter;
use crate::formats::tables::csv::CsvTable;
use crate::formats::tables::layout::Layout;
use crate::formats::tables::parquet;
use crate::formats::tables::source::TableSource;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// Tells whether a file may be delimited text: it holds no zero byte, or is UTF-16. Its reader
/// refuses UTF-16 with a better message.
pub(crate) fn is_csv(start: &Start) -> bool {
    let utf_16 = start.bytes.starts_with(&[0xff, 0xfe]) || start.bytes.starts_with(&[0xfe, 0xff]);
    !start.bytes.is_empty() && (utf_16 || !start.bytes.contains(&0))
}

/// Opens a table for reading, to be told what its columns are for.
pub(crate) type OpenSource = fn(&Path, &TableOptions) -> Result<Box<dyn TableSource>, Error>;

/// Opens a file of delimited text.
pub(crate) fn csv_source(
    path: &Path,
    options: &TableOptions,
) -> Result<Box<dyn TableSource>, Error> {
    Ok(Box::new(CsvTable::open(path, options)?))
}

/// Tells whether a file is Parquet or Arrow IPC.
pub(crate) fn is_parquet(start: &Start) -> bool {
    parquet::recognise(&start.bytes).is_some()
}

/// Opens a file of Parquet or Arrow IPC.
pub(crate) fn parquet_source(
    path: &Path,
    options: &TableOptions,
) -> Result<Box<dyn TableSource>, Error> {
    #[cfg(feature = "parquet")]
    return Ok(Box::new(parquet::ParquetTable::open(path, &options.ignore)?));
    #[cfg(not(feature = "parquet"))]
    {
        let _ = options;
        let what =
            parquet::recognise(&Start::read(path)?.bytes).unwrap_or("a Parquet or Arrow file");
        Err(parquet::not_built_in(path, what))
    }
}

/// A table whose columns are known.
pub(crate) struct ReadTable {
    source: Box<dyn TableSource>,
    pub(crate) layout: Layout,
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
        Ok(ReadTable { source, layout, pool })
    }

    /// Reads it again, into the store `place`. `look` is shown each row as it is stored, and its
    /// label.
    ///
    /// # Errors
    /// Those of the table, or if `place` cannot be written.
    pub(crate) fn write(
        self,
        provenance: Provenance,
        place: &Path,
        look: &mut (dyn FnMut(&[f32], u16) + Send),
    ) -> Result<(), Error> {
        let ReadTable { mut source, layout, pool } = self;
        let labelled = layout.class_names.is_some();
        let mut writer = StoreWriter::create(place, Dtype::F32, &[layout.columns.len()], labelled)?;
        layout.pack(&mut *source, &pool, &mut |values, label| {
            let label = if labelled { label } else { UNLABELLED };
            look(values, label);
            writer.push_floats(values, label)
        })?;
        writer.finish(&Metadata {
            columns: Some(layout.columns),
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
            fingerprint: None,
        }
    }
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
    check_options(path, options)?;
    let settings = format!("{:016x}", settings(&options.table));
    let fingerprint = format!("{:016x}", cache::fingerprint(path)?);
    let places = cache::places(path, options.cache.as_deref(), &settings)?;
    let kept = |place: &PathBuf| Kept::find(place, name, &fingerprint, options.access);
    let Kept { metadata, parts } = match places.iter().find_map(kept) {
        Some(kept) => kept,
        None => {
            let table = ReadTable::read(path, options, source)?;
            let provenance = Provenance {
                fingerprint: Some(fingerprint.clone()),
                ..table.provenance(name, format)
            };
            let place = cache::writable(&places)?;
            table.write(provenance, place, &mut |_, _| {})?;
            Kept::open(place, name, &fingerprint, options.access)?
        }
    };
    let notes = notes(options, metadata.label.as_deref());
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

/// A hash of the options that a table is read by.
fn settings(options: &TableOptions) -> u64 {
    let mut hash = Hash::new();
    hash.bytes(format!("1 {options:?}").as_bytes());
    hash.value()
}
