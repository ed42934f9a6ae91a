//! IDX, the format of MNIST: a header, then the values, all big-endian.
//!
//! ```text
//! 00 00    type    rank    size of dimension 1    ...    size of the last    values
//! 2 bytes  1 byte  1 byte  4 bytes                       4 bytes
//! ```
//!
//! Format: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits.
//!
//! What a header promises is believed only as far as the file bears it out. A plain file's length is compared
//! with it before anything is mapped. A gzip file can expand to 1,032 times its length at most, and is read
//! in pieces, so that memory grows with what has arrived and never beyond what was promised.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::array::ArrayValues;
use crate::error::Error;

const UNSIGNED_BYTE: u8 = 0x08;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate's best code spends two bits on a run of 258 bytes.
const LARGEST_EXPANSION: u64 = 258 * 8 / 2;
/// The header of images in colour.
const LARGEST_HEADER: usize = 4 + 4 * 4;
/// How much memory a gzip file gets before its first value has arrived.
const FIRST_PIECE: usize = 1 << 20;

/// What a file is expected to hold.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn has_rank(self, rank: u8) -> bool {
        match self {
            Kind::Images => rank == 3 || rank == 4,
            Kind::Labels => rank == 1,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Kind::Images => "images in 3 dimensions (count, height, width) or 4 (and channels)",
            Kind::Labels => "labels in 1 dimension",
        }
    }
}

/// The content of one file.
pub(crate) struct Idx {
    /// One or, of images, three or four, none of them zero. Their product is the number of values.
    pub(crate) sizes: Vec<usize>,
    /// Bytes in memory or in the file.
    pub(crate) values: ArrayValues,
}

/// Reads `path`: a name that ends in `.gz` is decompressed into memory, any other is mapped.
pub(crate) fn read(path: &Path, kind: Kind) -> Result<Idx, Error> {
    // Before opening: to open a named pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(|error| Error::io(path, error))?;
    if metadata.is_dir() {
        return Err(Error::file(path, "is a folder, where an IDX file is expected"));
    }
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a regular file, which an IDX file has to be"));
    }
    let mut file = File::open(path).map_err(|error| Error::io(path, error))?;
    let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
    if path.extension().is_some_and(|extension| extension == "gz") {
        return read_gzip(BufReader::new(file), length, path, kind);
    }
    let header = Header::read(&mut file, path, kind)?;
    if header.file_length() != length {
        return Err(header.wrong_length(path, &format!("the file has {length}")));
    }
    let values = ArrayValues::BytesAt(header.length() as u64);
    Ok(Idx { sizes: header.sizes, values })
}

/// The labels in `path`, read even where they could be mapped: labels index into things, and have to stay what they were
/// when checked.
pub(crate) fn read_labels(path: &Path) -> Result<Vec<u8>, Error> {
    let Idx { sizes, values } = read(path, Kind::Labels)?;
    match values {
        ArrayValues::Bytes(labels) => Ok(labels),
        _ => {
            let failed = |error| Error::io(path, error);
            let mut labels = Vec::with_capacity(sizes[0]);
            let mut file = File::open(path).map_err(failed)?;
            file.seek(SeekFrom::Start(4 + 4)).map_err(failed)?;
            file.take(sizes[0] as u64).read_to_end(&mut labels).map_err(failed)?;
            Ok(labels)
        }
    }
}

/// Reads gzip data of `length` bytes; `path` is what errors call it.
pub(crate) fn read_gzip(
    mut compressed: impl io::BufRead,
    length: u64,
    path: &Path,
    kind: Kind,
) -> Result<Idx, Error> {
    let start = compressed.fill_buf().map_err(|error| Error::io(path, error))?;
    if !start.starts_with(&GZIP_MAGIC) {
        let advice = "if it is decompressed already, remove .gz from its name, else download it again";
        return Err(Error::file(path, format!("is not gzip data: {advice}")));
    }
    let mut values_from = MultiGzDecoder::new(compressed);
    let header = Header::read(&mut values_from, path, kind)?;
    if header.file_length() > length.saturating_mul(LARGEST_EXPANSION) {
        return Err(header.wrong_length(path, &format!("{length} bytes of gzip cannot hold that many")));
    }

    let mut values = Vec::new();
    while values.len() < header.values {
        let piece = (header.values - values.len()).min(values.len().max(FIRST_PIECE));
        let filled = values.len();
        values.try_reserve_exact(piece).map_err(|_| {
            Error::file(path, format!("needs {} bytes of memory, which are not to be had", header.values))
        })?;
        values.resize(filled + piece, 0);
        let arrived =
            fill(&mut values_from, &mut values[filled..]).map_err(|error| gzip_error(path, error))?;
        if arrived < piece {
            let holds = header.length() + filled + arrived;
            return Err(header.wrong_length(path, &format!("it decompresses to {holds}")));
        }
    }
    // One byte too many is proof enough; and reading to the end is what checks the checksum.
    if fill(&mut values_from, &mut [0]).map_err(|error| gzip_error(path, error))? > 0 {
        return Err(header.wrong_length(path, "it decompresses to more"));
    }
    Ok(Idx { sizes: header.sizes, values: ArrayValues::Bytes(values) })
}

struct Header {
    sizes: Vec<usize>,
    /// The product of the sizes.
    values: usize,
}

impl Header {
    fn read(reader: &mut impl Read, path: &Path, kind: Kind) -> Result<Self, Error> {
        let mut header = [0; LARGEST_HEADER];
        let (magic, sizes) = header.split_at_mut(4);
        let mut arrived = fill(reader, magic).map_err(|error| gzip_error(path, error))?;
        let magic = &magic[..arrived];
        if magic.starts_with(&GZIP_MAGIC) {
            return Err(Error::file(path, "is gzip data: add .gz to its name, or decompress it"));
        }
        let cut_off = |arrived| {
            Error::file(path, format!("ends after {arrived} bytes, within its header: download it again"))
        };
        let &[first, second, element, rank] = magic else {
            return Err(cut_off(arrived));
        };
        if [first, second] != [0, 0] {
            return Err(Error::file(
                path,
                format!("is not an IDX file: it starts with the bytes {magic:02x?}"),
            ));
        }
        if element != UNSIGNED_BYTE {
            let found = match element {
                0x09 => "signed bytes".to_owned(),
                0x0b => "16-bit integers".to_owned(),
                0x0c => "32-bit integers".to_owned(),
                0x0d => "32-bit floats".to_owned(),
                0x0e => "64-bit floats".to_owned(),
                other => format!("values of the unknown type {other:#04x}"),
            };
            let problem = format!("holds {found}, and only unsigned bytes can be read: convert it");
            return Err(Error::file(path, problem));
        }
        if !kind.has_rank(rank) {
            let problem = format!("holds {rank}-dimensional data, where {} are expected", kind.expected());
            return Err(Error::file(path, problem));
        }
        let sizes = &mut sizes[..4 * usize::from(rank)];
        arrived += fill(reader, sizes).map_err(|error| gzip_error(path, error))?;
        if arrived < 4 + sizes.len() {
            return Err(cut_off(arrived));
        }
        let sizes: Vec<u32> = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size)).collect();
        if sizes.contains(&0) {
            let problem = format!("holds nothing: its header says {}", product(&sizes));
            return Err(Error::file(path, problem));
        }
        // So that adding a header cannot overflow later.
        let values = sizes.iter().try_fold(1_usize, |values, &size| values.checked_mul(size as usize));
        let Some(values) = values.filter(|&values| values < isize::MAX as usize - LARGEST_HEADER) else {
            let problem = format!("promises {} values, more than memory can address", product(&sizes));
            return Err(Error::file(path, problem));
        };
        Ok(Header { sizes: sizes.into_iter().map(|size| size as usize).collect(), values })
    }

    /// The bytes before the first value.
    fn length(&self) -> usize {
        4 + 4 * self.sizes.len()
    }

    fn file_length(&self) -> u64 {
        (self.length() + self.values) as u64
    }

    fn wrong_length(&self, path: &Path, truth: &str) -> Error {
        let promise =
            format!("promises {} bytes ({} and a header)", self.file_length(), product(&self.sizes));
        Error::file(path, format!("{promise}, but {truth}: download it again"))
    }
}

fn product(sizes: &[impl ToString]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// Fills `buffer` as far as `reader` goes, and says how far that was.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(arrived) => filled += arrived,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The decoder reports damaged data as errors of these kinds, which no regular file's own reading has.
fn gzip_error(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::file(path, "is cut off: its gzip data ends early; download it again")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::file(path, format!("is damaged: {error}; download it again"))
        }
        _ => Error::io(path, error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_gzip_file_that_expands_beyond_its_promise_is_left_at_once() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&[0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3]).unwrap();
        bomb.write_all(&vec![0; 1 << 26]).unwrap();
        let bomb = bomb.finish().unwrap();
        let mut unread = &bomb[..];
        let error = read_gzip(&mut unread, bomb.len() as u64, Path::new("bomb.gz"), Kind::Images);
        let message = error.err().unwrap().to_string();
        let expected =
            "promises 46 bytes (5 x 2 x 3 and a header), but it decompresses to more: download it again";
        assert_eq!(message, format!("bomb.gz: {expected}"));
        assert!(unread.len() > bomb.len() / 2, "{} of {} bytes were not read", unread.len(), bomb.len());
    }
}
