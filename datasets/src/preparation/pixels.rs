//! The range of images of floats.

use super::Preparation;
use super::magnitudes::Magnitudes;

/// Learns from images of floats how to bring their values into [0, 1].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels {
    low: f32,
    high: f32,
    magnitudes: Magnitudes,
    values: u64,
}

impl Default for Pixels {
    fn default() -> Self {
        Pixels {
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
            magnitudes: Magnitudes::default(),
            values: 0,
        }
    }
}

impl Pixels {
    /// Takes in an image, whose values are finite.
    pub fn push(&mut self, image: &[f32]) {
        for &value in image {
            (self.low, self.high) = (self.low.min(value), self.high.max(value));
            self.magnitudes.push(value, self.values);
            self.values += 1;
        }
    }

    /// A number beside which the others do not count: its place in its image of `width` values, the
    /// number, and the place of the image among those taken in.
    pub fn too_large(&self, width: usize) -> Option<(usize, f32, u64)> {
        let (number, at) = self.magnitudes.too_large()?;
        Some(((at % width as u64) as usize, number, at / width as u64))
    }

    /// The preparation that was learnt.
    pub fn finish(self) -> Preparation {
        let Pixels { low, high, .. } = self;
        if low >= 0.0 && high <= 1.0 {
            return Preparation::Scaled { shift: 0.0, scale: 1.0 };
        }
        // In f32, the difference of distant bounds overflows, and the quotient of close ones.
        let scale = (1.0 / (f64::from(high) - f64::from(low))) as f32;
        Preparation::Scaled { shift: low, scale: if scale.is_finite() { scale } else { 1.0 } }
    }
}
