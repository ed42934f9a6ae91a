//! Compressed data: gzip's members one after the other, and the signs of damage.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

/// Tells whether data that begin with `start` are gzip data.
pub(crate) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// The decompressed bytes of all members of gzip data.
///
/// Bytes behind the last member that begin no other one are an error, or are left out if that was
/// asked for, as `gzip -d` does.
pub(crate) struct GzipReader<R> {
    /// `None` once all has been read.
    member: Option<GzDecoder<Ahead<R>>>,
    /// Set where bytes behind the members were left out. `None` makes them an error.
    left_out: Option<Rc<Cell<bool>>>,
}

/// A reader of which the first bytes were read ahead.
type Ahead<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

fn ahead<R: BufRead>(bytes: Vec<u8>, reader: R) -> GzDecoder<Ahead<R>> {
    GzDecoder::new(io::Cursor::new(bytes).chain(reader))
}

impl<R: BufRead> GzipReader<R> {
    /// Bytes behind the members are an error.
    pub(crate) fn new(compressed: R) -> Self {
        GzipReader { member: Some(ahead(Vec::new(), compressed)), left_out: None }
    }

    /// Bytes behind the members are left out, which sets `left_out`.
    pub(crate) fn lenient(compressed: R, left_out: Rc<Cell<bool>>) -> Self {
        GzipReader { member: Some(ahead(Vec::new(), compressed)), left_out: Some(left_out) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            let Some(member) = self.member.take() else { break };
            let (cursor, mut behind) = member.into_inner().into_inner();
            // The bytes that tell a member, which a buffer may end between; zeros before them fill
            // the last block of a tape.
            let mut start = cursor.get_ref()[cursor.position() as usize..].to_vec();
            while start.len() < 2 || start.iter().all(|&byte| byte == 0) {
                let more = behind.fill_buf()?;
                let count = more.len();
                if count == 0 {
                    break;
                }
                let taken = if start.is_empty() && more[0] != 0 { count.min(2) } else { 1 };
                start.extend_from_slice(&more[..taken]);
                behind.consume(taken);
                if start.iter().all(|&byte| byte == 0) {
                    start.truncate(1);
                }
            }
            if is_gzip(&start) {
                self.member = Some(ahead(start, behind));
            } else if start.iter().any(|&byte| byte != 0) {
                match &self.left_out {
                    Some(left_out) => left_out.set(true),
                    None => {
                        let problem = "bytes that are no gzip data follow its gzip data";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                    }
                }
            }
        }
        Ok(0)
    }
}

/// The damage of data of `kind` ("gzip", "zip") that a decoder's error means. Decoders report it as
/// errors of kinds that reading a regular file never gives; any other error is given back.
pub(crate) fn damage(error: io::Error, kind: &str) -> Result<String, io::Error> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Ok(format!("is cut off: its {kind} data ends early; download it again"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Ok(format!("is damaged: {error}; download it again"))
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_one_text_and_what_follows_is_refused_or_left_out() {
        for (behind, junk) in
            [(&b""[..], false), (b"\0\0\0", false), (b"junk", true), (b"x", true), (b"\x1fx", true)]
        {
            let bytes = [gzip(b"one "), gzip(b""), gzip(b"two"), behind.to_vec()].concat();
            for size in 1..60 {
                // However the file is cut into buffers.
                let mut text = String::new();
                let pieces = io::BufReader::with_capacity(size, &bytes[..]);
                GzipReader::lenient(pieces, Rc::default()).read_to_string(&mut text).unwrap();
                assert_eq!(text, "one two", "{size} {behind:?}");
            }
            let mut text = String::new();
            let strict = GzipReader::new(&bytes[..]).read_to_string(&mut text);
            assert_eq!(strict.is_err(), junk, "{behind:?}");
            let left_out = Rc::new(Cell::new(false));
            let mut lenient = GzipReader::lenient(&bytes[..], left_out.clone());
            text.clear();
            lenient.read_to_string(&mut text).unwrap();
            assert_eq!((&*text, left_out.get()), ("one two", junk), "{behind:?}");
        }
    }

    #[test]
    fn a_member_that_is_cut_off_is_an_error_in_either_way() {
        let whole = [gzip(b"one"), gzip(b"two")].concat();
        let cut = &whole[..whole.len() - 3];
        let lenient = GzipReader::lenient(cut, Rc::default()).read_to_end(&mut Vec::new());
        let strict = GzipReader::new(cut).read_to_end(&mut Vec::new());
        for error in [lenient, strict] {
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
