//! Messages of Arrow's whose buffers Zstandard compressed, written anew with the bytes themselves,
//! since the library's own decoder is C.
//!
//! ```text
//! compressed buffer:   length, 8 bytes   Zstandard data
//! plain buffer:        -1, 8 bytes       the bytes themselves
//! ```
//!
//! Both are valid in a message of any codec. The new message is said to be one of LZ4, and the
//! places of its buffers are those in the new body.

use std::ops::Range;

use arrow_ipc::{BodyCompression, Buffer, CompressionType, RecordBatch};

use crate::files::zstd;

/// The length of a buffer that is not compressed.
const PLAIN: [u8; 8] = (-1_i64).to_le_bytes();
/// The bytes of a buffer's place and length in the metadata.
const PLACE: usize = 16;
/// Buffers begin at multiples of this.
const ALIGNMENT: usize = 8;

/// The message that holds `batch`, with plain buffers: its metadata, as long as before, and a new
/// body. `None` if Zstandard compressed nothing. `batch` lies in `metadata`.
pub(super) fn unpack(
    batch: &RecordBatch<'_>,
    metadata: &[u8],
    body: &[u8],
) -> Option<Result<Vec<u8>, String>> {
    let codec = codec_place(&batch.compression()?, metadata)?;
    Some(plain(batch, metadata, codec, body))
}

/// The place of the codec's byte in the metadata, if the codec is Zstandard.
fn codec_place(compression: &BodyCompression<'_>, metadata: &[u8]) -> Option<usize> {
    if compression.codec() != CompressionType::ZSTD {
        return None;
    }
    let table = &compression._tab;
    let place = table.loc() + usize::from(table.vtable().get(BodyCompression::VT_CODEC));
    range_within(metadata, table.buf().get(place..=place)?).map(|range| range.start)
}

fn plain(
    batch: &RecordBatch<'_>,
    metadata: &[u8],
    codec: usize,
    body: &[u8],
) -> Result<Vec<u8>, String> {
    let mut out = metadata.to_vec();
    out[codec] = CompressionType::LZ4_FRAME.0 as u8;
    let Some(buffers) = batch.buffers() else { return Ok(out) };
    let places = range_within(metadata, buffers.bytes()).ok_or("its buffers are nowhere")?;
    let mut read = 0;
    for (buffer, at) in buffers.iter().zip(places.step_by(PLACE)) {
        let bytes =
            bytes_of(buffer, body).ok_or("a column's values are beyond their batch's end")?;
        // No two buffers share their bytes, or a small file could expand without bounds.
        read += bytes.len();
        if read > body.len() {
            return Err("the values of several columns lie in one place".to_owned());
        }
        let start = (out.len() - metadata.len()).next_multiple_of(ALIGNMENT);
        out.resize(metadata.len() + start, 0);
        if let Some((promised, compressed)) = bytes.split_first_chunk() {
            out.extend(PLAIN);
            match usize::try_from(i64::from_le_bytes(*promised)) {
                Err(_) if *promised == PLAIN => out.extend(compressed),
                // Nothing has no data.
                Ok(0) => {}
                Ok(length) => zstd::decompress(compressed, length, &mut out)
                    .map_err(|error| error.to_string())?,
                Err(_) => return Err("a column's values have a negative length".to_owned()),
            }
        } else if !bytes.is_empty() {
            return Err("a column's values have no length".to_owned());
        }
        let length = out.len() - metadata.len() - start;
        let place = [start as i64, length as i64].map(i64::to_le_bytes);
        out[at..at + PLACE].copy_from_slice(place.as_flattened());
    }
    Ok(out)
}

fn bytes_of<'a>(buffer: &Buffer, body: &'a [u8]) -> Option<&'a [u8]> {
    let start = usize::try_from(buffer.offset()).ok()?;
    let end = start.checked_add(usize::try_from(buffer.length()).ok()?)?;
    body.get(start..end)
}

/// The place of `part` in `whole`.
fn range_within(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start + part.len();
    (end <= whole.len()).then_some(start..end)
}
