//! safetensors: the length of a JSON text in 8 bytes, the text, then the values of all arrays, one
//! after the other.
//!
//! ```text
//! length   {"x": {"dtype": "F32", "shape": [60, 4], "data_offsets": [0, 960]}, ...}    values
//! 8 bytes
//! ```
//!
//! Format: Hugging Face's safetensors. The crate of that name wants the whole file in memory to
//! read the text, and lets the last of two arrays of one name win: so the text is parsed here.

use std::collections::HashSet;
use std::fmt;
use std::io::{Read, Seek};
use std::path::Path;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::error::{At as _, Error, Short, bail, shown_json};
use crate::files::regular::open_regular;
use crate::formats::arrays::element::{ByteOrder, Element};
use crate::formats::arrays::header::{ArrayHeader, in_array};
use crate::formats::arrays::stored::{NamedArray, Place, StoredArray};

/// The limit of the format.
const LARGEST_TEXT: u64 = 100_000_000;

/// The arrays of `path` in the order of their values. None of the names occurs twice, and the
/// values of all fill the file without gaps.
pub(crate) fn read(path: &Path) -> Result<Vec<NamedArray>, Error> {
    let wrong = |problem: String| Error::file(path, problem);
    let (mut file, length) = open_regular(path, "a safetensors file")?;
    let Some(rest) = length.checked_sub(8) else {
        bail!(path, "ends after {length} bytes, within its header: download it again");
    };
    let mut text_length = [0; 8];
    file.read_exact(&mut text_length).at(path)?;
    let text_length = u64::from_le_bytes(text_length);
    if text_length > LARGEST_TEXT {
        bail!(
            path,
            "promises a header of {text_length} bytes, where 100 MB are the most: it is no \
             safetensors file, or damaged"
        );
    }
    let Some(data_length) = rest.checked_sub(text_length) else {
        bail!(
            path,
            "promises a header of {text_length} bytes, but the file goes on for {rest}: download \
             it again"
        );
    };
    let mut text = vec![0; text_length as usize];
    file.read_exact(&mut text).at(path)?;
    let data = file.stream_position().at(path)?;
    let Entries(mut entries) = serde_json::from_slice(&text).map_err(|error| {
        wrong(format!("has a damaged header ({}): download it again", shown_json(&error)))
    })?;
    drop(text);

    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    let mut arrays = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let [from, to] = entry.data_offsets;
        if from != end || to < from || to > data_length {
            let problem = format!(
                "has the bytes {from} to {to}, where {end} to at most {data_length} follow"
            );
            return Err(in_array(
                path,
                Some(&name),
                format!("{problem}: the file is damaged; download it again"),
            ));
        }
        end = to;
        let array = entry
            .header()
            .and_then(|header| match header.total() == to - from {
                true => Ok(header),
                false => Err(header.wrong_length(&format!("the file has {} for it", to - from))),
            })
            .map(|header| StoredArray::new(path, Some(&name), header, Place::Plain(data + from)))
            .map_err(|problem| in_array(path, Some(&name), problem));
        arrays.push(NamedArray { name, array });
    }
    if end != data_length {
        bail!(
            path,
            "holds {data_length} bytes of values, where its arrays are {end}: download it again"
        );
    }
    Ok(arrays)
}

/// The entry of one array.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl Entry {
    fn header(&self) -> Result<ArrayHeader, String> {
        let element = match &self.dtype[..] {
            "BOOL" => Element::Bool,
            "U8" => Element::U8,
            "I8" => Element::I8,
            "U16" => Element::U16,
            "I16" => Element::I16,
            "U32" => Element::U32,
            "I32" => Element::I32,
            "U64" => Element::U64,
            "I64" => Element::I64,
            "F16" => Element::F16,
            "BF16" => Element::Bf16,
            "F32" => Element::F32,
            "F64" => Element::F64,
            other => {
                return Err(format!(
                    "holds values of the type {}, which cannot be read",
                    Short(other)
                ));
            }
        };
        let shape =
            self.shape.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
        ArrayHeader::new(shape, element, ByteOrder::Little, false, 0)
    }
}

/// The arrays of the text by name, without its `__metadata__`.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arrays by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
        let (mut names, mut entries) = (HashSet::new(), Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom(format_args!(
                    "two arrays of the name {}",
                    Short(&name)
                )));
            }
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
            } else {
                entries.push((name, map.next_value()?));
            }
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests;
