//! The days of the Gregorian calendar, and the names in it.

/// The names of the months in English, German, French, Spanish, Italian, Dutch and Portuguese, with
/// abbreviations that are no start of a name.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "janvier", "enero", "gennaio", "januari", "janeiro", "jänner"],
    &[
        "february",
        "februar",
        "février",
        "febrero",
        "febbraio",
        "februari",
        "fevereiro",
        "fevrier",
        "feber",
    ],
    &["march", "märz", "mars", "marzo", "maart", "março", "marco", "maerz", "mrz", "mrt"],
    &["april", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "mei", "maio"],
    &["june", "juni", "juin", "junio", "giugno", "junho"],
    &["july", "juli", "juillet", "julio", "luglio", "julho"],
    &["august", "août", "agosto", "augustus", "aout"],
    &["september", "septembre", "septiembre", "settembre", "setembro", "setiembre", "sept"],
    &["october", "oktober", "octobre", "octubre", "ottobre", "outubro"],
    &["november", "novembre", "noviembre", "novembro"],
    &["december", "dezember", "décembre", "diciembre", "dicembre", "dezembro", "decembre"],
];

/// The letters that they begin with. Most texts of a table are told by their first byte.
const FIRST_LETTERS: &[u8] = b"adefgjlmnos";

/// The days of the week in the same languages; in Portuguese, without `-feira`.
const DAYS: [&str; 48] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonnabend",
    "sonntag",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "lunes",
    "martes",
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
    "lunedì",
    "martedì",
    "mercoledì",
    "giovedì",
    "venerdì",
    "sabato",
    "domenica",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "segunda",
    "terça",
    "quarta",
    "quinta",
    "sexta",
];

/// The number of the month that a text begins to name, in one of some languages; `None` if it may
/// be several.
pub(super) fn month_named(text: &str) -> Option<i64> {
    if !FIRST_LETTERS.contains(&text.bytes().next()?.to_ascii_lowercase()) {
        return None;
    }
    let names = |month: &[&str]| begins(month, text);
    let mut found = (1..).zip(MONTHS).filter(|(_, month)| names(month)).map(|(number, _)| number);
    found.next().filter(|_| found.next().is_none())
}

/// Tells whether a text begins to name a day of the week, and no month: `mar` is March.
pub(super) fn is_weekday(text: &str) -> bool {
    begins(&DAYS, text) && month_named(text).is_none()
}

/// Tells whether one of `names` begins with `text`, three letters of it at least.
fn begins(names: &[&str], text: &str) -> bool {
    let Some(first) = text.bytes().next().map(|first| first.to_ascii_lowercase()) else {
        return false;
    };
    let begins = |name: &&str| {
        let mut letters = name.chars();
        name.as_bytes()[0] == first
            && text.chars().flat_map(char::to_lowercase).all(|next| letters.next() == Some(next))
    };
    names.iter().any(begins) && text.chars().count() >= 3
}

/// The days from 1 January 1970 to the Monday of a week of ISO 8601, whose first one of a year has
/// 4 January in it.
pub(super) fn days_of_week(year: i64, week: i64) -> Option<i64> {
    let monday = |year: i64| {
        let fourth = days_since_1970(year, 1, 4)?;
        // 1 January 1970 was a Thursday.
        Some(fourth - (fourth + 3).rem_euclid(7))
    };
    let first = monday(year)?;
    let found = first + 7 * (week - 1);
    (week >= 1 && found < monday(year + 1)?).then_some(found)
}

/// The days from 1 January 1970 to a date of the Gregorian calendar; `None` if there is none
/// (H. Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013).
pub(super) fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March have the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_month_and_each_day_is_found_by_its_name() {
        for (number, names) in (1..).zip(MONTHS) {
            for name in names {
                assert_eq!(month_named(name), Some(number), "{name}");
                assert_eq!(month_named(&name.to_uppercase()), Some(number), "{name}");
            }
        }
        assert!(DAYS.iter().all(|day| is_weekday(day)));
        for text in ["", "ma", "jui", "marchs", "Weg", "ßen"] {
            assert_eq!(month_named(text), None, "{text}");
        }
    }
}
