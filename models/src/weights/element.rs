//! Types of the numbers in files of weights.

/// The type of a stored number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    /// An integer or a truth value, which no weight is: so many bytes.
    Integer(usize),
}

impl Element {
    /// The bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Element::F16 | Element::Bf16 => 2,
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Integer(size) => size,
        }
    }

    /// Reads all numbers in `bytes`; none if they are integers.
    pub(super) fn read(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Element::F16 => numbers(bytes, |b| f16_to_f32(u16::from_le_bytes(b))),
            Element::Bf16 => {
                numbers(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
            }
            Element::F32 => numbers(bytes, f32::from_le_bytes),
            Element::F64 => numbers(bytes, |b| f64::from_le_bytes(b) as f32),
            Element::Integer(_) => Vec::new(),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&b| read(b)).collect()
}

/// IEEE 754 binary16, exactly.
fn f16_to_f32(half: u16) -> f32 {
    let (sign, exponent, fraction) = (half >> 15, half >> 10 & 31, u32::from(half & 1023));
    let magnitude = match exponent {
        // Subnormal: multiples of 2^-24.
        0 => fraction as f32 / 16_777_216.0,
        31 => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | fraction << 13),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition of the format.
    fn defined(half: u16) -> f32 {
        let sign = if half & 0x8000 != 0 { -1.0 } else { 1.0 };
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023) / 1024.0);
        let value = match exponent {
            0 => fraction * 2_f64.powi(-14),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
        };
        (sign * value) as f32
    }

    #[test]
    fn every_half_is_read_exactly() {
        for half in 0..=u16::MAX {
            let (value, expected) = (f16_to_f32(half), defined(half));
            assert!(value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan());
        }
    }

    #[test]
    fn each_type_reads_its_bytes() {
        assert_eq!(Element::Bf16.read(&[0x80, 0x3f, 0x40, 0xc0]), [1.0, -3.0]);
        assert_eq!(Element::F32.read(&1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(Element::F64.read(&(-0.1_f64).to_le_bytes()), [-0.1]);
        assert_eq!(Element::F16.read(&[0, 0x3c, 1, 0]), [1.0, 5.960_464_5e-8]);
    }
}
