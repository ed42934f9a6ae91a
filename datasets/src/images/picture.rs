//! One decoded image.

use std::fs::{self, File};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::listing::foreign_extension;
use super::{jpeg, png};

/// An image may have so many pixels: 8,192 x 8,192, beyond what cameras take and what fits into
/// memory several times over.
pub(super) const MOST_PIXELS: u64 = 1 << 26;
/// A file may have so many bytes: that of the most pixels, four bytes each.
const LONGEST_FILE: u64 = 4 * MOST_PIXELS;

/// An image as unsigned bytes.
pub(super) struct Picture {
    pub(super) height: usize,
    pub(super) width: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    /// `(height, width, channels)`
    pub(super) values: Vec<u8>,
}

impl Picture {
    /// Reads the file at `path`, by way of `buffer`; what it holds decides on the decoder, whatever
    /// its name says. The error is what is wrong with it.
    pub(super) fn read(path: &Path, buffer: &mut Vec<u8>) -> Result<Picture, String> {
        if let Some(extension) = foreign_extension(path) {
            return Err(format!(
                "is a .{extension} file, and PNG and JPEG alone can be read: convert it"
            ));
        }
        // Before opening: to open a named pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("is not a regular file".to_owned());
        }
        buffer.clear();
        let file = File::open(path).map_err(|error| error.to_string())?;
        file.take(LONGEST_FILE + 1).read_to_end(buffer).map_err(|error| error.to_string())?;
        if buffer.len() as u64 > LONGEST_FILE {
            return Err(format!("is longer than {LONGEST_FILE} bytes, the most an image may be"));
        }
        // A decoder that fails on damaged data in a way that its authors did not foresee is no
        // reason to end here.
        let picture = catch_unwind(AssertUnwindSafe(|| Self::decode(buffer)));
        let picture = picture
            .unwrap_or_else(|_| Err("is damaged in a way that its decoder cannot take".to_owned()));
        // What a decoder says may have several lines.
        picture.map_err(|problem| problem.split(char::is_control).collect::<Vec<_>>().join(" "))
    }

    fn decode(bytes: &[u8]) -> Result<Picture, String> {
        match bytes {
            [] => Err("is empty".to_owned()),
            _ if bytes.starts_with(png::SIGNATURE) => png::decode(bytes),
            _ if bytes.starts_with(jpeg::SIGNATURE) => jpeg::decode(bytes),
            _ => Err("is neither PNG nor JPEG, whatever its name says".to_owned()),
        }
    }

    /// Whether all its pixels are grey.
    pub(super) fn is_grey(&self) -> bool {
        self.channels == 1
            || self.values.as_chunks().0.iter().all(|&[r, g, b]: &[u8; 3]| r == g && g == b)
    }

    /// The same picture with that number of channels, 1 or 3.
    pub(super) fn with_channels(self, channels: usize) -> Picture {
        let values = match (self.channels, channels) {
            (1, 3) => self.values.iter().flat_map(|&grey| [grey; 3]).collect(),
            (3, 1) => self.values.as_chunks().0.iter().map(|&rgb| luma(rgb)).collect(),
            _ => return self,
        };
        Picture { channels, values, ..self }
    }
}

/// Rec. 601 in 16-bit fixed point, rounded. The weights sum up to 1, so that grey stays what it is.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// Refuses an image that has too many pixels, or more than `length` bytes of file can hold:
/// `per_byte` in each. Nothing has been allocated for it by then.
pub(super) fn check_size(
    height: u64,
    width: u64,
    length: usize,
    per_byte: u64,
) -> Result<(), String> {
    let pixels = height * width;
    if pixels == 0 {
        return Err(format!("holds nothing: its header says {height}x{width}"));
    }
    if pixels > MOST_PIXELS {
        return Err(format!(
            "promises {height}x{width} pixels, more than the {MOST_PIXELS} that an image may have"
        ));
    }
    if pixels > per_byte.saturating_mul(length as u64) {
        return Err(format!(
            "promises {height}x{width} pixels, which its {length} bytes cannot hold: it is damaged"
        ));
    }
    Ok(())
}

/// `value / 257`, rounded.
pub(super) fn eight_bits(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}
