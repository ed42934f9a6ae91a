//! Numbers that are written with marks: `1,234.5`, `12 %`, `$ 3.50`, `1 234`, `1'234`.

use crate::formats::options::Decimal;

/// Signs of currencies.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// A number with marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Marked {
    pub(super) value: f64,
    /// It has a percent sign; the value is the number before it.
    pub(super) percent: bool,
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

/// Reads a number with or without marks, whose fraction begins with the mark `decimal`; `None` if
/// `text` is something else.
pub(super) fn number(text: &str, decimal: Decimal) -> Option<Marked> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 48 {
        return None;
    }
    let blank = |text: char| text.is_whitespace();
    let (mut rest, mut negative) = (text.trim(), false);
    let mut take_sign = |rest: &mut &str| {
        let signs = [("-", true), ("\u{2212}", true), ("+", false)];
        for (sign, minus) in signs {
            if let Some(after) = rest.strip_prefix(sign) {
                (*rest, negative) = (after.trim_start_matches(blank), minus);
                return true;
            }
        }
        false
    };
    let signed = take_sign(&mut rest);
    let mut currency = false;
    if let Some(after) = rest.strip_prefix(CURRENCIES) {
        (rest, currency) = (after.trim_start_matches(blank), true);
        if !signed {
            take_sign(&mut rest);
        }
    }
    let mut percent = false;
    if let Some(before) = rest.strip_suffix('%') {
        (rest, percent) = (before.trim_end_matches(blank), true);
    } else if let Some(before) = rest.strip_suffix(CURRENCIES) {
        if currency {
            return None;
        }
        rest = before.trim_end_matches(blank);
    }
    let value = digits(rest, decimal)?;
    Some(Marked { value: if negative { -value } else { value }, percent })
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
            let mut groups = whole.split(separator);
            let first = groups.next()?;
            if !(1..=3).contains(&first.len()) || first.starts_with('0') || !digits(first) {
                return None;
            }
            let mut joined = first.to_owned();
            for group in groups {
                if group.len() != 3 || !digits(group) {
                    return None;
                }
                joined.push_str(group);
            }
            joined
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

fn is_separator(separator: char, decimal: Decimal) -> bool {
    separator == other(decimal) || matches!(separator, ' ' | '\'' | '\u{a0}' | '\u{202f}' | '’')
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
        ] {
            let value = |decimal| number(text, decimal).map(|found| found.value);
            assert_eq!((value(Decimal::Point), value(Decimal::Comma)), (point, comma), "{text}");
        }
        assert!(number("12 %", Decimal::Point).unwrap().percent);
        assert!(!number("12", Decimal::Point).unwrap().percent);
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
        ] {
            assert_eq!(number(text, Decimal::Point), None, "{text}");
        }
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
