//! The members of a zip file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

use crate::files::regular::PIECE;

/// A member of a zip file.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Where its data begin in the file.
    pub(crate) at: u64,
    /// Their length in the file.
    pub(crate) compressed: u64,
    /// Their decompressed length, by the file's directory.
    pub(crate) length: u64,
    pub(crate) deflated: bool,
    pub(crate) crc: u32,
}

impl Member {
    /// A reader of the member's content.
    pub(crate) fn open(&self, mut file: File) -> io::Result<MemberReader> {
        file.seek(SeekFrom::Start(self.at))?;
        let data = BufReader::with_capacity(PIECE, file.take(self.compressed));
        let content = match self.deflated {
            true => Content::Deflated(DeflateDecoder::new(data)),
            false => Content::Stored(data),
        };
        Ok(MemberReader { content, crc: flate2::Crc::new() })
    }
}

/// Reads a member, and computes the checksum of what it has read.
pub(crate) struct MemberReader {
    content: Content,
    crc: flate2::Crc,
}

enum Content {
    Stored(BufReader<io::Take<File>>),
    Deflated(DeflateDecoder<BufReader<io::Take<File>>>),
}

impl MemberReader {
    /// At the end: an error if the checksum is not that of `member`.
    pub(crate) fn check(&self, member: &Member) -> Result<(), &'static str> {
        if self.crc.sum() == member.crc {
            return Ok(());
        }
        Err("is damaged: its checksum (CRC-32) differs from the zip file's; download it again")
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let arrived = match &mut self.content {
            Content::Stored(data) => data.read(buffer)?,
            Content::Deflated(data) => data.read(buffer)?,
        };
        self.crc.update(&buffer[..arrived]);
        Ok(arrived)
    }
}
