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
    if let Some(after) = rest.strip_prefix(CURRENCIES) {
        *unit = &rest[..rest.len() - after.len()];
        *rest = after.trim_start();
    } else if let Some(code) = CODES.into_iter().find(|code| rest.starts_with(code)) {
        *unit = &rest[..code.len()];
        *rest = rest[code.len()..].trim_start();
    }
}

/// The number before the sign or the code of a currency, and that.
pub(super) fn code_behind(rest: &str) -> Option<(&str, &str)> {
    let ends = |last: char| last.is_alphabetic() || last == '.' || CURRENCIES.contains(&last);
    if !rest.ends_with(ends) {
        return None;
    }
    // The longest: `R$` is more than `$`.
    let before = CODES.into_iter().filter_map(|code| rest.strip_suffix(code));
    let before = before.chain(rest.strip_suffix(CURRENCIES)).min_by_key(|before| before.len())?;
    let (number, code) = (before.trim_end(), &rest[before.len()..]);
    number
        .ends_with(|last: char| last.is_ascii_digit() || matches!(last, '.' | ',' | '-'))
        .then_some((number, code))
}
