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

/// Opens a file of delimited text.
pub(crate) fn open_csv(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    open(path, name, "delimited text", options, &|table| Ok(Box::new(CsvTable::open(path, table)?)))
}

/// Tells whether a file is Parquet or Arrow IPC.
pub(crate) fn is_parquet(start: &Start) -> bool {
    parquet::recognise(&start.bytes).is_some()
}

/// Opens a file of Parquet or Arrow IPC.
pub(crate) fn open_parquet(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    #[cfg(feature = "parquet")]
    return open(path, name, "Parquet or Arrow", options, &|table| {
        Ok(Box::new(parquet::ParquetTable::open(path, &table.ignore)?))
    });
    #[cfg(not(feature = "parquet"))]
    {
        let _ = (name, options);
        let what =
            parquet::recognise(&Start::read(path)?.bytes).unwrap_or("a Parquet or Arrow file");
        Err(parquet::not_built_in(path, what))
    }
}

/// Opens a table: by the store that was made of it, if the table has not changed since.
#[allow(clippy::type_complexity)]
fn open(
    path: &Path,
    name: &str,
    format: &str,
    options: &OpenOptions,
    source: &dyn Fn(&TableOptions) -> Result<Box<dyn TableSource>, Error>,
) -> Result<Found, Error> {
    if options.labels.is_some() {
        let problem = "is a table, whose labels are one of its columns: name that";
        return Err(Error::file(path, Problem::with(problem, Remedy::OtherLabel)));
    }
    let settings = format!("{:016x}", settings(&options.table));
    let fingerprint = format!("{:016x}", cache::fingerprint(path)?);
    let places = cache::places(path, options.cache.as_deref(), &settings)?;
    let kept = |place: &PathBuf| Kept::find(place, name, &fingerprint, options.access);
    let Kept { metadata, parts } = match places.iter().find_map(kept) {
        Some(kept) => kept,
        None => {
            let mut source = source(&options.table)?;
            let pool = ThreadPoolBuilder::new().num_threads(options.images.threads).build();
            let pool = pool.map_err(|error| {
                Error::request(format!("no threads to read a table by: {error}"))
            })?;
            let layout = Layout::infer(&mut *source, path, &options.table, &pool)?;
            let provenance = Provenance {
                source: name.to_owned(),
                format: format.to_owned(),
                packed_by: packed_by(),
                rounded: layout.rounded,
                fingerprint: Some(fingerprint.clone()),
            };
            let place = cache::writable(&places)?;
            write(&mut *source, &layout, &pool, provenance, place)?;
            Kept::open(place, name, &fingerprint, options.access)?
        }
    };
    let notes = match (&options.table.label, metadata.label) {
        (LabelColumn::Detect, Some(label)) => {
            vec![format!("the column {label:?} is taken for the labels, by its name")]
        }
        _ => Vec::new(),
    };
    Ok(Found { parts, notes, ..Found::default() })
}

/// A hash of the options that a table is read by.
fn settings(options: &TableOptions) -> u64 {
    let mut hash = Hash::new();
    hash.bytes(format!("1 {options:?}").as_bytes());
    hash.value()
}

/// Writes the rows of `source` into the store `place`.
fn write(
    source: &mut dyn TableSource,
    layout: &Layout,
    pool: &ThreadPool,
    provenance: Provenance,
    place: &Path,
) -> Result<(), Error> {
    let labelled = layout.class_names.is_some();
    let mut writer = StoreWriter::create(place, Dtype::F32, &[layout.columns.len()], labelled)?;
    layout.pack(source, pool, &mut |values, label| {
        writer.push_floats(values, if labelled { label } else { UNLABELLED })
    })?;
    writer.finish(&Metadata {
        columns: Some(layout.columns.clone()),
        label: layout.label.clone().filter(|_| labelled),
        classes: layout.class_names.clone().unwrap_or_default(),
        provenance,
        ..Metadata::default()
    })
}
