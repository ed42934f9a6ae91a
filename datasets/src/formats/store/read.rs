//! Opening a store, and verifying its checksums.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::layout::{HEADER, Header, Layout, MOST_METADATA, VALUES_AT};
use super::metadata::Metadata;
use crate::dataset::Dataset;
use crate::dataset::checked::{BLOCK, CHECKSUM, Checksums, StoredLabels, damaged};
use crate::dataset::halves::Parts;
use crate::dataset::values::Values;
use crate::error::{At as _, Error, bail, shown_json};
use crate::files::data_file::{Access, DataFile};
use crate::formats::options::OpenOptions;
use crate::formats::source::Found;
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// The bytes of labels that are read at once.
const LABELS_AT_A_TIME: usize = 1 << 20;

/// An open store.
#[derive(Debug)]
pub struct Store {
    file: Arc<DataFile>,
    header: Header,
    layout: Layout,
    metadata: Metadata,
}

impl Store {
    /// Opens the store `path`: reads its header and its metadata.
    ///
    /// # Errors
    /// If it cannot be read, is no store, or is damaged as far as that shows there.
    pub fn open(path: &Path, access: Access) -> Result<Store, Error> {
        let file = DataFile::open(path, access)?;
        let wrong = |problem: String| Error::file(path, problem);
        let length = file.len();
        let mut start = [0; HEADER];
        let held = length.min(HEADER as u64) as usize;
        file.read_at(0, &mut start[..held])?;
        if !super::layout::recognised(&start[..held]) {
            bail!(path, "is no store: make one by narrows data convert");
        }
        if held < HEADER {
            bail!(path, "ends after {length} bytes, within its header: pack its source again");
        }
        let header = Header::from_bytes(&start).map_err(wrong)?;
        let layout = header
            .layout()
            .filter(|layout| layout.rows > 0 && header.width > 0 && header.train > 0);
        let Some(layout) = layout else {
            bail!(
                path,
                "promises {} and {} samples of {} values, which no file can hold: pack its source \
                 again",
                header.train,
                header.test,
                header.width
            );
        };
        if layout.end != length {
            bail!(
                path,
                "promises {} bytes, but the file has {length}: pack its source again",
                layout.end
            );
        }
        if header.metadata_length > MOST_METADATA {
            bail!(
                path,
                "has metadata of {} bytes, where they are at most {MOST_METADATA}: pack its \
                 source again",
                header.metadata_length
            );
        }
        // A block is held in memory as a whole.
        let block = header.block_rows.checked_mul(layout.row_bytes);
        if !block.is_some_and(|block| block > 0 && block <= layout.row_bytes.max(BLOCK as u64)) {
            bail!(path, "has blocks of {} samples: pack its source again", header.block_rows);
        }
        if usize::try_from(length).is_err() {
            bail!(path, "is larger than this machine can address: read it on one of 64 bits");
        }
        // No longer than the file is.
        let mut metadata = vec![0; header.metadata_length as usize];
        file.read_at(layout.metadata_at, &mut metadata)?;
        if crc32fast::hash(&metadata) != header.metadata_crc {
            bail!(
                path,
                "is damaged: its metadata do not fit their checksum; pack its source again"
            );
        }
        let metadata: Metadata = serde_json::from_slice(&metadata).map_err(|error| {
            wrong(format!(
                "has metadata that cannot be read ({}): pack its source again",
                shown_json(&error)
            ))
        })?;
        metadata
            .check(header.dtype, header.width)
            .map_err(|problem| wrong(format!("{problem}: pack its source again")))?;
        if metadata.validation >= header.train {
            let (validation, train) = (metadata.validation, header.train);
            bail!(
                path,
                "says that {validation} of {train} samples are for validation, which leaves none: \
                 pack its source again"
            );
        }
        file.check()?;
        Ok(Store { file: Arc::new(file), header, layout, metadata })
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.layout.end
    }

    fn checksums(&self) -> Checksums {
        Checksums {
            block_rows: self.header.block_rows as usize,
            at: self.layout.checksums_at,
            length: (self.layout.blocks * CHECKSUM) as usize,
            crc: self.header.checksums_crc,
            loaded: OnceLock::new(),
        }
    }

    fn labels(&self, checksums: Checksums) -> Option<StoredLabels> {
        self.header.labelled.then(|| StoredLabels {
            file: self.file.clone(),
            at: self.layout.labels_at,
            rows: self.layout.rows as usize,
            classes: self.metadata.classes.len(),
            checksums,
        })
    }

    /// The samples, called `name`: undivided, or in two halves if the file says so.
    pub(crate) fn into_parts(self, name: &str) -> Result<Parts, Error> {
        let checksums = self.checksums();
        let labels = self.labels(checksums.clone());
        let Store { file, header, layout, metadata } = self;
        let (rows, width) = (layout.rows as usize, header.width as usize);
        let path = file.path().to_owned();
        let values =
            Values::in_file(file, VALUES_AT, header.dtype, width, rows).with_checksums(checksums);
        let preparation = match (metadata.normalisation, header.dtype) {
            // Columns may be counted from other origins than those learnt from.
            (Some(normalisation), _) => match &metadata.columns {
                Some(columns) => normalisation.adapted(columns).at(&path)?,
                None => normalisation,
            },
            (None, Dtype::U8) => Preparation::Bytes { max: metadata.max_value.unwrap_or(u8::MAX) },
            (None, Dtype::F32) => Preparation::Floats,
        };
        preparation.takes(header.dtype, width).at(&path)?;
        let (validation, unseen) = (metadata.validation as usize, metadata.unseen as usize);
        let known = metadata.classes.len() - unseen;
        let learnt: Arc<[String]> = metadata.classes[..known].into();
        let whole = Dataset::new(name.to_owned(), values, &metadata.shape, preparation)
            .at(&path)?
            .with_class_names(metadata.classes.into())
            .described(metadata.columns, metadata.label, metadata.provenance)
            .with_stored_labels(labels);
        let train = header.train as usize;
        let learning = match header.test {
            0 => whole.clone(),
            _ => whole.range(0..train),
        };
        if unseen > 0 {
            let labels = learning.labels()?.unwrap_or_default();
            let is_wrong = |&label: &u16| label != UNLABELLED && usize::from(label) >= known;
            if let Some(row) = labels.iter().position(is_wrong) {
                let label = labels[row];
                bail!(
                    &path,
                    "sample {row} has the label {label}, which only samples for the test may have: \
                     pack its source again"
                );
            }
        }
        let learning = learning.with_class_names(learnt).with_validation(validation);
        Ok(match header.test {
            0 => Parts::Whole(learning),
            _ => Parts::Halves(learning, whole.range(train..rows)),
        })
    }
}

/// Reads all of the store `path`, and compares each block's values and labels with their checksums.
/// `progress` gets the bytes that were checked so far, and the bytes of all.
///
/// # Errors
/// If it cannot be read or is damaged. The message names the place.
pub fn verify(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    let store = Store::open(path, Access::Read)?;
    let Store { file, header, layout, .. } = &store;
    let checksums = store.checksums();
    let blocks = checksums.blocks(file)?;
    let mut buffer = vec![0; LABELS_AT_A_TIME];
    for (block, &[values, labels]) in blocks.iter().enumerate() {
        let from = block as u64 * header.block_rows;
        let to = from.saturating_add(header.block_rows).min(layout.rows);
        let mut crc = |at: u64, length: u64| -> Result<u32, Error> {
            let mut hasher = crc32fast::Hasher::new();
            let mut done = 0;
            while done < length {
                let part = &mut buffer[..(length - done).min(LABELS_AT_A_TIME as u64) as usize];
                file.read_at(at + done, part)?;
                hasher.update(part);
                done += part.len() as u64;
            }
            Ok(hasher.finalize())
        };
        let found = crc(VALUES_AT + from * layout.row_bytes, (to - from) * layout.row_bytes)?;
        let labels_right =
            !header.labelled || crc(layout.labels_at + 2 * from, 2 * (to - from))? == labels;
        if found != values || !labels_right {
            return Err(damaged(path, from as usize, to as usize));
        }
        progress(to * layout.row_bytes, layout.rows * layout.row_bytes);
    }
    // Checked again, for labels that name no class.
    if let Some(labels) = store.labels(checksums.clone()) {
        labels.append(0..labels.rows, &mut Vec::new())?;
    }
    check_zeros(file, layout)?;
    file.check()
}

/// Checks the zeros between the parts of a store. Nobody reads them, but a changed bit there is
/// damage all the same.
fn check_zeros(file: &DataFile, layout: &Layout) -> Result<(), Error> {
    let values_end = VALUES_AT + layout.rows * layout.row_bytes;
    for range in [HEADER as u64..VALUES_AT, values_end..layout.labels_at] {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_at(range.start, &mut bytes)?;
        if bytes.iter().any(|&byte| byte != 0) {
            bail!(file.path(), "is damaged between its parts: pack its source again");
        }
    }
    Ok(())
}

/// Opens the store `path`, called `name`.
pub(crate) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    if options.labels.is_some() {
        bail!(path, "is a store, which has its labels inside: give no others");
    }
    Ok(Found { parts: Store::open(path, options.access)?.into_parts(name)?, ..Found::default() })
}
