//! One decoded image.

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
