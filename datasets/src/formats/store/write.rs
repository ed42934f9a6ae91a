//! Making a store, sample after sample: memory does not grow with their number.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;

use super::layout::{ALIGNMENT, HEADER, Header, MOST_METADATA, VALUES_AT};
use super::metadata::Metadata;
use crate::dataset::checked::block_rows;
use crate::error::{Error, bail};
use crate::files::atomic::{self, AtomicFile, Spool, not_written};
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// A store in the making. Unless it is finished, what was written of it is removed.
#[derive(Debug)]
#[must_use = "without `finish` the store is removed"]
pub struct StoreWriter {
    path: PathBuf,
    values: AtomicFile,
    dtype: Dtype,
    sample_shape: Vec<usize>,
    width: usize,
    block_rows: usize,
    rows: u64,
    /// The number of samples to learn from, if the others are for the test.
    train: Option<u64>,
    /// The labels: they follow the values, and wait for the last of them.
    labels: Option<Spool>,
    /// The largest label, if there is one.
    largest: Option<u16>,
    /// The checksums of the block that is being written.
    values_crc: Hasher,
    labels_crc: Hasher,
    /// For each complete block, the checksum of its values and of its labels.
    checksums: Vec<[u32; 2]>,
}

impl StoreWriter {
    /// Begins the store `path`, of samples of the shape `sample_shape`, with labels or without.
    ///
    /// # Errors
    /// If a size is zero, there are none or more than three, or the file cannot be written.
    pub fn create(
        path: &Path,
        dtype: Dtype,
        sample_shape: &[usize],
        labelled: bool,
    ) -> Result<Self, Error> {
        let width = sample_shape.iter().try_fold(1_usize, |width, &size| width.checked_mul(size));
        let Some(width) = width.filter(|&width| width > 0 && (1..=3).contains(&sample_shape.len()))
        else {
            bail!("no sample can have the shape {sample_shape:?}");
        };
        let failed = |error| not_written(path, error);
        let mut values = atomic::create(path)?;
        values.write_all(&[0; VALUES_AT as usize]).map_err(failed)?;
        let labels = labelled.then(|| Spool::beside(path)).transpose().map_err(failed)?;
        let block_rows = block_rows(width.saturating_mul(dtype.size()));
        Ok(StoreWriter {
            path: path.to_owned(),
            values,
            dtype,
            sample_shape: sample_shape.to_vec(),
            width,
            block_rows,
            rows: 0,
            train: None,
            labels,
            largest: None,
            values_crc: Hasher::new(),
            labels_crc: Hasher::new(),
            checksums: Vec::new(),
        })
    }

    /// Appends a sample of bytes, as many as the shape has. `label` is its class, or
    /// [`UNLABELLED`](crate::UNLABELLED). A store without labels ignores it.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If values of another type or another number were announced.
    pub fn push_bytes(&mut self, sample: &[u8], label: u16) -> Result<(), Error> {
        assert_eq!(self.dtype, Dtype::U8, "a sample of another type");
        self.push_stored(sample, label)
    }

    /// Appends a sample of floats, as [`StoreWriter::push_bytes`] does.
    ///
    /// # Errors
    /// The same.
    ///
    /// # Panics
    /// The same.
    pub fn push_floats(&mut self, sample: &[f32], label: u16) -> Result<(), Error> {
        assert_eq!(self.dtype, Dtype::F32, "a sample of another type");
        self.push_stored(bytemuck::cast_slice(sample), label)
    }

    /// Ends the samples to learn from: further ones are for the test.
    pub fn test_begins(&mut self) {
        self.train = Some(self.rows);
    }

    /// Tells whether samples for the test have begun.
    pub(crate) fn has_test(&self) -> bool {
        self.train.is_some()
    }

    /// Appends a sample by its bytes, of which there are as many as announced.
    pub(crate) fn push_stored(&mut self, sample: &[u8], label: u16) -> Result<(), Error> {
        assert_eq!(sample.len(), self.width * self.dtype.size(), "a sample of another length");
        self.push(sample, label).map_err(|error| not_written(&self.path, error))
    }

    fn push(&mut self, sample: &[u8], label: u16) -> io::Result<()> {
        self.values.write_all(sample)?;
        self.values_crc.update(sample);
        if let Some(labels) = &mut self.labels {
            labels.write_all(&label.to_le_bytes())?;
            self.largest = self.largest.max(Some(label).filter(|&label| label != UNLABELLED));
            self.labels_crc.update(&label.to_le_bytes());
        }
        self.rows += 1;
        if self.rows.is_multiple_of(self.block_rows as u64) {
            self.end_block();
        }
        Ok(())
    }

    fn end_block(&mut self) {
        let values = std::mem::take(&mut self.values_crc).finalize();
        let labels = std::mem::take(&mut self.labels_crc).finalize();
        self.checksums.push([values, if self.labels.is_some() { labels } else { 0 }]);
    }

    /// Writes the other parts around the values, and gives the file its name. The metadata's shape
    /// is set to the samples'.
    ///
    /// # Errors
    /// If there is no sample, or none to learn from; if a label names none of the classes, or the
    /// metadata are for other samples; if the file cannot be written.
    pub fn finish(mut self, metadata: &Metadata) -> Result<(), Error> {
        let train = self.train.unwrap_or(self.rows);
        if train == 0 {
            bail!(&self.path, "would hold no sample to learn from, and is not written");
        }
        if metadata.validation >= train {
            bail!(&self.path, "would hold no sample to learn from beside those for validation");
        }
        if !self.rows.is_multiple_of(self.block_rows as u64) {
            self.end_block();
        }
        let metadata = Metadata { shape: self.sample_shape.clone(), ..metadata.clone() };
        let refused =
            |problem: String| Error::file(&self.path, format!("{problem}, and is not written"));
        metadata.check(self.dtype, self.width as u64).map_err(refused)?;
        if let Some(label) =
            self.largest.filter(|&label| usize::from(label) >= metadata.classes.len())
        {
            let classes = metadata.classes.len();
            return Err(refused(format!(
                "would hold the label {label}, where {classes} classes are named"
            )));
        }
        let metadata = serde_json::to_vec(&metadata)
            .map_err(|error| refused(format!("has metadata that cannot be written ({error})")))?;
        if metadata.len() as u64 > MOST_METADATA {
            let length = metadata.len();
            return Err(refused(format!(
                "would hold {length} bytes of metadata, where {MOST_METADATA} are the most"
            )));
        }
        let path = self.path.clone();
        self.complete(train, &metadata).map_err(|error| not_written(&path, error))
    }

    fn complete(mut self, train: u64, metadata: &[u8]) -> io::Result<()> {
        let values_end = VALUES_AT + self.rows * (self.width * self.dtype.size()) as u64;
        let padding = values_end.next_multiple_of(ALIGNMENT) - values_end;
        self.values.write_all(&[0; ALIGNMENT as usize][..padding as usize])?;
        if let Some(labels) = &mut self.labels {
            io::copy(&mut labels.read()?, &mut self.values)?;
        }
        let checksums: Vec<u8> =
            self.checksums.iter().flatten().flat_map(|checksum| checksum.to_le_bytes()).collect();
        self.values.write_all(&checksums)?;
        self.values.write_all(metadata)?;
        let header = Header {
            dtype: self.dtype,
            train,
            test: self.rows - train,
            width: self.width as u64,
            block_rows: self.block_rows as u64,
            labelled: self.labels.is_some(),
            checksums_crc: crc32fast::hash(&checksums),
            metadata_length: metadata.len() as u64,
            metadata_crc: crc32fast::hash(metadata),
        };
        self.values.seek(SeekFrom::Start(0))?;
        self.values.write_all(&header.to_bytes())?;
        self.values.finish().map(drop)
    }

    /// The number of samples so far.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Tells whether there is no sample yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

const _: () = assert!(HEADER <= VALUES_AT as usize && UNLABELLED == 65535);
