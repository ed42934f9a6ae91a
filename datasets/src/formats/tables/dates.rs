//! Dates and times in texts: dates as seconds since 1970, times without one as seconds.
//!
//! - **Dates**: `2021-03-04`, `04/03/2021`, `4.3.2021`, `4 March 2021`, `Mar 4, 2021`. A day of the
//!   week may stand before them. Names may be in other languages, as in `4 de marzo de 2021`.
//! - **Years of two digits** are the last part: `31/12/24`, `31-Dec-24`. They are 1969 to 2068, as
//!   POSIX has it.
//! - **Months, quarters, weeks** are their first day: `2021-03`, `03/2021`, `Mar 2021`, `2021Q1`,
//!   `Q1 2021`, `2021-W12`.
//! - **Times** behind dates: `12:34`, `12:34:56.7`, `5:30 PM`, after a blank or a `T`.
//! - **Zones** behind those: `Z`, `UTC`, `GMT`, `+02:00`. A time without one is taken as UTC.
//! - **Times alone**, of the day, or durations: `14:30`, `2:30 PM`, `1:23:45.6`, `1 day, 2:03:04`.
//!
//! The order of day and month is that of the column: `03/04/2021` alone does not tell it. Nor does
//! `14:30` tell whether minutes or seconds are last: minutes, unless the column has a `59:30`.

mod calendar;
mod clock;
mod unknown;

use crate::sample::column::Dates;
use calendar::{days_of_week, days_since_1970, is_weekday, month_named};
use clock::{seconds_alone, seconds_of_day};
pub(super) use unknown::looks_like_date;

/// A date that was read, in each order that it may be written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Date {
    /// The seconds, by the order of [`ORDERS`]; `None` if it cannot be written so.
    seconds: [Option<f64>; ORDERS.len()],
    /// Its year has two digits.
    pub(super) short_year: bool,
}

/// All orders of the parts of a date or a time.
pub(super) const ORDERS: [Dates; 5] =
    [Dates::YearFirst, Dates::DayFirst, Dates::MonthFirst, Dates::HoursFirst, Dates::MinutesFirst];

/// The days since 1970, by the order of the first of [`ORDERS`].
type Days = [Option<i64>; 3];

impl Date {
    /// Reads a date or a time; `None` if `text` is none.
    pub(super) fn read(text: &str) -> Option<Date> {
        // Most texts are none, and are told by a look at their bytes.
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if !(4..=40).contains(&text.len()) || digits < 3 {
            return None;
        }
        let whole = text;
        let text = without_weekday(text);
        let (date, time) = match text.find(':') {
            None => (text, ""),
            Some(colon) => {
                let before = text[..colon].trim_end_matches(|digit: char| digit.is_ascii_digit());
                let date = before.strip_suffix([' ', 'T']);
                let alone = before.is_empty() || before.ends_with(['-', '+']);
                if alone
                    || date.is_some_and(|date| date.trim_end_matches([',', 's']).ends_with("day"))
                {
                    // The time of a day of the week is more than a time.
                    let [hours, minutes] = seconds_alone(whole)?;
                    let seconds = [None, None, None, hours, minutes];
                    return Some(Date { seconds, short_year: false });
                }
                (date?, &text[before.len()..])
            }
        };
        // The year is last in C's `Mar  4 12:34:56 2021`.
        let year = time.rsplit_once(' ').filter(|(_, year)| number(year, 4) > Some(999));
        let (time, with_year) = match year {
            Some((time, year)) => (time.trim(), Some(format!("{date} {year}"))),
            None => (time, None),
        };
        let time = if time.is_empty() { 0.0 } else { seconds_of_day(time)? };
        let (days, short_year) = days_in_each_order(with_year.as_deref().unwrap_or(date).trim())?;
        let [year_first, day_first, month_first] =
            days.map(|days| days.map(|days| days as f64 * 86_400.0 + time));
        let seconds = [year_first, day_first, month_first, None, None];
        seconds.iter().any(Option::is_some).then_some(Date { seconds, short_year })
    }

    /// The seconds, if it is written in the order `dates`.
    pub(super) fn seconds(&self, dates: Dates) -> Option<f64> {
        ORDERS.iter().position(|&order| order == dates).and_then(|at| self.seconds[at])
    }

    /// The orders that it may be written in, each a bit, by the order of [`ORDERS`].
    pub(super) fn orders(&self) -> u8 {
        (0..).zip(self.seconds).map(|(at, seconds)| u8::from(seconds.is_some()) << at).sum()
    }
}

/// Tells whether a number is a date as in 20210304.
pub(super) fn is_compact(number: f64) -> bool {
    let date = number as i64;
    (1900..2100).contains(&(date / 10_000))
        && date as f64 == number
        && days_since_1970(date / 10_000, date / 100 % 100, date % 100).is_some()
}

/// A date without the day of the week before it.
fn without_weekday(text: &str) -> &str {
    match text.find(|end: char| !end.is_alphabetic()) {
        Some(end) if end > 0 && is_weekday(&text[..end]) => {
            text[end..].trim_start_matches([',', '.', ' '])
        }
        _ => text,
    }
}

/// The days since 1970 in each order, and true if the year has two digits. A month by its name, a
/// quarter or a week leaves no doubt, and is right in any.
fn days_in_each_order(text: &str) -> Option<(Days, bool)> {
    let small = |part: &str| matches!(part, "" | "de" | "di" | "del");
    let parts: Vec<&str> =
        text.split(['-', '/', '.', ',', ' ']).filter(|part| !small(part)).collect();
    let long_year = |part: &str| (part.len() == 4).then(|| number(part, 4)).flatten();
    let short_year = |part: &str| {
        let year = (part.len() == 2).then(|| number(part, 2)).flatten()?;
        Some(if year < 69 { 2000 + year } else { 1900 + year })
    };
    let year = |part: &str| long_year(part).or_else(|| short_year(part));
    let date = |year: Option<i64>, month: Option<i64>, day: Option<i64>| {
        days_since_1970(year?, month?, day?)
    };
    let sure = |days: Option<i64>| days.map(|days| ([Some(days); 3], false));
    match parts[..] {
        [one] => sure(period(one.get(..4)?, one.get(4..)?)),
        [one, two] if two.len() == 2 && text.as_bytes().get(4) == Some(&b'-') => {
            match date(long_year(one), number(two, 2), Some(1)) {
                Some(days) => Some(([Some(days), None, None], false)),
                None => sure(period(one, two)),
            }
        }
        [one, two] => {
            let month = |part: &str| {
                let slash = text.contains('/');
                month_named(part).or_else(|| number(part, 2).filter(|_| slash))
            };
            let days = date(long_year(two), month(one), Some(1));
            let days = days.or_else(|| date(long_year(one), month(two), Some(1)));
            sure(days.or_else(|| period(one, two)).or_else(|| period(two, one)))
        }
        [one, two, three] => {
            let named = match (month_named(one), month_named(two)) {
                (Some(month), _) => date(year(three), Some(month), number(two, 2)),
                (_, Some(month)) if one.len() == 4 => {
                    date(long_year(one), Some(month), number(three, 2))
                }
                (_, Some(month)) => date(year(three), Some(month), number(one, 2)),
                _ => None,
            };
            if named.is_some() {
                return Some(([named; 3], three.len() == 2 && one.len() != 4));
            }
            let year_first = date(long_year(one), number(two, 2), number(three, 2));
            // Versions, too, have three short numbers.
            let (short, slash) = (three.len() == 2, text.contains('/'));
            let last = year(three).filter(|_| !short || slash || one.len() == 2 && two.len() == 2);
            let (one, two) = (number(one, 2), number(two, 2));
            let short = short && year_first.is_none();
            Some(([year_first, date(last, two, one), date(last, one, two)], short))
        }
        _ => None,
    }
}

/// A number of a few digits, and of nothing else.
fn number(part: &str, longest: usize) -> Option<i64> {
    let whole = part.len() <= longest && part.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| part.parse::<i64>().ok()).flatten()
}

/// The first day of a quarter or a week of a year: of `Q1`, `W12`.
fn period(year: &str, part: &str) -> Option<i64> {
    let year = number(year, 4).filter(|_| year.len() == 4)?;
    let (letter, count) = (part.as_bytes().first()?.to_ascii_uppercase(), part.get(1..)?);
    match (letter, count.len()) {
        (b'Q', 1) => {
            let quarter = number(count, 1).filter(|quarter| (1..=4).contains(quarter))?;
            days_since_1970(year, 3 * quarter - 2, 1)
        }
        (b'W', 2) => days_of_week(year, number(count, 2)?),
        _ => None,
    }
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
            ("Thu, 04 Mar 2021", 1_614_816_000.0),
            ("Thursday 4 March 2021", 1_614_816_000.0),
            ("Thu, 04 Mar 2021 12:34:56 +0000", 1_614_861_296.0),
            ("Thu Mar  4 12:34:56 2021", 1_614_861_296.0),
            ("Thu Mar  4 12:34:56 UTC 2021", 1_614_861_296.0),
            ("Mar 2021", 1_614_556_800.0),
            ("March 2021", 1_614_556_800.0),
            ("Mar-2021", 1_614_556_800.0),
            ("2021 March", 1_614_556_800.0),
            ("03/2021", 1_614_556_800.0),
            ("2021/03", 1_614_556_800.0),
            ("2021Q1", 1_609_459_200.0),
            ("2021-Q2", 1_617_235_200.0),
            ("Q3 2021", 1_625_097_600.0),
            ("2021 q4", 1_633_046_400.0),
            ("2021-W01", 1_609_718_400.0),
            ("2020-W53", 1_609_113_600.0),
            ("2021W12", 1_616_371_200.0),
            ("31-Dec-24", 1_735_603_200.0),
            ("31 Dec 1999", 946_598_400.0),
        ] {
            let date = Date::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.seconds(Dates::YearFirst), Some(seconds), "{text}");
        }
    }

    #[test]
    fn months_and_days_of_the_week_may_be_in_other_languages() {
        for text in [
            "4. März 2021",
            "4 Mrz 2021",
            "Donnerstag, 4. März 2021",
            "4 mars 2021",
            "jeudi 4 mars 2021",
            "4 de marzo de 2021",
            "jueves, 4 de marzo de 2021",
            "giovedì 4 marzo 2021",
            "4 maart 2021",
            "4 mrt 2021",
            "4 de março de 2021",
            "04-MÄR-2021",
            "4 Mar. 2021",
            "4 March 2021",
        ] {
            let date = Date::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.seconds(Dates::YearFirst), Some(1_614_816_000.0), "{text}");
        }
        // The first days of the months of 2021, by GNU `date`.
        let months = [
            ("Januar janv. enero gen. januari jan ene Jänner", 1_609_459_200.0),
            ("Februar févr. feb. febbraio fev fevereiro", 1_612_137_600.0),
            ("April avr. abr. aprile abril", 1_617_235_200.0),
            ("Mai mayo mag. mei maio", 1_619_827_200.0),
            ("Juni juin junio giugno junho", 1_622_505_600.0),
            ("Juli juil. julio lug. julho", 1_625_097_600.0),
            ("August août ago. augustus aout", 1_627_776_000.0),
            ("Sept. septembre set. settembre setembro setiembre", 1_630_454_400.0),
            ("Okt. oct. octubre ott. out. outubro", 1_633_046_400.0),
            ("Nov. noviembre novembro", 1_635_724_800.0),
            ("Dez. déc. dic. dicembre december", 1_638_316_800.0),
        ];
        for (names, seconds) in months {
            for name in names.split(' ') {
                for text in [format!("1 {name} 2021"), format!("{name} 2021")] {
                    let date = Date::read(&text).unwrap_or_else(|| panic!("{text}"));
                    assert_eq!(date.seconds(Dates::DayFirst), Some(seconds), "{text}");
                }
            }
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
    fn years_of_two_digits_are_of_this_century_or_the_last() {
        let read = |text: &str, order| Date::read(text).unwrap().seconds(order);
        for text in ["31/12/24", "31.12.24", "31-12-24"] {
            assert_eq!(read(text, Dates::DayFirst), Some(1_735_603_200.0), "{text}");
            assert!(Date::read(text).unwrap().short_year);
        }
        assert_eq!(read("3/14/69", Dates::MonthFirst), Some(-25_315_200.0));
        assert_eq!(read("3/14/68", Dates::MonthFirst), Some(3_098_908_800.0));
        assert_eq!(Date::read("1/2/24").unwrap().orders(), 0b110);
        assert!(!Date::read("31/12/2024").unwrap().short_year);
    }

    #[test]
    fn times_alone_are_seconds() {
        for (text, hours_first, minutes_first) in [
            ("14:30", Some(52_200.0), Some(870.0)),
            ("14:30:05", Some(52_205.0), Some(52_205.0)),
            ("2:30 PM", Some(52_200.0), None),
            ("12:05 am", Some(300.0), None),
            ("1:23:45.6", Some(5_025.6), Some(5_025.6)),
            ("59:30", None, Some(3_570.0)),
            ("1:02.5", None, Some(62.5)),
            ("36:15:00", Some(130_500.0), Some(130_500.0)),
            ("-0:30:00", Some(-1_800.0), Some(-1_800.0)),
            ("1 day, 2:03:04", Some(93_784.0), Some(93_784.0)),
            ("2 days 00:00:01.5", Some(172_801.5), Some(172_801.5)),
            ("-1 days +23:59:59", Some(-1.0), Some(-1.0)),
        ] {
            let date = Date::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.seconds(Dates::HoursFirst), hours_first, "{text}");
            assert_eq!(date.seconds(Dates::MinutesFirst), minutes_first, "{text}");
            assert_eq!(date.seconds(Dates::YearFirst), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2021",
            "12:60",
            "Mon 12:30",
            "2021-03-04 12:30 2021",
            "3:1",
            "16:9",
            // Two bytes are not two characters.
            "2:0\u{b0}",
            "00:u\u{2018}005",
            "1:\u{e9}",
            "1:02:\u{2018}",
            "1:\u{1f550}",
            "1:2:3",
            "12:34:56:78",
            "2021Q5",
            "2021-W54",
            "2021-W00",
            "Q1",
            "13/2021",
            "1.10.12",
            "9-10-12",
            "99-12-31",
            "Mar-24",
            "24-Mar",
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
            "Mayo-junio 4, 2021",
            "4 jui 2021",
            "4 mo 2021",
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
