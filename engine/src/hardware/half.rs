//! Half-precision floats (IEEE 754 binary16) as bits: a sign, 5 bits of exponent, 10 of fraction.

/// The value, which is exact. A NaN stays one.
#[inline(always)]
pub fn to_f32(x: u16) -> f32 {
    let (sign, magnitude) = (u32::from(x & 0x8000) << 16, u32::from(x & 0x7fff));
    let value = if magnitude < 0x7c00 {
        // With the fraction in its new place, the exponents differ by 127 - 15; subnormals come out
        // right as well.
        (f32::from_bits(magnitude << 13) * 2f32.powi(112)).to_bits()
    } else {
        0x7f80_0000 | (magnitude << 13)
    };
    f32::from_bits(sign | value)
}

/// The nearest value, ties to even; infinite from 65,520 on. A NaN stays one.
pub fn from_f32(x: f32) -> u16 {
    let (sign, magnitude) = ((x.to_bits() >> 16) as u16 & 0x8000, x.to_bits() & 0x7fff_ffff);
    let value = if magnitude > 0x7f80_0000 {
        0x7e00
    } else if x.abs() >= 65_536.0 {
        0x7c00
    } else if x.abs() < 2f32.powi(-14) {
        // A subnormal counts units of 2^-24; 1,024 of them are the bits of the smallest normal.
        (x.abs() * 2f32.powi(24)).round_ties_even() as u16
    } else {
        // Just less than half of the last place kept, or half if that is odd; the carry may go into
        // the exponent.
        let rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
        ((rounded - (112 << 23)) >> 13) as u16
    };
    sign | value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value by its definition, in f64; `None` for a NaN.
    fn defined(x: u16) -> Option<f64> {
        let (exponent, fraction) = (i32::from(x >> 10 & 31), f64::from(x & 1023) / 1024.0);
        let magnitude = match exponent {
            31 if fraction > 0.0 => return None,
            31 => f64::INFINITY,
            0 => fraction * 2f64.powi(-14),
            _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
        };
        Some(if x >> 15 == 1 { -magnitude } else { magnitude })
    }

    #[test]
    fn every_value_is_exact_and_comes_back() {
        for x in 0..=u16::MAX {
            let got = to_f32(x);
            match defined(x) {
                Some(want) => {
                    assert_eq!(f64::from(got).to_bits(), want.to_bits(), "{x:#06x}");
                    assert_eq!(from_f32(got), x);
                }
                None => assert!(got.is_nan() && to_f32(from_f32(got)).is_nan(), "{x:#06x}"),
            }
        }
    }

    /// Around the middle of any two neighbours: the nearer one, and in the middle the even one.
    #[test]
    fn rounding_is_to_nearest_even() {
        for x in 0..0x7c00u16 {
            let next = if x == 0x7bff { 65_536.0 } else { defined(x + 1).unwrap() };
            // Exact in f32: a half has 11 bits, the middle 12.
            let middle = ((defined(x).unwrap() + next) / 2.0) as f32;
            for sign in [0, 0x8000] {
                let signed = |v: f32| if sign == 0 { v } else { -v };
                assert_eq!(from_f32(signed(middle.next_down())), sign | x, "below {middle:e}");
                assert_eq!(from_f32(signed(middle)), sign | (x + (x & 1)), "{middle:e}");
                assert_eq!(from_f32(signed(middle.next_up())), sign | (x + 1), "above {middle:e}");
            }
        }
        assert_eq!(from_f32(f32::MAX), 0x7c00);
        assert_eq!(from_f32(-f32::INFINITY), 0xfc00);
    }
}
