//! An array in a file of any format: its header, and the reading of its values.
//!
//! The promise of a header is believed only as far as the file confirms it. If the values lie in
//! the file as they are, its length is compared with the promise before anything else. Compressed
//! data can expand to 1,032 times their length at most. They are read in pieces, so that memory
//! grows with the values that have arrived, and never beyond the promise.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::files::gzip::GzipReader;

use crate::error::{At as _, Error};
use crate::files::regular::{PIECE, fill, open_regular};
use crate::formats::arrays::decoder::{Array, ArrayValues, Decoder};
use crate::formats::arrays::element::{ByteOrder, Element};
use crate::formats::arrays::header::{ArrayHeader, decoder_error, in_array};
use crate::formats::arrays::member::Member;

/// The bytes of values that are decompressed into memory before their data are known to be whole.
/// While memory grows, it is there twice.
const LARGEST_UNSEEN: usize = 6 << 20;
/// An array and its name in the file.
pub(crate) struct NamedArray {
    pub(crate) name: String,
    /// An error if its header is damaged, or if it holds no numbers. Other arrays of the file can
    /// be read nevertheless.
    pub(crate) array: Result<StoredArray, Error>,
}

/// An array whose values have not been read yet.
#[derive(Clone, Debug)]
pub(crate) struct StoredArray {
    path: PathBuf,
    /// Its name, if the file holds several.
    name: Option<String>,
    header: ArrayHeader,
    place: Place,
}

/// Where the values of an array are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the file as they are, from this byte on.
    Plain(u64),
    /// The file is gzip data, and they follow the header in it.
    Gzip,
    /// In a member of a zip file, after the header.
    Member(Member),
}

impl StoredArray {
    pub(crate) fn new(path: &Path, name: Option<&str>, header: ArrayHeader, place: Place) -> Self {
        StoredArray { path: path.to_owned(), name: name.map(str::to_owned), header, place }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its dimensions, the first of them the samples'.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    pub(crate) fn header(&self) -> &ArrayHeader {
        &self.header
    }

    /// An error of this array.
    pub(crate) fn error(&self, problem: impl std::fmt::Display) -> Error {
        in_array(&self.path, self.name.as_deref(), problem)
    }

    /// Reads the values, unless they can stay in the file: bytes and little-endian `f32` that are
    /// neither compressed nor in Fortran's order. Values in a zip file are compared with their
    /// checksum first, and truth values are checked.
    pub(crate) fn read(&self) -> Result<Array, Error> {
        let header = &self.header;
        let at = match &self.place {
            Place::Plain(at) => Some(*at),
            Place::Member(member) if !member.deflated => Some(member.at + header.length),
            _ => None,
        };
        let values = match (at, header.element) {
            (Some(at), element) if element.is_byte() && !header.fortran => ArrayValues::BytesAt(at),
            (Some(at), Element::F32) if header.order == ByteOrder::Little && !header.fortran => {
                ArrayValues::FloatsAt(at)
            }
            _ => return self.decode(),
        };
        if matches!(self.place, Place::Member(_)) || header.element == Element::Bool {
            self.for_each_piece(|_| Ok(()))?;
        }
        Ok(Array { shape: header.shape.clone(), values, rounded: 0 })
    }

    fn decode(&self) -> Result<Array, Error> {
        let plain = matches!(self.place, Place::Plain(_));
        // Compressed data may turn out to be damaged or cut off, and must not have taken much
        // memory by then. If they promise much, a first pass checks the promise.
        let large =
            self.header.values().saturating_mul(self.header.element.memory()) > LARGEST_UNSEEN;
        if large && !plain {
            self.for_each_piece(|_| Ok(()))?;
        }
        let mut decoded = Decoder::new(&self.header, plain || large);
        self.for_each_piece(|piece| decoded.push(piece).map_err(|problem| self.error(problem)))?;
        Ok(decoded.finish())
    }

    /// Calls `take` with the bytes of the values in the file's order, some whole values at a time,
    /// and then checks that nothing comes after them, and the checksum if there is one.
    pub(crate) fn for_each_piece(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut file, length) = open_regular(&self.path, "a file of numbers")?;
        let changed = || self.error("changed while it was being read: try again");
        match &self.place {
            &Place::Plain(at) => {
                file.seek(SeekFrom::Start(at)).at(&self.path)?;
                let bytes = self.header.total() - self.header.length;
                if length < at + bytes {
                    return Err(changed());
                }
                self.pieces_of(&mut file.take(bytes), 0, &mut take)
            }
            Place::Gzip => {
                let mut values = GzipReader::new(BufReader::new(file));
                self.pieces_of(&mut values, self.header.length, &mut take)
            }
            Place::Member(member) => {
                if length < member.at + member.compressed {
                    return Err(changed());
                }
                let mut content = member.open(file).at(&self.path)?;
                self.pieces_of(&mut content, self.header.length, &mut take)?;
                content.check(member).map_err(|problem| self.error(problem))
            }
        }
    }

    fn pieces_of(
        &self,
        reader: &mut impl Read,
        skipped: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = |error| self.read_error(error);
        let header =
            io::copy(&mut reader.by_ref().take(skipped), &mut io::sink()).map_err(failed)?;
        if header < skipped {
            return Err(self.error("changed while it was being read: try again"));
        }
        for_each_piece_of(reader, &self.header, &failed, &|problem| self.error(problem), take)
    }

    fn read_error(&self, error: io::Error) -> Error {
        match &self.place {
            Place::Plain(_) => Error::io(&self.path, error),
            Place::Gzip => decoder_error(&self.path, None, error, "gzip"),
            Place::Member(_) => decoder_error(&self.path, self.name.as_deref(), error, "zip"),
        }
    }
}

/// Calls `take` with the bytes of the values that `reader` is at, some whole values at a time, and
/// then checks that it has no more.
pub(crate) fn for_each_piece_of(
    reader: &mut impl Read,
    header: &ArrayHeader,
    failed: &dyn Fn(io::Error) -> Error,
    wrong: &dyn Fn(String) -> Error,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let bytes = header.values() * header.element.size();
    let mut buffer = vec![0; PIECE.min(bytes)];
    let mut arrived = 0;
    while arrived < bytes {
        let piece = &mut buffer[..PIECE.min(bytes - arrived)];
        let filled = fill(reader, piece).map_err(failed)?;
        if filled < piece.len() {
            let holds = header.length + (arrived + filled) as u64;
            return Err(wrong(header.wrong_length(&format!("it decompresses to {holds}"))));
        }
        if header.element == Element::Bool
            && let Some(at) = piece.iter().position(|&value| value > 1)
        {
            let (value, at) = (piece[at], arrived + at);
            return Err(wrong(format!(
                "truth value {at} is {value}, neither 0 nor 1: write it anew"
            )));
        }
        take(piece)?;
        arrived += filled;
    }
    // One byte too many is proof enough. Reading to the end checks the checksum of gzip data.
    if fill(reader, &mut [0]).map_err(failed)? > 0 {
        return Err(wrong(header.wrong_length("it decompresses to more")));
    }
    Ok(())
}
