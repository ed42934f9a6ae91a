//! The members of a zip file, as `torch.save` writes it: stored, and with a checksum each.

use super::shown;
use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read;

/// No file has more members.
const MOST_MEMBERS: usize = 100_000;
/// Weights do not compress well: members of more bytes than so many times the file's are a bomb.
const MOST_EXPANSION: usize = 16;

/// A zip file in memory.
pub(super) struct Zip<'a> {
    bytes: &'a [u8],
    archive: ZipSliceArchive<&'a [u8]>,
    members: BTreeMap<String, Member>,
    /// The bytes that members may still decompress to.
    left: Cell<usize>,
}

struct Member {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    crc: u32,
    length: u64,
}

fn damaged(error: &rawzip::Error) -> String {
    format!("is a damaged zip file ({error}): download it again")
}

impl<'a> Zip<'a> {
    /// Reads the directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Zip<'a>, String> {
        let archive = ZipArchive::from_slice(bytes).map_err(|e| damaged(&e))?;
        let promised = archive.entries_hint();
        let (mut members, mut found) = (BTreeMap::new(), 0);
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().map_err(|e| damaged(&e))? {
            found += 1;
            if found > MOST_MEMBERS {
                return Err(format!("is a zip file of more than {MOST_MEMBERS} members"));
            }
            let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
            let flags = entry.flags();
            if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
                return Err("is an encrypted zip file: save it without a password".into());
            }
            let member = Member {
                place: entry.wayfinder(),
                method: entry.compression_method(),
                crc: entry.crc32(),
                length: entry.uncompressed_size_hint(),
            };
            if members.contains_key(&name) {
                let name = shown(&name);
                return Err(format!("two members of the zip file have the name {name}"));
            }
            members.insert(name, member);
        }
        if found as u64 != promised {
            return Err(format!(
                "is a damaged zip file: its directory has {found} members, where its end says \
                 {promised}; download it again"
            ));
        }
        let left = Cell::new(bytes.len().saturating_mul(MOST_EXPANSION));
        Ok(Zip { bytes, archive, members, left })
    }

    /// The names of all members, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(|name| &**name)
    }

    /// The content of the member of that name, if there is one.
    pub(super) fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>, String> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        let wrong = |problem: String| format!("the member {} {problem}", shown(name));
        let again = |problem: &str| {
            wrong(format!("of the zip file is damaged: {problem}; download it again"))
        };
        let entry = self.archive.get_entry(member.place);
        let (from, to) =
            entry.map_err(|_| again("its place does not exist"))?.compressed_data_range();
        let data = usize::try_from(from)
            .ok()
            .zip(usize::try_from(to).ok())
            .and_then(|(from, to)| self.bytes.get(from..to))
            .ok_or_else(|| again("its place does not exist"))?;
        let content = match member.method {
            CompressionMethod::STORE => Cow::Borrowed(data),
            CompressionMethod::DEFLATE => {
                let length = usize::try_from(member.length).ok();
                let fits = length.and_then(|length| self.left.get().checked_sub(length));
                let Some((length, left)) = length.zip(fits) else {
                    return Err(wrong(format!(
                        "decompresses to more than {MOST_EXPANSION} times the file's size: save \
                         it without compression"
                    )));
                };
                self.left.set(left);
                let mut content = Vec::new();
                let mut decoder = DeflateDecoder::new(data).take(length as u64 + 1);
                decoder.read_to_end(&mut content).map_err(|e| again(&e.to_string()))?;
                Cow::Owned(content)
            }
            other => {
                let other = other.as_u16();
                return Err(wrong(format!("is compressed by method {other}: save it anew")));
            }
        };
        if content.len() as u64 != member.length {
            return Err(again("its length is not that of the directory"));
        }
        // PyTorch may be told not to compute checksums, and writes zeros then.
        if member.crc != 0 && crc32fast::hash(&content) != member.crc {
            return Err(again("its checksum differs"));
        }
        Ok(Some(content))
    }
}
