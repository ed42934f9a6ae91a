//! Numbers that are written with marks: `1,234.5`, `12 %`, `$ 3.50`, `1 234`, `1'234`, `(12)`,
//! `12-`; and with a unit: `8 kg`.

use super::currencies::{CURRENCIES, code_behind, take_currency};
use super::source::may_be_number;
use crate::formats::options::Decimal;

/// The characters of the longest unit.
const LONGEST_UNIT: usize = 12;
/// Units that are no letters of codes, such as house numbers.
const KNOWN_UNITS: [&str; 46] = [
    "kg", "g", "mg", "µg", "lb", "lbs", "oz", "t", "km", "m", "cm", "mm", "µm", "nm", "mi", "ft",
    "in", "inch", "yd", "s", "sec", "ms", "min", "mins", "h", "hr", "hrs", "day", "days", "l", "L",
    "ml", "mL", "cl", "W", "kW", "MW", "kWh", "B", "KB", "kB", "MB", "GB", "TB", "°C", "°F",
];

/// A number with marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Marked<'a> {
    pub(super) value: f64,
    /// The unit that it is in, a currency or `%`; empty without any. The value is the number as it
    /// is written: 12 of `12 %`.
    pub(super) unit: &'a str,
}

/// The mark before a fraction.
fn mark(decimal: Decimal) -> char {
    match decimal {
        Decimal::Point => '.',
        Decimal::Comma => ',',
    }
}

/// The other of the two, which may separate thousands.
fn other(decimal: Decimal) -> char {
    match decimal {
        Decimal::Point => ',',
        Decimal::Comma => '.',
    }
}

/// Tells whether a unit is known for one, and no letter of a code.
pub(super) fn is_known_unit(unit: &str) -> bool {
    KNOWN_UNITS.contains(&unit)
}

/// Reads a number with or without marks, whose fraction begins with the mark `decimal`; `None` if
/// `text` is something else, a number with a unit among it.
pub(super) fn number(text: &str, decimal: Decimal) -> Option<Marked<'_>> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 48 {
        return None;
    }
    let (mut rest, mut signs, mut negative) = (text.trim(), 0, false);
    let mut unit = "";
    // Each mark stands once, outside those that follow here.
    if let Some(inside) = in_parentheses(rest) {
        (rest, signs, negative) = (inside, 1, true);
    }
    take_sign(&mut rest, &mut signs, &mut negative);
    if rest.starts_with(CURRENCIES) || rest.starts_with(char::is_alphabetic) {
        take_currency(&mut rest, &mut unit);
        if let Some(inside) = in_parentheses(rest) {
            (rest, negative) = (inside, true);
            signs += 1;
        }
        take_sign(&mut rest, &mut signs, &mut negative);
    }
    if let Some(before) = rest.strip_suffix('%') {
        if !unit.is_empty() {
            return None;
        }
        unit = &rest[before.len()..];
        rest = before.trim_end();
    } else if let Some((before, code)) = code_behind(rest) {
        if !unit.is_empty() {
            return None;
        }
        (rest, unit) = (before, code);
    }
    if let Some(before) = rest.strip_suffix(['-', '\u{2212}']) {
        (rest, negative) = (before.trim_end(), true);
        signs += 1;
    }
    if signs > 1 {
        return None;
    }
    let value = digits(rest, decimal)?;
    Some(Marked { value: if negative { -value } else { value }, unit })
}

/// Reads a number of digits, sign, point and exponent, or of a comma where that is the mark; and
/// what else `f64` reads, as infinity. `None` if `text` is something else.
pub(super) fn plain_number(text: &str, decimal: Decimal) -> Option<f64> {
    if !may_be_number(text) {
        return None;
    }
    if decimal == Decimal::Comma && text.contains([',', '.']) {
        let plain = |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b',' | b'.' | b'e' | b'E');
        let number = text.bytes().all(plain).then(|| number(text, decimal)).flatten();
        return number.map(|number| number.value);
    }
    text.parse().ok()
}

/// Reads a number with a unit behind it, such as `8 kg`: letters, or signs as in `m/s²`.
pub(super) fn quantity(text: &str, decimal: Decimal) -> Option<Marked<'_>> {
    // Most texts are none, and are told by their first byte and the last.
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.') || first >= 0x80)
        || text.len() > 48
        || text.as_bytes().last().is_some_and(|last| matches!(last, b'%' | b'-' | b')'))
    {
        return None;
    }
    let letter = |next: char| next.is_alphabetic() || next == '°';
    let at = text.find(letter)?;
    let (mut rest, unit) = text.split_at(at);
    let of_unit = |next: char| {
        letter(next) || next.is_ascii_digit() || matches!(next, '/' | '²' | '³' | '·' | '^' | ' ')
    };
    let words = || unit.split(' ');
    if unit.chars().count() > LONGEST_UNIT
        || !unit.chars().all(of_unit)
        || words().any(|word| word.starts_with(|first: char| first.is_ascii_digit()))
    {
        return None;
    }
    if is_slip(unit) {
        return None;
    }
    let (mut signs, mut negative) = (0, false);
    take_sign(&mut rest, &mut signs, &mut negative);
    let rest = rest.trim_end();
    // A code, whose zeros would be lost.
    if rest.len() > 1 && rest.starts_with('0') && rest.as_bytes()[1].is_ascii_digit() {
        return None;
    }
    let value = digits(rest, decimal)?;
    Some(Marked { value: if negative { -value } else { value }, unit: unit.trim_end() })
}

/// Tells whether the letters behind a number are no unit but a slip: a letter for a digit that
/// looks like it, or an exponent that no number has.
fn is_slip(unit: &str) -> bool {
    let exponent = unit.strip_prefix(['e', 'E']).is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    matches!(unit, "o" | "O" | "I") || exponent
}

/// The text in a pair of parentheses, by which accountants write what is negative.
fn in_parentheses(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.strip_suffix(')').map(str::trim)
}

fn take_sign(rest: &mut &str, signs: &mut usize, negative: &mut bool) {
    for (sign, minus) in [("-", true), ("\u{2212}", true), ("+", false)] {
        if let Some(after) = rest.strip_prefix(sign) {
            (*rest, *negative) = (after.trim_start(), *negative || minus);
            *signs += 1;
            return;
        }
    }
}

/// A number without a sign: its whole part in groups of three or in one, its fraction, and an
/// exponent.
fn digits(text: &str, decimal: Decimal) -> Option<f64> {
    let (whole, fraction) = text.split_once(mark(decimal)).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let separator = whole.chars().find(|next| !next.is_ascii_digit());
    let whole = match separator {
        None => whole.to_owned(),
        Some(separator) if is_separator(separator, decimal) => {
            let groups: Vec<&str> = whole.split(separator).collect();
            let (first, last) = (groups[0], groups[groups.len() - 1]);
            // In India groups have two digits, but for the last: 1,23,456.
            let length = match groups.get(1).map(|group| group.len()) {
                Some(2) if separator == ',' && groups.len() > 2 => 2,
                _ => 3,
            };
            let of_length = |group: &&str| group.len() == length;
            if !(1..=length).contains(&first.len())
                || first.starts_with('0')
                || last.len() != 3
                || !groups[1..groups.len() - 1].iter().all(of_length)
                || !groups.iter().all(|group| digits(group))
            {
                return None;
            }
            groups.concat()
        }
        Some(_) => return None,
    };
    let (fraction, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => fraction.split_at(at),
        None => (fraction, ""),
    };
    if !digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let number = format!("{whole}.{fraction}{exponent}").parse::<f64>().ok();
    number.filter(|number| number.is_finite())
}

/// Tells whether a character may separate thousands: of blanks those that do not break, or thin
/// ones, too.
fn is_separator(separator: char, decimal: Decimal) -> bool {
    separator == other(decimal)
        || matches!(separator, ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}')
}

/// Tells whether a text is no number whose fraction begins with `decimal`, but one with the other
/// mark.
pub(super) fn has_other_decimal(text: &str, decimal: Decimal) -> bool {
    let other = match decimal {
        Decimal::Point => Decimal::Comma,
        Decimal::Comma => Decimal::Point,
    };
    text.contains(mark(other)) && number(text, other).is_some() && number(text, decimal).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_marks_are_numbers() {
        for (text, point, comma) in [
            ("1,234.5", Some(1234.5), None),
            ("1.234,5", None, Some(1234.5)),
            ("1,234", Some(1234.0), Some(1.234)),
            ("-12,345,678", Some(-12_345_678.0), None),
            ("0,5", None, Some(0.5)),
            ("12,5", None, Some(12.5)),
            ("1 234 567.25", Some(1_234_567.25), None),
            ("1'234", Some(1234.0), Some(1234.0)),
            ("1\u{a0}234", Some(1234.0), Some(1234.0)),
            ("$ 3.50", Some(3.5), None),
            ("-$3", Some(-3.0), Some(-3.0)),
            ("$-3", Some(-3.0), Some(-3.0)),
            ("12 €", Some(12.0), Some(12.0)),
            ("\u{2212}7%", Some(-7.0), Some(-7.0)),
            ("1,5e3", None, Some(1500.0)),
            ("5", Some(5.0), Some(5.0)),
            ("(1,234.50)", Some(-1234.5), None),
            ("($12)", Some(-12.0), Some(-12.0)),
            ("$(1,000)", Some(-1000.0), Some(-1.0)),
            ("1,23,456.5", Some(123_456.5), None),
            ("12,34,56,789", Some(123_456_789.0), None),
            ("12-", Some(-12.0), Some(-12.0)),
            ("1,234.5-", Some(-1234.5), None),
            ("+12", Some(12.0), Some(12.0)),
            ("1\u{2009}234", Some(1234.0), Some(1234.0)),
            ("1\u{202f}234\u{202f}567", Some(1_234_567.0), Some(1_234_567.0)),
            ("1’234.5", Some(1234.5), None),
            ("(5%)", Some(-5.0), Some(-5.0)),
        ] {
            let value = |decimal| number(text, decimal).map(|found| found.value);
            assert_eq!((value(Decimal::Point), value(Decimal::Comma)), (point, comma), "{text}");
        }
        for (text, unit) in [
            ("12 %", "%"),
            ("12", ""),
            ("$12", "$"),
            ("-12 €", "€"),
            ("(£3)", "£"),
            ("R$ 12", "R$"),
            ("R$12", "R$"),
            ("US$ -12", "US$"),
            ("CHF 12", "CHF"),
            ("12 kr", "kr"),
            ("12 kr.", "kr."),
            ("12 EUR", "EUR"),
            ("-USD12", "USD"),
            ("12.50 zł", "zł"),
        ] {
            assert_eq!(number(text, Decimal::Point).unwrap().unit, unit, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "",
            "-",
            "$",
            "%",
            "1,23",
            "1,2345",
            "0,123",
            ",123",
            "1,,234",
            "1 23",
            "12a",
            "1-2",
            "$5$",
            "5%%",
            "--5",
            "1,234.5.6",
            "01,234",
            "1,234 567",
            "e5",
            ".",
            "1e999.0",
            "(5",
            "5)",
            "(-5)",
            "-5-",
            "()",
            "1,23,45",
            "1,23,4567",
            "123,45,678",
            "$5%",
            "1 2 3",
            "R$",
            "EUR",
            "EUR 5 USD",
            "CHFA 5",
            "5 EURO x",
            "kr5a",
            "skr 5",
        ] {
            assert_eq!(number(text, Decimal::Point), None, "{text}");
        }
    }

    #[test]
    fn quantities_are_a_number_and_a_unit() {
        for (text, value, unit) in [
            ("8 kg", 8.0, "kg"),
            ("12kg", 12.0, "kg"),
            ("3.5 cm", 3.5, "cm"),
            ("-4 °C", -4.0, "°C"),
            ("1,200 m/s²", 1200.0, "m/s²"),
            ("0.5 sq ft", 0.5, "sq ft"),
            ("7\u{a0}km", 7.0, "km"),
            ("0 days", 0.0, "days"),
            ("\u{2212}3 m2", -3.0, "m2"),
        ] {
            assert_eq!(quantity(text, Decimal::Point), Some(Marked { value, unit }), "{text}");
        }
        for text in [
            "",
            "kg",
            "8",
            "8 %",
            "007B",
            "a8",
            "8 kg net of all weights",
            "8, kg",
            "1-2 m",
            "12o",
            "1O",
            "1e400",
        ] {
            assert_eq!(quantity(text, Decimal::Point), None, "{text}");
        }
        assert_eq!(quantity("3,5 kg", Decimal::Comma).unwrap().value, 3.5);
    }

    #[test]
    fn a_comma_is_a_decimal_one_where_it_can_be_nothing_else() {
        for (text, expected) in
            [("0,5", true), ("-2,28", true), ("1,234", false), ("1.5", false), ("a,b", false)]
        {
            assert_eq!(has_other_decimal(text, Decimal::Point), expected, "{text}");
        }
    }
}
