//! Dates and times in texts, as seconds since 1970.
//!
//! - **Dates**: `2021-03-04`, `04/03/2021`, `4.3.2021`, `4 March 2021`, `Mar 4, 2021`, `2021-03`.
//!   Years have four digits.
//! - **Times** behind them: `12:34`, `12:34:56.7`, `5:30 PM`, after a blank or a `T`.
//! - **Zones** behind those: `Z`, `UTC`, `GMT`, `+02:00`. A time without one is taken as UTC.
//!
//! The order of day and month is that of the column: `03/04/2021` alone does not tell it.

use crate::sample::column::Dates;

/// A date that was read, in each order that it may be written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Date {
    /// Seconds since 1970, by the order of [`ORDERS`]; `None` if it cannot be written so.
    seconds: [Option<f64>; ORDERS.len()],
}

/// All orders of a date's parts.
pub(super) const ORDERS: [Dates; 3] = [Dates::YearFirst, Dates::DayFirst, Dates::MonthFirst];

impl Date {
    /// Reads a date; `None` if `text` is none.
    pub(super) fn read(text: &str) -> Option<Date> {
        // Most texts are none, and are told by a look at their bytes.
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if !(5..=40).contains(&text.len()) || digits < 5 {
            return None;
        }
        let (date, time) = match text.find(':') {
            None => (text, ""),
            Some(colon) => {
                let before = text[..colon].trim_end_matches(|digit: char| digit.is_ascii_digit());
                if !before.ends_with([' ', 'T']) {
                    return None;
                }
                (&before[..before.len() - 1], &text[before.len()..])
            }
        };
        let time = if time.is_empty() { 0.0 } else { seconds_of_day(time)? };
        let days = days_in_each_order(date.trim())?;
        let seconds = days.map(|days| days.map(|days| days as f64 * 86_400.0 + time));
        seconds.iter().any(Option::is_some).then_some(Date { seconds })
    }

    /// The seconds since 1970, if it is written in the order `dates`.
    pub(super) fn seconds(&self, dates: Dates) -> Option<f64> {
        ORDERS.iter().position(|&order| order == dates).and_then(|at| self.seconds[at])
    }

    /// The orders that it may be written in, each a bit, by the order of [`ORDERS`].
    pub(super) fn orders(&self) -> u8 {
        (0..).zip(self.seconds).map(|(at, seconds)| u8::from(seconds.is_some()) << at).sum()
    }
}

/// The days since 1970 in each of [`ORDERS`]. A month by its name leaves no doubt, and is right in
/// any.
fn days_in_each_order(text: &str) -> Option<[Option<i64>; ORDERS.len()]> {
    let parts: Vec<&str> =
        text.split(['-', '/', '.', ',', ' ']).filter(|part| !part.is_empty()).collect();
    let number = |part: &str, longest: usize| {
        let whole = part.len() <= longest && part.bytes().all(|byte| byte.is_ascii_digit());
        whole.then(|| part.parse::<i64>().ok()).flatten()
    };
    let year = |part: &str| (part.len() == 4).then(|| number(part, 4)).flatten();
    let date = |year: Option<i64>, month: Option<i64>, day: Option<i64>| {
        days_since_1970(year?, month?, day?)
    };
    match parts[..] {
        [one, two] if two.len() == 2 && text.as_bytes().get(4) == Some(&b'-') => {
            let days = date(year(one), number(two, 2), Some(1));
            days.is_some().then_some([days, None, None])
        }
        [one, two, three] => {
            let named = match (month_named(one), month_named(two)) {
                (Some(month), _) => date(year(three), Some(month), number(two, 2)),
                (_, Some(month)) if one.len() == 4 => {
                    date(year(one), Some(month), number(three, 2))
                }
                (_, Some(month)) => date(year(three), Some(month), number(one, 2)),
                _ => None,
            };
            if named.is_some() {
                return Some([named; 3]);
            }
            let year_first = date(year(one), number(two, 2), number(three, 2));
            let (one, two, year) = (number(one, 2), number(two, 2), year(three));
            Some([year_first, date(year, two, one), date(year, one, two)])
        }
        _ => None,
    }
}

/// The number of the month that a text begins to name.
fn month_named(text: &str) -> Option<i64> {
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

/// The seconds of a time of day, in UTC: less than 0 or more than a day's where its zone says so.
fn seconds_of_day(text: &str) -> Option<f64> {
    let zone_at = text.find(|end: char| end != ':' && end != '.' && !end.is_ascii_digit());
    let (clock, mut rest) = text.split_at(zone_at.unwrap_or(text.len()));
    let mut parts = clock.split(':');
    let mut below = |limit: f64| {
        let part = parts.next()?;
        let value = part.parse::<f64>().ok().filter(|value| *value < limit)?;
        part.starts_with(|first: char| first.is_ascii_digit()).then_some(value)
    };
    let (mut hours, minutes) = (below(24.0)?, below(60.0)?);
    let seconds = if clock.matches(':').count() > 1 { below(61.0)? } else { 0.0 };
    if clock.matches(':').count() > 2 || hours.fract() != 0.0 || minutes.fract() != 0.0 {
        return None;
    }
    rest = rest.trim();
    let half = rest.get(..2).unwrap_or("").to_ascii_lowercase();
    if half == "am" || half == "pm" {
        if !(1.0..=12.0).contains(&hours) {
            return None;
        }
        hours = hours % 12.0 + if half == "pm" { 12.0 } else { 0.0 };
        rest = rest[2..].trim();
    }
    Some(hours * 3600.0 + minutes * 60.0 + seconds - zone(rest)?)
}

/// The seconds by which a zone is ahead of UTC.
fn zone(text: &str) -> Option<f64> {
    if text.is_empty() || ["Z", "UTC", "GMT"].contains(&text) {
        return Some(0.0);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1.0,
        b'-' => -1.0,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|&digit| digit != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![2, 4].contains(&digits.len()) {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    let (hours, minutes) =
        if digits.len() == 2 { (number, 0.0) } else { ((number / 100.0).trunc(), number % 100.0) };
    (hours < 15.0 && minutes < 60.0).then_some(sign * (hours * 3600.0 + minutes * 60.0))
}

/// The days from 1 January 1970 to a date of the Gregorian calendar; `None` if there is none
/// (H. Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013).
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
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

    /// Seconds by GNU `date -u -d TEXT +%s`.
    #[test]
    fn dates_and_times_are_the_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01", 0.0),
            ("2021-03-04", 1_614_816_000.0),
            ("2021/03/04", 1_614_816_000.0),
            ("2021-03", 1_614_556_800.0),
            ("2000-02-29 23:59:59", 951_868_799.0),
            ("1969-12-31T23:59:30Z", -30.0),
            ("2021-03-04T12:34:56.25+02:00", 1_614_854_096.25),
            ("2021-03-04 12:34 -0530", 1_614_881_040.0),
            ("2021-03-04 5:30 PM", 1_614_879_000.0),
            ("2021-03-04 12:05 am", 1_614_816_300.0),
            ("4 March 2021", 1_614_816_000.0),
            ("Mar 4, 2021", 1_614_816_000.0),
            ("04-Sep-1999", 936_403_200.0),
            ("1600-02-29", -11_670_998_400.0),
        ] {
            let date = Date::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.seconds(Dates::YearFirst), Some(seconds), "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_told_where_one_is_above_12() {
        let orders = |text: &str| Date::read(text).unwrap().orders();
        assert_eq!(orders("03/04/2021"), 0b110);
        assert_eq!(orders("13.04.2021"), 0b010);
        assert_eq!(orders("04-13-2021"), 0b100);
        assert_eq!(orders("2021-04-13"), 0b001);
        assert_eq!(orders("4 March 2021"), 0b111);
        let date = Date::read("03/04/2021").unwrap();
        assert_eq!(date.seconds(Dates::DayFirst), Some(1_617_408_000.0));
        assert_eq!(date.seconds(Dates::MonthFirst), Some(1_614_816_000.0));
        assert_eq!(date.seconds(Dates::YearFirst), None);
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2021",
            "12:34:56",
            "1.2.3",
            "192.168.0.1",
            "2021-13-01",
            "2021-02-29",
            "31/04/2021",
            "1-2-21",
            "2021-03-04 25:00",
            "2021-03-04T",
            "2021-03-04 12:34:56:78",
            "2021-03-04 x",
            "Mai 4, 2021",
            "5/12 10:30",
            "1-22 12:30",
            "9.30 12:00",
            "12345-01-01",
            "2021-03-04 1.5:30",
            "555-0123-4567",
            "2021-3",
        ] {
            assert_eq!(Date::read(text), None, "{text}");
        }
    }
}
