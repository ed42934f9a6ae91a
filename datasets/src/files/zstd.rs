//! Compressed data: Zstandard's frames one after the other, and the signs of damage.

use std::error::Error as _;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The most bytes that a byte of Zstandard data becomes. A block of 4 bytes, its header and the
/// byte that it repeats, becomes 128 KiB.
pub(crate) const LARGEST_EXPANSION: u64 = (128 << 10) / 4;

/// The decompressed bytes of all frames of Zstandard data. Bytes behind the last frame that begin
/// no other one are an error.
///
/// Damage is an error of the kind [`io::ErrorKind::InvalidData`], data that end early too.
pub(crate) struct ZstdReader<R> {
    compressed: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    pub(crate) fn new(compressed: R) -> Self {
        ZstdReader { compressed, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Begins the next frame, or skips one without data; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        if self.compressed.fill_buf()?.is_empty() {
            return Ok(false);
        }
        match self.decoder.reset(&mut self.compressed) {
            Ok(()) => self.in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let skipped = (&mut self.compressed).take(length);
                if io::copy(&mut { skipped }, &mut io::sink())? < length {
                    return Err(early_end());
                }
            }
            Err(error) => return Err(damage(&error)),
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame {
                if self.begin()? {
                    continue;
                }
                return Ok(0);
            }
            while !self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                let some = BlockDecodingStrategy::UptoBytes(into.len());
                self.decoder
                    .decode_blocks(&mut self.compressed, some)
                    .map_err(|error| damage(&error))?;
            }
            let read = self.decoder.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            let promised = self.decoder.get_checksum_from_data();
            if promised.is_some() && promised != self.decoder.get_calculated_checksum() {
                return Err(invalid("its Zstandard data do not have their checksum"));
            }
            self.in_frame = false;
        }
    }
}

/// Appends the `length` bytes that `compressed` becomes to `out`, which grows as they come.
///
/// # Errors
/// If there are more or fewer of them, or the data are damaged.
pub(crate) fn decompress(compressed: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let most = (compressed.len() as u64).saturating_mul(LARGEST_EXPANSION);
    if length as u64 <= most {
        let before = out.len();
        let mut reader = ZstdReader::new(compressed);
        reader.by_ref().take(length as u64).read_to_end(out)?;
        // The end of the data is where their checksum is.
        if out.len() - before == length && reader.read(&mut [0])? == 0 {
            return Ok(());
        }
    }
    let bytes = compressed.len();
    Err(invalid(&format!("{bytes} bytes of Zstandard data promise another length than {length}")))
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn early_end() -> io::Error {
    invalid("its Zstandard data end early")
}

/// The error of reading, if the decoder's error is one; else the damage that it means.
fn damage(error: &FrameDecoderError) -> io::Error {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => early_end(),
                kind => io::Error::new(kind, error.to_string()),
            };
        }
        cause = error.source();
    }
    invalid(&format!("its Zstandard data are wrong ({error})"))
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn frame(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn text() -> Vec<u8> {
        (0..30_000_u32)
            .flat_map(|line| format!("{},{}\n", line * line, line % 7).into_bytes())
            .collect()
    }

    fn read(bytes: &[u8], buffer: usize) -> io::Result<Vec<u8>> {
        let mut found = Vec::new();
        let reader = io::BufReader::with_capacity(buffer, bytes);
        ZstdReader::new(reader).read_to_end(&mut found).map(|_| found)
    }

    #[test]
    fn frames_are_one_text_however_they_are_cut_into_buffers() {
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let bytes = [&frame(&text())[..], &skipped, &frame(b""), &frame(b"end")].concat();
        let expected = [&text()[..], b"end"].concat();
        for buffer in [1, 2, 3, 7, 64, 1000, bytes.len()] {
            assert_eq!(read(&bytes, buffer).unwrap(), expected, "{buffer}");
        }
        for junk in [&b"junk"[..], b"\0", &skipped[..5], &skipped[..9], &frame(b"x")[..6]] {
            let error = read(&[&bytes, junk].concat(), 100).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{junk:?}");
        }
    }

    #[test]
    fn data_that_are_cut_off_anywhere_are_an_error() {
        let bytes = frame(&text());
        for end in
            (1..bytes.len()).filter(|end| *end < 100 || end % 97 == 0 || bytes.len() - end < 9)
        {
            let error = read(&bytes[..end], 1000).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(error.to_string(), "its Zstandard data end early", "{end}");
        }
    }

    #[test]
    fn a_changed_bit_never_changes_a_text_with_a_checksum() {
        let expected = text();
        let bytes = frame(&expected);
        for round in 0..400_usize {
            let mut changed = bytes.clone();
            changed[round * 7919 % bytes.len()] ^= 1 << (round % 8);
            if let Ok(found) = read(&changed, 1000) {
                assert_eq!(found, expected, "{round}");
            }
        }
    }

    #[test]
    fn a_length_is_promised_and_kept() {
        let bytes = frame(&text());
        let length = text().len();
        let mut out = b"before".to_vec();
        decompress(&bytes, length, &mut out).unwrap();
        assert_eq!(out, [&b"before"[..], &text()].concat());
        for wrong in [0, 1, length - 1, length + 1, 10 * length, usize::MAX] {
            let mut out = Vec::new();
            let error = decompress(&bytes, wrong, &mut out).unwrap_err().to_string();
            assert!(error.contains("promise another length"), "{wrong}: {error}");
            // Never as much as was promised.
            assert!(out.capacity() <= 2 * length.max(1024), "{wrong}: {}", out.capacity());
        }
    }
}
