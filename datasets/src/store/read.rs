//! Opening a store, and holding it against its checksums.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::{BLOCK, CHECKSUM, HEADER, Header, Layout, MOST_METADATA, Metadata, VALUES_AT};
use crate::class_labels::{Labels, UNLABELLED};
use crate::data_file::{Access, DataFile};
use crate::dataset::Dataset;
use crate::error::{Error, shown_json};
use crate::parts::Parts;
use crate::values::Values;

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
        if !super::recognised(&start[..held]) {
            return Err(wrong("is no store: pack it by narrows data pack".to_owned()));
        }
        if held < HEADER {
            return Err(wrong(format!(
                "ends after {length} bytes, within its header: pack its source again"
            )));
        }
        let header = Header::from_bytes(&start).map_err(wrong)?;
        let layout = header
            .layout()
            .filter(|layout| layout.rows > 0 && header.width > 0 && header.train > 0);
        let Some(layout) = layout else {
            return Err(wrong(format!(
                "promises {} and {} samples of {} values, which no file can hold: pack its source again",
                header.train, header.test, header.width
            )));
        };
        if layout.end != length {
            return Err(wrong(format!(
                "promises {} bytes, but the file has {length}: pack its source again",
                layout.end
            )));
        }
        if header.metadata_length > MOST_METADATA {
            return Err(wrong(format!(
                "has metadata of {} bytes, where they are at most {MOST_METADATA}: pack its source again",
                header.metadata_length
            )));
        }
        // A block is held in memory as a whole.
        let block = header.block_rows.checked_mul(layout.row_bytes);
        if !block.is_some_and(|block| block > 0 && block <= layout.row_bytes.max(BLOCK as u64)) {
            return Err(wrong(format!(
                "has blocks of {} samples: pack its source again",
                header.block_rows
            )));
        }
        if usize::try_from(length).is_err() {
            return Err(wrong(
                "is larger than this machine can address: read it on one of 64 bits".to_owned(),
            ));
        }
        // No longer than the file is.
        let mut metadata = vec![0; header.metadata_length as usize];
        file.read_at(layout.metadata_at, &mut metadata)?;
        if crc32fast::hash(&metadata) != header.metadata_crc {
            return Err(wrong(
                "is damaged: its metadata do not fit their checksum; pack its source again".into(),
            ));
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
        file.check()?;
        Ok(Store { file: Arc::new(file), header, layout, metadata })
    }

    /// What it says of its samples.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.layout.end
    }

    /// The samples, called `name`: those to learn from and those for the test, if the file says
    /// which are which.
    pub(crate) fn into_parts(self, name: &str) -> Result<Parts, Error> {
        let Store { file, header, layout, metadata } = self;
        let (rows, width) = (layout.rows as usize, header.width as usize);
        let checksums = Checksums {
            block_rows: header.block_rows as usize,
            at: layout.checksums_at,
            length: (layout.blocks * CHECKSUM) as usize,
            crc: header.checksums_crc,
            loaded: OnceLock::new(),
        };
        let path = file.path().to_owned();
        let labels = header.labelled.then(|| {
            Labels::stored(StoredLabels {
                file: file.clone(),
                at: layout.labels_at,
                rows,
                classes: metadata.classes.len(),
                checksums: checksums.clone(),
            })
        });
        let values =
            Values::in_file(file, VALUES_AT, header.dtype, width, rows).with_checksums(checksums);
        let whole = Dataset::from_store(name, values, metadata, labels)
            .map_err(|problem| Error::file(&path, problem))?;
        Ok(match header.test {
            0 => Parts::Whole(whole),
            _ => {
                let train = header.train as usize;
                Parts::Halves(whole.range(0..train), whole.range(train..rows))
            }
        })
    }
}

/// The checksums of a store's blocks, read when they are first asked for: 8 bytes for each 128 KiB.
#[derive(Clone, Debug)]
pub(crate) struct Checksums {
    pub(crate) block_rows: usize,
    at: u64,
    length: usize,
    crc: u32,
    loaded: OnceLock<Vec<[u32; 2]>>,
}

impl Checksums {
    fn blocks(&self, file: &DataFile) -> Result<&[[u32; 2]], Error> {
        if let Some(blocks) = self.loaded.get() {
            return Ok(blocks);
        }
        // No longer than the file is.
        let mut bytes = vec![0; self.length];
        file.read_at(self.at, &mut bytes)?;
        if crc32fast::hash(&bytes) != self.crc {
            let problem =
                "is damaged: the checksums of its blocks do not fit theirs; pack its source again";
            return Err(Error::file(file.path(), problem));
        }
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let blocks =
            bytes.chunks_exact(8).map(|block| [number(&block[..4]), number(&block[4..])]).collect();
        Ok(self.loaded.get_or_init(|| blocks))
    }

    /// Holds `bytes`, the values of whole samples from row `first` on, against the checksums of
    /// those blocks that lie in them as a whole.
    pub(crate) fn check_values(
        &self,
        file: &DataFile,
        first: usize,
        rows: usize,
        row_bytes: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let blocks = self.blocks(file)?;
        let end = first + bytes.len() / row_bytes;
        let mut block = first.div_ceil(self.block_rows);
        loop {
            let from = block * self.block_rows;
            let to = (from + self.block_rows).min(rows);
            if from >= to || to > end {
                return Ok(());
            }
            let values = &bytes[(from - first) * row_bytes..(to - first) * row_bytes];
            if crc32fast::hash(values) != blocks[block][0] {
                return Err(damaged(file.path(), from, to));
            }
            block += 1;
        }
    }
}

fn damaged(path: &Path, from: usize, to: usize) -> Error {
    let problem = format!("is damaged: samples {from} to {} do not fit their checksum", to - 1);
    Error::file(path, format!("{problem}; pack its source again"))
}

/// Labels that are still in their file.
#[derive(Debug)]
pub(crate) struct StoredLabels {
    file: Arc<DataFile>,
    at: u64,
    rows: usize,
    classes: usize,
    checksums: Checksums,
}

impl StoredLabels {
    /// Reads and checks all of them.
    pub(crate) fn read(&self) -> Result<Vec<u16>, Error> {
        // Two bytes for each sample, and the file has them.
        let mut labels = vec![0_u16; self.rows];
        self.file.read_at(self.at, bytemuck::cast_slice_mut(&mut labels))?;
        self.file.check()?;
        let blocks = self.checksums.blocks(&self.file)?;
        for (block, (labels, [_, expected])) in
            labels.chunks(self.checksums.block_rows).zip(blocks).enumerate()
        {
            if crc32fast::hash(bytemuck::cast_slice(labels)) != *expected {
                let from = block * self.checksums.block_rows;
                return Err(damaged(self.file.path(), from, from + labels.len()));
            }
            check_labels(&self.file, labels, block * self.checksums.block_rows, self.classes)?;
        }
        Ok(labels)
    }
}

impl StoredLabels {
    /// Appends the labels of the samples `range` to `out`: reads and checks the blocks that they
    /// lie in.
    pub(crate) fn append(&self, range: Range<usize>, out: &mut Vec<u16>) -> Result<(), Error> {
        let rows = self.checksums.block_rows;
        let checksums = self.checksums.blocks(&self.file)?;
        let mut labels = Vec::new();
        let blocks = range.start / rows..range.end.div_ceil(rows);
        for (block, [_, expected]) in blocks.clone().zip(&checksums[blocks]) {
            let (from, to) = (block * rows, ((block + 1) * rows).min(self.rows));
            labels.resize(to - from, 0_u16);
            self.file.read_at(self.at + 2 * from as u64, bytemuck::cast_slice_mut(&mut labels))?;
            self.file.check()?;
            if crc32fast::hash(bytemuck::cast_slice(&labels)) != *expected {
                return Err(damaged(self.file.path(), from, to));
            }
            check_labels(&self.file, &labels, from, self.classes)?;
            out.extend_from_slice(&labels[range.start.max(from) - from..range.end.min(to) - from]);
        }
        Ok(())
    }
}

/// Refuses labels, of samples from `first` on, that name no class.
fn check_labels(
    file: &DataFile,
    labels: &[u16],
    first: usize,
    classes: usize,
) -> Result<(), Error> {
    match labels.iter().position(|&label| label != UNLABELLED && usize::from(label) >= classes) {
        None => Ok(()),
        Some(at) => Err(Error::file(
            file.path(),
            format!(
                "sample {} has the label {}, where there are {classes} classes: pack its source again",
                first + at,
                labels[at]
            ),
        )),
    }
}

/// Reads all of the store `path`, and holds each block's values and labels against their checksums.
/// `progress` is told the bytes that were checked, of how many.
///
/// # Errors
/// If it cannot be read or is damaged; the message says where.
pub fn verify(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    let store = Store::open(path, Access::Read)?;
    let Store { file, header, layout, metadata } = &store;
    let checksums = Checksums {
        block_rows: header.block_rows as usize,
        at: layout.checksums_at,
        length: (layout.blocks * CHECKSUM) as usize,
        crc: header.checksums_crc,
        loaded: OnceLock::new(),
    };
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
    if header.labelled {
        let (rows, classes) = (layout.rows as usize, metadata.classes.len());
        let labels =
            StoredLabels { file: file.clone(), at: layout.labels_at, rows, classes, checksums };
        labels.read()?;
    }
    check_zeros(file, layout)?;
    file.check()
}

/// Between its parts a store holds zeros. Nobody reads them, but a bit that tipped there is damage
/// all the same.
fn check_zeros(file: &DataFile, layout: &Layout) -> Result<(), Error> {
    let values_end = VALUES_AT + layout.rows * layout.row_bytes;
    for range in [HEADER as u64..VALUES_AT, values_end..layout.labels_at] {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_at(range.start, &mut bytes)?;
        if bytes.iter().any(|&byte| byte != 0) {
            return Err(Error::file(
                file.path(),
                "is damaged between its parts: pack its source again",
            ));
        }
    }
    Ok(())
}
