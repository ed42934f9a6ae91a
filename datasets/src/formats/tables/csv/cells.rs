//! The cells of delimited text.

use crate::formats::options::Decimal;
use crate::formats::tables::marks;
use crate::formats::tables::rounding::POWERS;
use crate::formats::tables::source::{Cell, is_missing_word};

/// Digits of which any number fits into 64 bits.
const MOST_DIGITS: usize = 18;

/// The bytes that end a cell outside quotes. The end of the text does so, too.
pub(super) struct Ends([bool; 256]);

impl Ends {
    pub(super) fn new(delimiter: u8) -> Self {
        let mut ends = [false; 256];
        [delimiter, b'\n', b'\r'].into_iter().for_each(|byte| ends[usize::from(byte)] = true);
        Ends(ends)
    }

    /// Tells whether a cell may end before the byte at `at`.
    #[inline]
    pub(super) fn at(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at).is_none_or(|&byte| self.0[usize::from(byte)])
    }

    /// The first end from `at` on.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], at: usize) -> usize {
        let length = bytes[at..].iter().position(|&byte| self.0[usize::from(byte)]);
        length.map_or(bytes.len(), |length| at + length)
    }
}

/// The number that fills a cell from `at` on, and the cell's end; `None` if it is something else,
/// or a number written in another way than by digits and a point.
///
/// Digits `w` that are below 2^53, of which `f` follow the point: `w` and `10^f` are exact, so that
/// `w / 10^f` is rounded once, and is the nearest number (W. D. Clinger, How to Read Floating Point
/// Numbers Accurately, PLDI 1990).
#[inline]
pub(super) fn whole_number(text: &str, at: usize, ends: &Ends) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let negative = bytes.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut digits, mut end) = (0_u64, start);
    let take_digits = |digits: &mut u64, end: &mut usize| {
        while let Some(digit) = bytes.get(*end).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            *digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            *end += 1;
        }
    };
    take_digits(&mut digits, &mut end);
    let mut count = end - start;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        let point = end;
        // Behind the point there are often many.
        while let Some(eight) = bytes[end..].first_chunk().and_then(eight_digits) {
            digits = digits.wrapping_mul(100_000_000).wrapping_add(eight);
            end += 8;
        }
        take_digits(&mut digits, &mut end);
        fraction = end - point;
        count += fraction;
    }
    if count == 0 || !ends.at(bytes, end) {
        return None;
    }
    if count > MOST_DIGITS || digits > 1 << 53 {
        // Digits and a point are a number in any case, and a finite one up to here.
        let number = text[at..end].parse::<f64>().ok().filter(|number| number.is_finite());
        return number.map(|number| (number, end));
    }
    let mut number = digits as i64 as f64;
    if fraction > 0 {
        number /= POWERS[fraction];
    }
    Some((if negative { -number } else { number }, end))
}

/// The number that eight digits are, if they are digits: pairs, fours and eights at once
/// (D. Lemire, Number Parsing at a Gigabyte per Second, Software: Practice and Experience, 2021).
#[inline]
fn eight_digits(text: &[u8; 8]) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let text = u64::from_le_bytes(*text);
    // The high half of a digit is 3, and still is when 6 is added.
    let digits = text & HIGH | (text.wrapping_add(0x0606_0606_0606_0606) & HIGH) >> 4;
    if digits != 0x3333_3333_3333_3333 {
        return None;
    }
    let ones = text - 0x3030_3030_3030_3030;
    let tens = ones * 10 + (ones >> 8);
    let even = (tens & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (tens >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    Some(even.wrapping_add(odd) >> 32)
}

pub(super) fn trim(cell: &str) -> &str {
    cell.trim_matches([' ', '\t'])
}

/// The cell of a text, whose numbers have `decimal` before their fractions.
pub(super) fn to_cell<'a>(text: &'a str, missing: &[String], decimal: Decimal) -> Cell<'a> {
    let Cell::Text(text) = to_text(text, missing) else { return Cell::Missing };
    match marks::plain_number(text, decimal) {
        Some(number) if number.is_nan() => Cell::Missing,
        Some(number) if number.is_finite() => Cell::Number(number),
        _ => Cell::Text(text),
    }
}

/// The cell of a text that is no number, whatever it looks like.
pub(in crate::formats::tables) fn to_text<'a>(text: &'a str, missing: &[String]) -> Cell<'a> {
    match to_label(text, missing) {
        Cell::Text(text) if is_missing_word(text) => Cell::Missing,
        cell => cell,
    }
}

/// The cell of a text that may be a class, even if it stands for a missing value.
pub(in crate::formats::tables) fn to_label<'a>(text: &'a str, missing: &[String]) -> Cell<'a> {
    let text = match text.as_bytes() {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => trim(text),
        _ => text,
    };
    if text.is_empty() || missing.iter().any(|token| token == text) {
        return Cell::Missing;
    }
    Cell::Text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream::{Purpose, Stream};

    fn assert_is_the_same(text: &str) {
        let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
        for (before, behind) in [("", ""), ("x,", ",1"), ("", "\n"), ("1,", "\r\n")] {
            let whole = format!("{before}{text}{behind}");
            let found = whole_number(&whole, before.len(), &Ends::new(b','));
            // What is written in another way is left to `to_cell`.
            let Some((found, end)) = found else { continue };
            assert_eq!(found.to_bits(), expected.expect(text).to_bits(), "{text}");
            assert_eq!(end, before.len() + text.len(), "{text}");
        }
    }

    #[test]
    fn eight_digits_are_a_number_and_other_bytes_none() {
        for number in [0, 1, 9, 10, 12_345_678, 99_999_999, 10_203_040, 90_000_001] {
            let text = format!("{number:08}");
            assert_eq!(eight_digits(text.as_bytes().try_into().unwrap()), Some(number));
        }
        for at in 0..8 {
            for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
                let mut text = *b"12345678";
                text[at] = byte;
                assert_eq!(eight_digits(&text), None, "{text:?}");
            }
        }
    }

    #[test]
    fn numbers_have_the_bits_that_rust_gives_them() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "5.",
            ".5",
            "-.5",
            ".",
            "-",
            "",
            "--1",
            "1.2.3",
            "1-2",
            "00000000000000000000000000001.5",
            "9007199254740992",
            "9007199254740993",
            "9007199254740992.5",
            "9007199254740991.5",
            "18014398509481985",
            "0.1",
            "0.3",
            "2.2250738585072011",
            "0.000000000000000001",
            "123456789012345678",
            "1234567890123456789",
            "12345678901234567890",
            "18446744073709551616",
            "0.00000000000000000000000000000000000000000001",
            "99999999999999999999.999999999",
            "7.2057594037927933",
            "72057594037927933",
            "0.500000000000000166533453693773481063544",
            "179769313486231580793728971405301",
            "3.14159265358979323846264338327950288",
        ] {
            assert_is_the_same(text);
        }
        assert_is_the_same(&"9".repeat(400));
        let mut stream = Stream::new(0, Purpose::Shuffle, 0);
        let mut read = 0;
        for _ in 0..100_000 {
            let mut draw = |below: u32| stream.next_u32() % below;
            let sign = if draw(2) == 0 { "" } else { "-" };
            let mut digits =
                |most: u32| (0..draw(most)).map(|_| char::from(b'0' + draw(10) as u8)).collect();
            let (whole, fraction): (String, String) = (digits(20), digits(24));
            let text = format!("{sign}{whole}.{fraction}");
            assert_is_the_same(&text);
            read += usize::from(whole_number(&text, 0, &Ends::new(b',')).is_some());
            assert_is_the_same(&format!("{sign}{whole}"));
        }
        assert!(read > 90_000, "{read}");
        // The hard cases, close to the middle of two numbers, in all their digits.
        for _ in 0..20_000 {
            let bits = u64::from(stream.next_u32()) << 20 | 0x3fe0_0000_0000_0000;
            let number = f64::from_bits(bits | u64::from(stream.next_u32() & 0xfffff));
            let middle = format!("{:.60}", number + number * 2f64.powi(-54));
            for length in [15, 16, 17, 18, 19, 20, 40, middle.len()] {
                assert_is_the_same(&middle[..length]);
            }
        }
    }
}
