//! One decoded image.

use image::metadata::Orientation;

/// The pixels of the largest image: 8,192 x 8,192, which is beyond cameras, and fits into memory
/// several times over.
pub(super) const MOST_PIXELS: u64 = 1 << 26;

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
    /// Tells whether all its pixels are grey.
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

impl Picture {
    /// The same picture upright. `exif` is the block of EXIF that its file holds, which tells the
    /// way that the camera was held. A block that cannot be read changes nothing.
    pub(super) fn upright(self, exif: Option<&[u8]>) -> Picture {
        self.turned(
            exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms),
        )
    }

    /// The same picture, turned and mirrored as `orientation` says.
    pub(super) fn turned(self, orientation: Orientation) -> Picture {
        use Orientation as To;
        if orientation == To::NoTransforms {
            return self;
        }
        let Picture { height, width, channels, values } = self;
        let lies = matches!(
            orientation,
            To::Rotate90 | To::Rotate270 | To::Rotate90FlipH | To::Rotate270FlipH
        );
        let (rows, columns) = if lies { (width, height) } else { (height, width) };
        let mut turned = Vec::with_capacity(values.len());
        for y in 0..rows {
            for x in 0..columns {
                let (right, bottom) = (columns - 1 - x, rows - 1 - y);
                let (row, column) = match orientation {
                    To::NoTransforms => (y, x),
                    To::FlipHorizontal => (y, right),
                    To::Rotate180 => (bottom, right),
                    To::FlipVertical => (bottom, x),
                    To::Rotate90FlipH => (x, y),
                    To::Rotate90 => (right, y),
                    To::Rotate270FlipH => (right, bottom),
                    To::Rotate270 => (x, bottom),
                };
                turned.extend_from_slice(&values[(row * width + column) * channels..][..channels]);
            }
        }
        Picture { height: rows, width: columns, channels, values: turned }
    }
}

/// A value of that opacity on white, as on paper: `(alpha value + (255 - alpha) 255) / 255`,
/// rounded.
pub(super) fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((alpha * value + (255 - alpha) * 255 + 127) / 255) as u8
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
