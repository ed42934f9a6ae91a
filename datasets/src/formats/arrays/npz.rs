//! NumPy's `.npz`: a zip file of `.npy` files, stored or deflated.
//!
//! Nothing is ever written to disk, so that a member's path is a name and no more. Members that are
//! no `.npy` files are passed over.

use std::collections::HashSet;
use std::path::Path;

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipFileHeaderRecord};

use crate::error::{At as _, Error, Short, bail};
use crate::files::regular::open_regular;
use crate::formats::arrays::header::{decoder_error, in_array};
use crate::formats::arrays::member::Member;
use crate::formats::arrays::npy;
use crate::formats::arrays::stored::{NamedArray, Place, StoredArray};

/// The arrays of `path` in the order of its directory, their headers read. None of the names occurs
/// twice.
pub(crate) fn read(path: &Path) -> Result<Vec<NamedArray>, Error> {
    let (file, length) = open_regular(path, "an .npz file")?;
    let wrong = |error: rawzip::Error| {
        Error::file(path, format!("is no zip file, or a damaged one ({error}): download it again"))
    };
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(wrong)?;
    let promised = archive.entries_hint();
    let (mut arrays, mut names, mut members) = (Vec::new(), HashSet::new(), 0);
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(wrong)? {
        members += 1;
        let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        if !names.insert(name.to_owned()) {
            let name = Short(name);
            bail!(path, "holds two arrays of the name {name}: save it anew");
        }
        let array = find_member(&archive, &entry, length)
            .map_err(|problem| in_array(path, Some(name), problem))
            .and_then(|member| find_array(path, name, member));
        arrays.push(NamedArray { name: name.to_owned(), array });
    }
    if members != promised {
        bail!(
            path,
            "is damaged: its directory has {members} members, where its end says {promised}; \
             download it again"
        );
    }
    Ok(arrays)
}

/// The place of a member's data.
fn find_member(
    archive: &ZipArchive<rawzip::FileReader>,
    entry: &ZipFileHeaderRecord<'_>,
    file_length: u64,
) -> Result<Member, String> {
    let flags = entry.flags();
    if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        return Err("is encrypted: save it without a password".to_owned());
    }
    let deflated = match entry.compression_method() {
        CompressionMethod::STORE => false,
        CompressionMethod::DEFLATE => true,
        other => {
            let other = other.as_u16();
            return Err(format!(
                "is compressed by method {other}, where 0 and 8 (deflate) can be read"
            ));
        }
    };
    let damaged =
        "is damaged: its place in the zip file does not exist; download it again".to_owned();
    let Ok(found) = archive.get_entry(entry.wayfinder()) else { return Err(damaged) };
    let (at, end) = found.compressed_data_range();
    let compressed = entry.compressed_size_hint();
    if end > file_length || end.checked_sub(at) != Some(compressed) {
        return Err(damaged);
    }
    let length = entry.uncompressed_size_hint();
    Ok(Member { at, compressed, length, deflated, crc: entry.crc32() })
}

/// Reads the header of an array and compares it with the member's length.
fn find_array(path: &Path, name: &str, member: Member) -> Result<StoredArray, Error> {
    let wrong = |problem| in_array(path, Some(name), problem);
    let (file, _) = open_regular(path, "an .npz file")?;
    let mut content = member.open(file).at(path)?;
    let failed = |error| decoder_error(path, Some(name), error, "zip");
    let header = npy::read_header(&mut content, failed, wrong)?;
    let (length, compressed) = (member.length, member.compressed);
    if member.deflated {
        header.check_expansion(compressed, "zip").map_err(wrong)?;
    } else if length != compressed {
        return Err(wrong(format!(
            "is damaged: {compressed} bytes are stored, but its zip entry says {length}"
        )));
    }
    if header.total() != length {
        return Err(wrong(header.wrong_length(&format!("its zip entry has {length}"))));
    }
    Ok(StoredArray::new(path, Some(name), header, Place::Member(member)))
}

#[cfg(test)]
mod tests;
