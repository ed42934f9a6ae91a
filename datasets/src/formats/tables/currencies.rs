//! The signs and the codes of currencies before and behind numbers.

/// Signs of currencies.
pub(super) const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];
/// Codes of currencies before or behind numbers, and what else stands before them.
const CODES: [&str; 26] = [
    "US$", "R$", "A$", "C$", "S$", "NZ$", "HK$", "EUR", "USD", "GBP", "CHF", "Fr.", "SEK", "NOK",
    "DKK", "kr.", "kr", "Kr", "PLN", "zł", "CZK", "Kč", "JPY", "INR", "Rs.", "Rs",
];

/// Tells whether a unit is the sign of a currency, which may be left out.
pub(super) fn is_currency(unit: &str) -> bool {
    unit.chars().count() == 1 && unit.starts_with(CURRENCIES) || CODES.contains(&unit)
}

/// Takes a sign or a code off the start.
pub(super) fn take_currency<'a>(rest: &mut &'a str, unit: &mut &'a str) {
    let after = match rest.strip_prefix(CURRENCIES) {
        Some(after) => Some(after),
        None => {
            let end = rest.find(|next| !is_of_code(next)).unwrap_or(rest.len());
            CODES.contains(&&rest[..end]).then(|| &rest[end..])
        }
    };
    if let Some(after) = after {
        *unit = &rest[..rest.len() - after.len()];
        *rest = after.trim_start();
    }
}

/// The number before the sign or the code of a currency, and that.
pub(super) fn code_behind(rest: &str) -> Option<(&str, &str)> {
    if rest.as_bytes().last().is_none_or(u8::is_ascii_digit) {
        return None;
    }
    let start = rest.trim_end_matches(is_of_code).len();
    let sign = || rest.strip_suffix(CURRENCIES).map(str::len);
    let start = if CODES.contains(&&rest[start..]) { start } else { sign()? };
    let number = rest[..start].trim_end();
    let ends = |last: char| last.is_ascii_digit() || matches!(last, '.' | ',' | '-');
    number.ends_with(ends).then_some((number, &rest[start..]))
}

/// Tells whether a character may be one of a code.
fn is_of_code(next: char) -> bool {
    next.is_alphabetic() || matches!(next, '.' | '$')
}
