//! JPEG: baseline, progressive and lossless; grey, YCbCr, RGB, CMYK and YCCK.

use jpeg_decoder::{Decoder, PixelFormat};

use super::picture::{Picture, check_size, eight_bits};

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";
/// A block of 8x8 pixels takes a bit at least, that of its mean.
const MOST_PIXELS_PER_BYTE: u64 = 64 * 8;

/// Decodes a file. The orientation that EXIF names is applied. Colour profiles and the like are
/// left aside. What is printed in four inks is as bright as the paper that they leave.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let failed = |error: jpeg_decoder::Error| format!("is damaged, or no proper JPEG: {error}");
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().map_err(failed)?;
    let info = decoder.info().ok_or("has no header")?;
    let (height, width) = (usize::from(info.height), usize::from(info.width));
    check_size(height as u64, width as u64, bytes.len(), MOST_PIXELS_PER_BYTE)?;
    let values = decoder.decode().map_err(failed)?;
    let (channels, values) = match info.pixel_format {
        PixelFormat::L8 => (1, values),
        PixelFormat::RGB24 => (3, values),
        PixelFormat::L16 => (
            1,
            values
                .as_chunks()
                .0
                .iter()
                .map(|&value| eight_bits(u16::from_ne_bytes(value)))
                .collect(),
        ),
        PixelFormat::CMYK32 => {
            let pixels = values.as_chunks().0.iter();
            (
                3,
                pixels
                    .flat_map(|&[c, m, y, black]| [c, m, y].map(|ink| left_of_white(ink, black)))
                    .collect(),
            )
        }
    };
    if values.len() != height * width * channels {
        return Err(format!("is damaged: it decodes to {} values", values.len()));
    }
    Ok(Picture { height, width, channels, values }.upright(decoder.exif_data()))
}

/// `(255 - ink) (255 - black) / 255`, rounded.
fn left_of_white(ink: u8, black: u8) -> u8 {
    ((u32::from(255 - ink) * u32::from(255 - black) + 127) / 255) as u8
}
