//! The decoded images of a folder in a file, to be mapped.
//!
//! ```text
//! offset  bytes
//!      0      8  "narrowsI"
//!      8      4  version, 2
//!     12      4  height                      all numbers little-endian and unsigned
//!     16      4  width
//!     20      4  channels, 1 or 3
//!     24      8  samples to learn from: a
//!     32      8  samples for the test: b
//!     40      8  fingerprint of the files and the settings that it was made from
//!     48      8  bytes of what follows the values
//!     56      8  checksum of the header up to here and of what follows the values: 64-bit FNV-1a
//!     64         values: (a + b, height, width, channels)
//!                number of classes, 4 bytes; 0: there are no labels
//!                for each class its name: bytes of UTF-8, 4 bytes, and these
//!                if there are classes, a label for each sample: 2 (a + b) bytes
//!                number of files left out, 4 bytes
//!                for each its place in the listing, 8 bytes, and what is wrong with it, as a name
//! ```
//!
//! A file that is not that, to the last byte of its length, is taken for none, and made anew: it
//! holds nothing that cannot be had again.
//!
//! It is written under another name, while a lock keeps other processes from doing the same, and
//! renamed when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::listing::Listing;
use crate::dataset::Dataset;
use crate::dataset::halves::TrainTest;
use crate::dataset::values::Values;
use crate::error::Error;
use crate::files::cache::BESIDE_THE_DATA;
use crate::files::data_file::{Access, DataFile};
use crate::files::hash::Hash;
use crate::files::platform;
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;

const MAGIC: &[u8; 8] = b"narrowsI";
const VERSION: u32 = 2;
const HEADER: usize = 64;
/// The part of the header before the checksum.
const CHECKED: usize = 56;

/// Where a file may lie.
pub(super) struct Place(PathBuf);

impl Place {
    /// The places for the images of `dir`, read with `settings`, the preferred one first: in
    /// `cache` if that is given.
    pub(super) fn all(
        dir: &Path,
        cache: Option<&Path>,
        settings: &str,
    ) -> Result<Vec<Place>, Error> {
        let full = fs::canonicalize(dir).map_err(|error| Error::io(dir, error))?;
        let named = |cache: &Path| {
            let mut hash = Hash::new();
            hash.bytes(full.as_os_str().as_encoded_bytes());
            let name = full
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            Place(cache.join(format!("{name}-{:016x}-{settings}.images", hash.value())))
        };
        Ok(match cache {
            Some(cache) => vec![named(cache)],
            None => {
                let beside = Place(dir.join(BESIDE_THE_DATA).join(format!("{settings}.images")));
                let platform = platform::cache().map(|cache| named(&cache.join("narrows")));
                [beside].into_iter().chain(platform).collect()
            }
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until no other process writes there, and begins.
    pub(super) fn begin(&self) -> io::Result<Writing> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        let partial = match lock.lock() {
            Ok(()) => self.0.with_added_extension("partial"),
            // Some network file systems know no locks: two processes may do the same work there,
            // each in its own file.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.0.with_added_extension(format!("{}.partial", std::process::id()))
            }
            Err(error) => return Err(error),
        };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&partial)?;
        file.seek(SeekFrom::Start(HEADER as u64))?;
        Ok(Writing {
            path: self.0.clone(),
            partial,
            file: BufWriter::new(file),
            values: 0,
            _lock: lock,
        })
    }
}

/// What was written.
pub(super) struct Rows {
    pub(super) height: usize,
    pub(super) width: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    /// Which files became samples, ascending.
    pub(super) files: Vec<usize>,
    /// Which did not, ascending, and why.
    pub(super) skipped: Vec<(usize, String)>,
}

/// A file in the making. Unless it is finished, it is removed.
pub(super) struct Writing {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    /// How many were appended.
    values: u64,
    /// Held until the end.
    _lock: File,
}

impl Writing {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn append(&mut self, values: &[u8]) -> io::Result<()> {
        self.values += values.len() as u64;
        self.file.write_all(values)
    }

    /// Drops the second and third of each three values: what is written never overtakes what is
    /// read.
    pub(super) fn keep_every_third(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        let mut part = vec![0; 3 << 20];
        let (mut from, mut to, end) = (HEADER as u64, HEADER as u64, HEADER as u64 + self.values);
        while from < end {
            let length = part.len().min((end - from) as usize);
            file.seek(SeekFrom::Start(from))?;
            file.read_exact(&mut part[..length])?;
            let kept: Vec<u8> = part[..length].iter().step_by(3).copied().collect();
            file.seek(SeekFrom::Start(to))?;
            file.write_all(&kept)?;
            (from, to) = (from + length as u64, to + kept.len() as u64);
        }
        file.set_len(to)?;
        self.values = to - HEADER as u64;
        Ok(())
    }

    /// Writes what belongs around the values, and gives the file its name.
    pub(super) fn finish(
        mut self,
        listing: &Listing,
        rows: &Rows,
        fingerprint: u64,
    ) -> io::Result<()> {
        let mut rest = Vec::new();
        let text = |rest: &mut Vec<u8>, text: &str| {
            rest.extend((text.len() as u32).to_le_bytes());
            rest.extend(text.as_bytes());
        };
        rest.extend((listing.classes.len() as u32).to_le_bytes());
        listing.classes.iter().for_each(|class| text(&mut rest, class));
        if !listing.classes.is_empty() {
            rest.extend(
                rows.files.iter().flat_map(|&file| listing.files[file].label.to_le_bytes()),
            );
        }
        rest.extend((rows.skipped.len() as u32).to_le_bytes());
        for (file, problem) in &rows.skipped {
            rest.extend((*file as u64).to_le_bytes());
            text(&mut rest, problem);
        }
        let train = rows.files.partition_point(|&file| file < listing.train);
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        for number in [VERSION, rows.height as u32, rows.width as u32, rows.channels as u32] {
            header.extend(number.to_le_bytes());
        }
        for number in
            [train as u64, (rows.files.len() - train) as u64, fingerprint, rest.len() as u64]
        {
            header.extend(number.to_le_bytes());
        }
        let checksum = checksum(&header, &rest);
        header.extend(checksum.to_le_bytes());

        self.file.write_all(&rest)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header)?;
        self.file.flush()?;
        // No checksum covers the values: they have to be on the disk before the name says that they
        // are.
        self.file.get_ref().sync_data()?;
        fs::rename(&self.partial, &self.path)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; what cannot be removed is overwritten next
        // time.
        let _ = fs::remove_file(&self.partial);
    }
}

fn checksum(header: &[u8], rest: &[u8]) -> u64 {
    let mut hash = Hash::new();
    hash.bytes(header);
    hash.bytes(rest);
    hash.value()
}

/// A file that was read, its values mapped.
pub(super) struct Stored {
    file: DataFile,
    /// Height and width, and channels if they are three.
    sample_shape: Vec<usize>,
    train: usize,
    test: usize,
    classes: Vec<String>,
    /// `(train + test)`, each below the number of classes; empty if there are none.
    labels: Vec<u16>,
    /// Places in the listing, and what is wrong with the files there.
    pub(super) skipped: Vec<(usize, String)>,
}

impl Stored {
    /// The file at `path`, if it was made from the files of `listing`, as `fingerprint` says.
    pub(super) fn read(
        path: &Path,
        fingerprint: u64,
        listing: &Listing,
        access: Access,
    ) -> Option<Stored> {
        let mut file = File::open(path).ok()?;
        let length = file.metadata().ok().filter(|metadata| metadata.is_file())?.len();
        let mut header = [0; HEADER];
        file.read_exact(&mut header).ok()?;
        let mut fields = Fields(&header);
        let (magic, version) = (fields.take(8)?, fields.four()?);
        let (height, width, channels) = (fields.four()?, fields.four()?, fields.four()?);
        let (train, test) = (fields.eight()?, fields.eight()?);
        let (made_from, rest_length, expected) =
            (fields.eight()?, fields.eight()?, fields.eight()?);
        if (magic, version, made_from) != (MAGIC, VERSION, fingerprint)
            || !matches!(channels, 1 | 3)
        {
            return None;
        }
        let samples = train
            .checked_add(test)
            .filter(|&samples| train > 0 && test > 0 && samples <= length)?;
        let sizes = [u64::from(height), u64::from(width), u64::from(channels)];
        let values = sizes.iter().try_fold(samples, |values, &size| values.checked_mul(size))?;
        if values == 0 || values.checked_add(rest_length)?.checked_add(HEADER as u64)? != length {
            return None;
        }
        // No longer than the file is.
        let mut rest = vec![0; usize::try_from(rest_length).ok()?];
        file.seek(SeekFrom::Start(HEADER as u64 + values)).ok()?;
        file.read_exact(&mut rest).ok()?;
        if checksum(&header[..CHECKED], &rest) != expected {
            return None;
        }
        let mut fields = Fields(&rest);
        let classes: Vec<String> =
            (0..fields.four()?).map(|_| fields.text()).collect::<Option<_>>()?;
        let labels = if classes.is_empty() {
            &[][..]
        } else {
            fields.take((samples as usize).checked_mul(2)?)?
        };
        let labels: Vec<u16> =
            labels.as_chunks().0.iter().map(|&label| u16::from_le_bytes(label)).collect();
        let skipped = (0..fields.four()?).map(|_| Some((fields.eight()? as usize, fields.text()?)));
        let skipped: Vec<(usize, String)> = skipped.collect::<Option<_>>()?;
        let labels_fit = labels.iter().all(|&label| usize::from(label) < classes.len());
        let files_fit = skipped.iter().all(|&(file, _)| file < listing.files.len());
        if !fields.0.is_empty() || !labels_fit || !files_fit {
            return None;
        }
        let mut sample_shape = vec![height as usize, width as usize];
        sample_shape.extend((channels == 3).then_some(3));
        let file = DataFile::open(path, access).ok().filter(|file| file.len() == length)?;
        Some(Stored {
            file,
            sample_shape,
            train: train as usize,
            test: test as usize,
            classes,
            labels,
            skipped,
        })
    }

    /// The two halves as data sets called `name`, which came from `dir`.
    pub(super) fn into_data(self, name: &str, dir: &Path) -> Result<TrainTest, Error> {
        let file = Arc::new(self.file);
        let sample_len: usize = self.sample_shape.iter().product();
        let half = |from: usize, samples: usize| {
            let start = (HEADER + from * sample_len) as u64;
            let values = Values::in_file(file.clone(), start, Dtype::U8, sample_len, samples);
            let preparation = Preparation::Bytes { max: u8::MAX };
            let half = Dataset::new(name.to_owned(), values, &self.sample_shape, preparation)
                .map_err(|problem| Error::file(dir, problem))?;
            Ok(match self.labels.get(from..from + samples) {
                Some(labels) if !self.classes.is_empty() => half
                    .with_labels(labels.into())
                    .with_class_names(self.classes.iter().cloned().collect()),
                _ => half,
            })
        };
        Ok(TrainTest { train: half(0, self.train)?, test: half(self.train, self.test)? })
    }
}

/// What is left of some bytes. `None` where they end too early.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    fn four(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn eight(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.four()?;
        String::from_utf8(self.take(length as usize)?.to_vec()).ok()
    }
}
