//! The time as Optuna writes it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, as Python's `datetime.isoformat` has it: UTC, in microseconds.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    text(since.as_secs(), since.subsec_micros())
}

/// The time so long after the beginning of 1970.
fn text(seconds: u64, micros: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let (year, month, day) = date(days);
    let second = second % 60;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Year, month and day of a day since 1970, by H. Hinnant's "chrono-compatible low-level date
/// algorithms": years begin in March, so that the odd day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `datetime.fromtimestamp(n, timezone.utc).isoformat(timespec="microseconds")`.
    #[test]
    fn times_are_those_of_python() {
        let cases = [
            (0, 0, "1970-01-01T00:00:00.000000+00:00"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001+00:00"),
            (1_709_164_799, 999_999, "2024-02-28T23:59:59.999999+00:00"),
            (1_735_689_599, 123, "2024-12-31T23:59:59.000123+00:00"),
            (1_796_069_771, 42, "2026-11-30T20:16:11.000042+00:00"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000+00:00"),
        ];
        for (seconds, micros, right) in cases {
            assert_eq!(text(seconds, micros), right);
        }
    }
}
