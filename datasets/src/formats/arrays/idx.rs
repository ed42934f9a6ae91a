//! IDX, the format of MNIST: a header, then the values, all big-endian.
//!
//! ```text
//! 00 00    type    rank    size of dimension 1    ...    size of the last    values
//! 2 bytes  1 byte  1 byte  4 bytes                       4 bytes
//! ```
//!
//! Format: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits.
//!
//! The file may be gzip data: its first bytes say so, whatever its name.

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use crate::files::gzip::GzipReader;

use crate::error::{At as _, Error, bail};
use crate::files::gzip::is_gzip;
use crate::files::regular::{fill, open_regular};
use crate::formats::arrays::decoder::{Array, Decoder};
use crate::formats::arrays::element::{ByteOrder, Element};
use crate::formats::arrays::header::{ArrayHeader, LARGEST_RANK, decoder_error};
use crate::formats::arrays::stored::{Place, StoredArray, for_each_piece_of};

/// The content that a file is expected to have.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn has_rank(self, rank: usize) -> bool {
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

    /// Checks that the array holds unsigned bytes in this kind's dimensions.
    fn check(self, header: &ArrayHeader) -> Result<(), String> {
        let (element, rank) = (header.element, header.shape.len());
        if element != Element::U8 {
            let element = element.name();
            return Err(format!(
                "holds {element}, and only unsigned bytes can be read: convert it"
            ));
        }
        if !self.has_rank(rank) {
            let expected = self.expected();
            return Err(format!("holds {rank}-dimensional data, where {expected} are expected"));
        }
        Ok(())
    }
}

/// The labels in `path`, read even where they could be mapped: labels index into things, and have
/// to stay what they were when checked.
pub(crate) fn read_labels(path: &Path) -> Result<Vec<u8>, Error> {
    let array = find(path, Kind::Labels)?;
    let mut labels = Vec::new();
    array.for_each_piece(|piece| {
        labels.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(labels)
}

const EXPECTED: &str = "an IDX file";

/// Reads the header of `path` and compares it with the file's length.
pub(crate) fn find_array(path: &Path) -> Result<StoredArray, Error> {
    find_checked(path, |_| Ok(()))
}

/// The same for unsigned bytes of the kind `kind`.
pub(crate) fn find(path: &Path, kind: Kind) -> Result<StoredArray, Error> {
    find_checked(path, |header| kind.check(header))
}

/// The same, with a check of the header before that of the length.
fn find_checked(
    path: &Path,
    check: impl Fn(&ArrayHeader) -> Result<(), String>,
) -> Result<StoredArray, Error> {
    let (mut file, length) = open_regular(path, EXPECTED)?;
    let mut magic = [0; 2];
    let length_of_magic = fill(&mut file, &mut magic).at(path)?;
    file.rewind().at(path)?;
    if is_gzip(&magic[..length_of_magic]) {
        let header = read_header(&mut GzipReader::new(BufReader::new(file)), path)?;
        check(&header).at(path)?;
        header.check_expansion(length, "gzip").at(path)?;
        return Ok(StoredArray::new(path, None, header, Place::Gzip));
    }
    let header = read_header(&mut file, path)?;
    check(&header).at(path)?;
    if header.total() != length {
        return Err(Error::file(path, header.wrong_length(&format!("the file has {length}"))));
    }
    let at = header.length;
    Ok(StoredArray::new(path, None, header, Place::Plain(at)))
}

/// Reads an array of unsigned bytes from gzip data of `length` bytes, which errors call `path`.
pub(crate) fn read_gzip(
    compressed: impl io::BufRead,
    length: u64,
    path: &Path,
    kind: Kind,
) -> Result<Array, Error> {
    let wrong = |problem| Error::file(path, problem);
    let mut values_from = GzipReader::new(compressed);
    let header = read_header(&mut values_from, path)?;
    kind.check(&header).map_err(wrong)?;
    header.check_expansion(length, "gzip").map_err(wrong)?;
    let mut decoded = Decoder::new(&header, false);
    let failed = |error| decoder_error(path, None, error, "gzip");
    for_each_piece_of(&mut values_from, &header, &failed, &wrong, &mut |piece| {
        decoded.push(piece).map_err(wrong)
    })?;
    Ok(decoded.finish())
}

fn read_header(reader: &mut impl Read, path: &Path) -> Result<ArrayHeader, Error> {
    let mut header = [0; 4 + 4 * LARGEST_RANK];
    let (magic, sizes) = header.split_at_mut(4);
    let failed = |error| decoder_error(path, None, error, "gzip");
    let mut arrived = fill(reader, magic).map_err(failed)?;
    let magic = &magic[..arrived];
    let cut_off = |arrived| {
        Error::file(
            path,
            format!("ends after {arrived} bytes, within its header: download it again"),
        )
    };
    let &[first, second, element, rank] = magic else {
        return Err(cut_off(arrived));
    };
    if [first, second] != [0, 0] {
        bail!(path, "is not an IDX file: it starts with the bytes {magic:02x?}");
    }
    let element = match element {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        other => {
            bail!(
                path,
                "holds values of the unknown type {other:#04x}: convert or download it again"
            );
        }
    };
    let rank = usize::from(rank);
    if rank == 0 || rank > LARGEST_RANK {
        bail!(
            path,
            "holds {rank}-dimensional data, where 1 to {LARGEST_RANK} dimensions can be read"
        );
    }
    let sizes = &mut sizes[..4 * rank];
    arrived += fill(reader, sizes).map_err(failed)?;
    let length = 4 + sizes.len();
    if arrived < length {
        return Err(cut_off(arrived));
    }
    let shape = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
    ArrayHeader::new(shape, element, ByteOrder::Big, false, length as u64).at(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::formats::arrays::decoder::ArrayValues;
    use crate::formats::arrays::tests::vectors::{OneFile, assert_says, floats};

    fn idx(element: u8, sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, element, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A type, two values of it, what they are, and how many of them were rounded.
    type Case = (u8, Vec<u8>, [f32; 2], u64);

    fn every_type() -> [Case; 6] {
        let join = |a: &[u8], b: &[u8]| [a, b].concat();
        [
            (0x08, vec![0, 255], [0.0, 255.0], 0),
            (0x09, vec![127, 128], [127.0, -128.0], 0),
            (0x0b, vec![1, 2, 0x80, 0], [258.0, -32_768.0], 0),
            (0x0c, vec![1, 0, 0, 1, 0xff, 0xff, 0xff, 0xff], [16_777_216.0, -1.0], 1),
            (0x0d, join(&1.5_f32.to_be_bytes(), &(-0.1_f32).to_be_bytes()), [1.5, -0.1], 0),
            (0x0e, join(&1.5_f64.to_be_bytes(), &0.1_f64.to_be_bytes()), [1.5, 0.1], 1),
        ]
    }

    fn read_array(path: &Path) -> Result<Array, Error> {
        find_array(path)?.read()
    }

    #[test]
    fn every_type_is_read_in_any_rank_plain_and_compressed() {
        let one = OneFile::new("array", &[]);
        for (element, values, expected, rounded) in every_type() {
            for sizes in [&[2][..], &[1, 2], &[2, 1, 1], &[1, 1, 1, 1, 1, 1, 1, 2]] {
                let plain = idx(element, sizes, &values);
                for bytes in [&plain, &gzip(&plain)] {
                    one.put(bytes);
                    let array = read_array(&one.path).unwrap();
                    assert!(array.shape.iter().zip(sizes).all(|(&a, &b)| a == b as usize));
                    assert_eq!(array.shape.len(), sizes.len());
                    assert_eq!(floats(&array, &one.path), expected, "type {element:#04x}");
                    assert_eq!(array.rounded, rounded, "type {element:#04x}");
                    let in_place = matches!(array.values, ArrayValues::BytesAt(_));
                    assert_eq!(in_place, element == 0x08 && bytes == &plain);
                }
            }
        }
    }

    #[test]
    fn an_array_cut_off_anywhere_is_an_error() {
        let one = OneFile::new("array", &[]);
        for (element, values, ..) in every_type() {
            let whole = idx(element, &[1, 2], &values);
            for length in 0..whole.len() {
                one.put(&whole[..length]);
                let says = if length < 12 { "ends after" } else { "1 x 2" };
                assert_says(&read_array(&one.path).unwrap_err(), &one.path, says);
                one.put(&gzip(&whole[..length]));
                assert_says(&read_array(&one.path).unwrap_err(), &one.path, says);
            }
            let compressed = gzip(&whole);
            for length in 2..compressed.len() {
                one.put(&compressed[..length]);
                assert_says(&read_array(&one.path).unwrap_err(), &one.path, "is cut off");
            }
            one.put(&[&whole[..], b"!"].concat());
            assert_says(&read_array(&one.path).unwrap_err(), &one.path, "but the file has");
            one.put(&gzip(&[&whole[..], b"!"].concat()));
            assert_says(&read_array(&one.path).unwrap_err(), &one.path, "it decompresses to more");
        }
    }

    #[test]
    fn ranks_and_promises_out_of_range_are_errors() {
        let one = OneFile::new("array", &[]);
        for (bytes, says) in [
            (idx(0x0d, &[], &[0; 4]), "0-dimensional"),
            (idx(0x0d, &[1; 9], &[0; 4]), "9-dimensional"),
            (idx(0x0e, &[u32::MAX, u32::MAX], &[0; 8]), "more than memory can address"),
            (
                idx(0x0e, &[1 << 30], &[0; 8]),
                "promises 8589934600 bytes (1073741824 values of 8 bytes",
            ),
            (idx(0x0d, &[1, 0], &[0; 4]), "holds nothing"),
        ] {
            for bytes in [&bytes, &gzip(&bytes)] {
                one.put(bytes);
                assert_says(&read_array(&one.path).unwrap_err(), &one.path, says);
            }
        }
    }

    #[test]
    fn a_gzip_file_that_expands_beyond_its_promise_is_left_at_once() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&[0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3]).unwrap();
        bomb.write_all(&vec![0; 1 << 26]).unwrap();
        let bomb = bomb.finish().unwrap();
        let mut unread = &bomb[..];
        let error = read_gzip(&mut unread, bomb.len() as u64, Path::new("bomb.gz"), Kind::Images);
        let message = error.err().unwrap().to_string();
        let expected = "promises 46 bytes (5 x 2 x 3 and a header), but it decompresses to more: \
                        download it again";
        assert_eq!(message, format!("bomb.gz: {expected}"));
        assert!(
            unread.len() > bomb.len() / 2,
            "{} of {} bytes were not read",
            unread.len(),
            bomb.len()
        );
    }
}
