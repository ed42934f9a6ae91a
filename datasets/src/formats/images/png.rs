//! PNG: all colour types, depths and interlacing.

use std::io::Cursor;

use png::{ColorType, Decoder, Transformations};

use super::picture::{Picture, check_size, eight_bits, on_white};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Deflate's best code spends two bits on a run of 258 bytes.
const MOST_BITS_PER_BYTE: u64 = 258 * 8 / 2 * 8;

/// A picture of so many bytes is decoded before it is known whether its file is whole.
const LARGEST_UNSEEN: usize = 8 << 20;

/// Decodes a file. Palettes are looked up; 16 bits become 8, rounded; what is transparent shows
/// white behind it, as paper does. The orientation that EXIF names is applied. Colour profiles and
/// gamma are left aside.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let failed = |error: png::DecodingError| format!("is damaged, or no proper PNG: {error}");
    let mut decoder = Decoder::new(Cursor::new(bytes));
    // Palettes and transparent colours become samples, and fewer bits than eight become eight.
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(failed)?;
    let (height, width, bits) = (header.height, header.width, header.bits_per_pixel() as u64);
    check_size(u64::from(height), u64::from(width), bytes.len(), MOST_BITS_PER_BYTE / bits)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let size = reader.output_buffer_size().ok_or("is too large")?;
    if size > LARGEST_UNSEEN {
        // A few bytes can promise much: row by row it is seen first whether they hold it.
        while reader.next_row().map_err(failed)?.is_some() {}
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::EXPAND);
        reader = decoder.read_info().map_err(failed)?;
    }
    let mut values = vec![0; size];
    let frame = reader.next_frame(&mut values).map_err(failed)?;
    values.truncate(frame.buffer_size());

    if frame.bit_depth == png::BitDepth::Sixteen {
        values = values
            .as_chunks()
            .0
            .iter()
            .map(|&value| eight_bits(u16::from_be_bytes(value)))
            .collect();
    }
    let (channels, values) = match frame.color_type {
        ColorType::Grayscale => (1, values),
        ColorType::Rgb => (3, values),
        ColorType::GrayscaleAlpha => {
            (1, values.as_chunks().0.iter().map(|&[grey, alpha]| on_white(grey, alpha)).collect())
        }
        ColorType::Rgba => {
            let pixels = values.as_chunks().0.iter();
            (
                3,
                pixels
                    .flat_map(|&[r, g, b, alpha]| [r, g, b].map(|value| on_white(value, alpha)))
                    .collect(),
            )
        }
        ColorType::Indexed => return Err("has a palette that is not there".to_owned()),
    };
    let (height, width) = (height as usize, width as usize);
    if values.len() != height * width * channels {
        return Err(format!("is damaged: it decodes to {} values", values.len()));
    }
    let exif = reader.info().exif_metadata.as_deref();
    Ok(Picture { height, width, channels, values }.upright(exif))
}
