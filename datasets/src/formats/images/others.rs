//! BMP, GIF, TIFF and WebP, by the decoders of the crate `image`.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, Limits};

use super::picture::{Picture, check_size, on_white};

/// A format, with the name that messages have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Bmp,
    Gif,
    Tiff,
    WebP,
}

/// The format of a file that begins with `start`, if it is one of these.
pub(super) fn format(start: &[u8]) -> Option<Format> {
    match start {
        // Four bytes of BMP's header are 0. Text may begin with the two letters as well.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Format::Bmp),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Format::Tiff),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
        _ => None,
    }
}

/// Decodes a file: the first frame of a GIF or a WebP, the first page of a TIFF. The orientation
/// that EXIF names is applied. Pixels that are transparent show white behind them.
pub(super) fn decode(bytes: &[u8], format: Format) -> Result<Picture, String> {
    let failed = |error| damaged(format, &error);
    let file = Cursor::new(bytes);
    match format {
        Format::Bmp => picture(BmpDecoder::new(file).map_err(failed)?, bytes.len(), format),
        Format::Gif => picture(GifDecoder::new(file).map_err(failed)?, bytes.len(), format),
        Format::Tiff if !tags_fit(bytes) => {
            Err("is damaged: a tag of the TIFF file promises more than it holds".to_owned())
        }
        Format::Tiff => picture(TiffDecoder::new(file).map_err(failed)?, bytes.len(), format),
        Format::WebP => picture(WebPDecoder::new(file).map_err(failed)?, bytes.len(), format),
    }
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Bmp => "BMP",
            Format::Gif => "GIF",
            Format::Tiff => "TIFF",
            Format::WebP => "WebP",
        }
    }

    /// The most pixels that a byte of a file can stand for.
    fn most_pixels_per_byte(self) -> u64 {
        match self {
            // Two bytes of a run are 255 pixels at most.
            Format::Bmp => 128,
            // A code of 12 bits stands for 4,096 values at most.
            Format::Gif => 2731,
            // As PNG's, of pixels of one bit.
            Format::Tiff => 258 * 8 / 2 * 8,
            // A picture of one colour takes a few bytes, but no picture a bit for a million.
            Format::WebP => 1 << 14,
        }
    }
}

/// Tells whether the values of each tag of a TIFF file's first page fit into the file. The decoder
/// makes room for as many as a tag promises before it reads them.
fn tags_fit(bytes: &[u8]) -> bool {
    let little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = bytes.get(at..at.checked_add(length)?)?.iter();
        let join = |number: usize, &byte: &u8| number << 8 | usize::from(byte);
        Some(if little { bytes.rev().fold(0, join) } else { bytes.fold(0, join) })
    };
    let fit = || {
        let directory = number(4, 4)?;
        let tags = number(directory, 2)?;
        (0..tags).try_for_each(|tag| {
            let count = number(directory + 2 + 12 * tag + 4, 4)?;
            // A value takes a byte at least.
            (count <= bytes.len()).then_some(())
        })
    };
    fit().is_some()
}

fn damaged(format: Format, error: &image::ImageError) -> String {
    format!("is damaged, or no proper {}: {error}", format.name())
}

fn picture(
    mut decoder: impl ImageDecoder,
    length: usize,
    format: Format,
) -> Result<Picture, String> {
    let (width, height) = decoder.dimensions();
    check_size(u64::from(height), u64::from(width), length, format.most_pixels_per_byte())?;
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        let problem = "holds floats, whose range is not known: save it with 8 or 16 bits a value";
        return Err(problem.to_owned());
    }
    // Channels and bits take bytes as well: so many come of a byte by LZW, and fewer by the others.
    let bytes = decoder.total_bytes();
    if format == Format::Tiff && bytes > 2731 * length as u64 {
        return Err(format!(
            "promises {bytes} bytes of pixels, which its {length} bytes cannot hold: it is damaged"
        ));
    }
    // No buffer of the decoder is larger than that of the pixels, twice over.
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * bytes + (1 << 20));
    decoder.set_limits(limits).map_err(|error| damaged(format, &error))?;
    // A damaged block of EXIF is no reason to lose the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| damaged(format, &error))?;
    let (height, width) = (height as usize, width as usize);
    let (channels, values) = match image.color() {
        ColorType::L8 | ColorType::L16 => (1, image.into_luma8().into_raw()),
        ColorType::La8 | ColorType::La16 => {
            let pixels = image.into_luma_alpha8().into_raw();
            let pixels = pixels.as_chunks().0.iter();
            (1, pixels.map(|&[grey, alpha]| on_white(grey, alpha)).collect())
        }
        ColorType::Rgba8 | ColorType::Rgba16 => {
            let pixels = image.into_rgba8().into_raw();
            let pixels = pixels.as_chunks().0.iter();
            let opaque = |&[r, g, b, alpha]: &[u8; 4]| [r, g, b].map(|v| on_white(v, alpha));
            (3, pixels.flat_map(opaque).collect())
        }
        _ => (3, image.into_rgb8().into_raw()),
    };
    Ok(Picture { height, width, channels, values }.turned(orientation))
}
