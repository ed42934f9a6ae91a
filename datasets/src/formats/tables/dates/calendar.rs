//! The days of the Gregorian calendar, and the names in it.

/// The number of the month that a text begins to name.
pub(super) fn month_named(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    let named = |month: &&str| text.len() >= 3 && (month.starts_with(&text) || text == "sept");
    MONTHS.iter().position(named).map(|at| if text == "sept" { 9 } else { at as i64 + 1 })
}

/// Tells whether a text begins to name a day of the week.
pub(super) fn is_weekday(text: &str) -> bool {
    const DAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let text = text.to_ascii_lowercase();
    text.len() >= 3 && DAYS.iter().any(|day| day.starts_with(&text))
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
