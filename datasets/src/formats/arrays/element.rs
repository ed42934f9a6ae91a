//! The types of numbers that arrays are stored in, and how each becomes `f32` or a whole number.

/// The type of an array's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// A byte, 0 or 1.
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// A number as exact as its file has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Exact {
    Whole(i128),
    Real(f64),
}

impl Element {
    /// The bytes of one value.
    pub(crate) fn size(self) -> usize {
        match self {
            Element::Bool | Element::U8 | Element::I8 => 1,
            Element::U16 | Element::I16 | Element::F16 | Element::Bf16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// The bytes that one value takes once it is read: arrays are bytes or `f32`.
    pub(crate) fn memory(self) -> usize {
        if self.is_byte() { 1 } else { size_of::<f32>() }
    }

    /// The name that messages have for values of this type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Element::Bool => "truth values",
            Element::U8 => "unsigned bytes",
            Element::I8 => "signed bytes",
            Element::U16 => "unsigned 16-bit integers",
            Element::I16 => "16-bit integers",
            Element::U32 => "unsigned 32-bit integers",
            Element::I32 => "32-bit integers",
            Element::U64 => "unsigned 64-bit integers",
            Element::I64 => "64-bit integers",
            Element::F16 => "16-bit floats",
            Element::Bf16 => "16-bit brain floats",
            Element::F32 => "32-bit floats",
            Element::F64 => "64-bit floats",
        }
    }

    /// Tells whether arrays of it stay bytes, instead of becoming `f32`.
    pub(crate) fn is_byte(self) -> bool {
        matches!(self, Element::Bool | Element::U8)
    }

    /// Calls `take` with each number in `bytes`, which are whole values, as the nearest `f32`, and
    /// with `true` if that is another number than the file's. NaN stays NaN; a number beyond the
    /// range of `f32` becomes infinite.
    pub(crate) fn for_each_f32(
        self,
        order: ByteOrder,
        bytes: &[u8],
        mut take: impl FnMut(f32, bool),
    ) {
        // One `match` a piece, not a value. Every number of up to 16 bits fits, and so does `f32`.
        macro_rules! each {
            ($type:ty, |$value:ident| $number:expr, $inexact:expr) => {
                each(order, bytes, <$type>::from_le_bytes, |$value| take($number, $inexact))
            };
        }
        match self {
            Element::Bool | Element::U8 => each!(u8, |value| f32::from(value), false),
            Element::I8 => each!(i8, |value| f32::from(value), false),
            Element::U16 => each!(u16, |value| f32::from(value), false),
            Element::I16 => each!(i16, |value| f32::from(value), false),
            Element::F16 => each!(u16, |bits| half(bits), false),
            Element::Bf16 => each!(u16, |bits| brain(bits), false),
            Element::F32 => each!(f32, |value| value, false),
            Element::U32 => {
                each!(u32, |value| value as f32, f64::from(value as f32) != f64::from(value))
            }
            Element::I32 => {
                each!(i32, |value| value as f32, f64::from(value as f32) != f64::from(value))
            }
            Element::U64 => {
                each!(u64, |value| value as f32, (value as f32) as i128 != i128::from(value))
            }
            Element::I64 => {
                each!(i64, |value| value as f32, (value as f32) as i128 != i128::from(value))
            }
            Element::F64 => each!(
                f64,
                |value| value as f32,
                !value.is_nan() && f64::from(value as f32) != value
            ),
        }
    }

    /// Calls `take` with each number in `bytes`, which are whole values, as it is.
    pub(crate) fn for_each_exact(
        self,
        order: ByteOrder,
        bytes: &[u8],
        mut take: impl FnMut(Exact),
    ) {
        macro_rules! each_whole {
            ($type:ty) => {
                each(order, bytes, <$type>::from_le_bytes, |value| take(Exact::Whole(value.into())))
            };
        }
        match self {
            Element::Bool | Element::U8 => each_whole!(u8),
            Element::I8 => each_whole!(i8),
            Element::U16 => each_whole!(u16),
            Element::I16 => each_whole!(i16),
            Element::U32 => each_whole!(u32),
            Element::I32 => each_whole!(i32),
            Element::U64 => each_whole!(u64),
            Element::I64 => each_whole!(i64),
            Element::F64 => {
                each(order, bytes, f64::from_le_bytes, |value| take(Exact::Real(value)))
            }
            Element::F16 | Element::Bf16 | Element::F32 => {
                self.for_each_f32(order, bytes, |value, _| take(Exact::Real(value.into())));
            }
        }
    }
}

/// Calls `take` with each value of `N` bytes.
fn each<T, const N: usize>(
    order: ByteOrder,
    bytes: &[u8],
    from_le: impl Fn([u8; N]) -> T,
    mut take: impl FnMut(T),
) {
    for &(mut value) in bytes.as_chunks().0 {
        if order == ByteOrder::Big {
            value.reverse();
        }
        take(from_le(value));
    }
}

/// IEEE binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    // Its exponent and fraction in f32's places. The exponents' biases, 15 and 127, differ by 112,
    // and multiplying by that power of two is exact, of subnormal numbers too.
    let shifted = u32::from(bits & 0x7fff) << 13;
    let magnitude = if shifted < 0x1f << 23 {
        f32::from_bits(shifted) * f32::from_bits((112 + 127) << 23)
    } else {
        f32::from_bits(shifted | 0xff << 23)
    };
    f32::from_bits(magnitude.to_bits() | sign)
}

/// The upper half of an `f32`.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(element: Element, order: ByteOrder, bytes: &[u8]) -> Vec<(f32, bool)> {
        let mut read = Vec::new();
        element.for_each_f32(order, bytes, |value, rounded| read.push((value, rounded)));
        read
    }

    #[test]
    fn every_half_float_is_what_its_definition_says() {
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let expected = match exponent {
                0 => fraction / 1024.0 * 2_f64.powi(-14),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let got = f64::from(half(bits));
            assert!(
                got.is_nan() && expected.is_nan() || got == sign * expected,
                "{bits:#06x}: {got}"
            );
            assert_eq!(got.is_sign_negative(), sign < 0.0, "{bits:#06x}");
        }
    }

    #[test]
    fn what_f32_cannot_hold_is_counted() {
        let (one, big) = (ByteOrder::Little, ByteOrder::Big);
        for (value, rounded) in
            [(1 << 24, false), ((1 << 24) + 1, true), (i32::MAX, true), (i32::MIN, false)]
        {
            assert_eq!(floats(Element::I32, one, &value.to_le_bytes()), [(value as f32, rounded)]);
            assert_eq!(floats(Element::I32, big, &value.to_be_bytes()), [(value as f32, rounded)]);
        }
        assert_eq!(floats(Element::U64, one, &u64::MAX.to_le_bytes()), [(2_f32.powi(64), true)]);
        assert_eq!(
            floats(Element::I64, one, &i64::MIN.to_le_bytes()),
            [(-(2_f32.powi(63)), false)]
        );
        assert_eq!(floats(Element::I64, one, &i64::MAX.to_le_bytes()), [(2_f32.powi(63), true)]);
        for (value, read, rounded) in [
            (0.5, 0.5, false),
            (0.1, 0.1_f32, true),
            (1e300, f32::INFINITY, true),
            (f64::NEG_INFINITY, f32::NEG_INFINITY, false),
            (1e-300, 0.0, true),
        ] {
            assert_eq!(floats(Element::F64, big, &value.to_be_bytes()), [(read, rounded)]);
        }
        let nan = floats(Element::F64, one, &f64::NAN.to_le_bytes());
        assert!(nan[0].0.is_nan() && !nan[0].1);
    }
}
