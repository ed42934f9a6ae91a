//! NumPy's `.npy`: a signature, the version, the length of a text, and the text, which is a Python
//! dictionary of three entries; then the values.
//!
//! ```text
//! 93 'NUMPY'   6 bytes
//! 1 0          the version, 2 bytes
//! length       2 bytes (4 from 2.0 on)
//! text         {'descr': '<f4', 'fortran_order': False, 'shape': (60, 4), }
//! values
//! ```
//!
//! Format: NumPy's `numpy.lib.format`. Nothing is ever executed or unpickled.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Short};
use crate::files::regular::{fill, open_regular};
use crate::formats::arrays::element::{ByteOrder, Element};
use crate::formats::arrays::header::ArrayHeader;
use crate::formats::arrays::stored::{Place, StoredArray};

mod dictionary;
mod write;

pub use write::NpyWriter;
pub(crate) use write::header;

const SIGNATURE: &[u8] = b"\x93NUMPY";
/// Far more bytes than three entries need.
const LARGEST_TEXT: usize = 1 << 16;

/// Reads the header of `path` and compares it with the file's length.
pub(crate) fn find_array(path: &Path) -> Result<StoredArray, Error> {
    let (mut file, length) = open_regular(path, "a .npy file")?;
    let header = read_header(
        &mut file,
        |error| Error::io(path, error),
        |problem| Error::file(path, problem),
    )?;
    if header.total() != length {
        return Err(Error::file(path, header.wrong_length(&format!("the file has {length}"))));
    }
    let at = header.length;
    Ok(StoredArray::new(path, None, header, Place::Plain(at)))
}

/// Reads a header from the start of a file or of a member of an `.npz` file.
pub(crate) fn read_header(
    reader: &mut impl Read,
    failed: impl Fn(std::io::Error) -> Error,
    wrong: impl Fn(String) -> Error,
) -> Result<ArrayHeader, Error> {
    let mut arrived = 0;
    let mut next = |buffer: &mut [u8]| {
        arrived += fill(reader, buffer).map_err(&failed)?;
        Ok(arrived)
    };
    let cut_off = |arrived| {
        wrong(format!("ends after {arrived} bytes, within its header: download it again"))
    };

    let mut start = [0; 8];
    let arrived = next(&mut start)?;
    if !start[..arrived.min(6)].starts_with(&SIGNATURE[..arrived.min(6)]) {
        let start = &start[..arrived.min(6)];
        return Err(wrong(format!(
            "is not NumPy's .npy data: it starts with the bytes {start:02x?}"
        )));
    }
    if arrived < start.len() {
        return Err(cut_off(arrived));
    }
    let length_bytes = match start[6..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        _ => {
            let (major, minor) = (start[6], start[7]);
            let problem = format!(
                "is of version {major}.{minor} of .npy, where 1.0, 2.0 and 3.0 can be read"
            );
            return Err(wrong(format!("{problem}: save it anew")));
        }
    };
    let mut length = [0; 4];
    let arrived = next(&mut length[..length_bytes])?;
    if arrived < start.len() + length_bytes {
        return Err(cut_off(arrived));
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST_TEXT {
        return Err(wrong(format!(
            "has a header of {length} bytes, which no array of numbers needs"
        )));
    }
    let mut text = vec![0; length];
    let expected = start.len() + length_bytes + length;
    let arrived = next(&mut text)?;
    if arrived < expected {
        return Err(cut_off(arrived));
    }
    let entries = dictionary::parse(&text).map_err(|problem| {
        wrong(format!("has a damaged header: {problem}; save it anew, or download it again"))
    })?;
    let (element, order) = element_of(&entries.descr).map_err(&wrong)?;
    ArrayHeader::new(entries.shape, element, order, entries.fortran_order, expected as u64)
        .map_err(wrong)
}

/// The type of a NumPy name: the byte order, a letter for the kind, and the size in bytes.
fn element_of(descr: &dictionary::Descr) -> Result<(Element, ByteOrder), String> {
    let dictionary::Descr::Name(name) = descr else {
        return Err(
            "holds records of several fields: save each field as an array of its own".to_owned()
        );
    };
    let unknown = || {
        format!(
            "holds values of the type {}, which is no type of numbers that can be read",
            Short(name)
        )
    };
    let mut letters = name.chars();
    let (Some(order), Some(kind)) = (letters.next(), letters.next()) else { return Err(unknown()) };
    let size = letters.as_str();
    match kind {
        'O' => {
            return Err(
                "holds Python objects, which are never unpickled: save it as numbers".to_owned()
            );
        }
        'U' | 'S' | 'a' => {
            return Err("holds texts, where numbers are expected: save it as numbers".to_owned());
        }
        'c' => return Err("holds complex numbers: save their parts as numbers".to_owned()),
        'M' | 'm' => return Err("holds times: save them as numbers".to_owned()),
        _ => {}
    }
    let element = match (kind, size) {
        ('b', "1") => Element::Bool,
        ('u', "1") => Element::U8,
        ('i', "1") => Element::I8,
        ('u', "2") => Element::U16,
        ('i', "2") => Element::I16,
        ('u', "4") => Element::U32,
        ('i', "4") => Element::I32,
        ('u', "8") => Element::U64,
        ('i', "8") => Element::I64,
        ('f', "2") => Element::F16,
        ('f', "4") => Element::F32,
        ('f', "8") => Element::F64,
        _ => return Err(unknown()),
    };
    let order = match order {
        '<' => ByteOrder::Little,
        '>' => ByteOrder::Big,
        '|' if element.size() == 1 => ByteOrder::Little,
        _ => return Err(unknown()),
    };
    Ok((element, order))
}

#[cfg(test)]
mod tests;
