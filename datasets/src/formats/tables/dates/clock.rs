//! Times of day, and durations: `14:30`, `2:30 PM`, `1:23:45.6`, `2 days, 3:04:05`.

/// The seconds of a time of day, in UTC: less than 0 or more than a day's where its zone says so.
pub(super) fn seconds_of_day(text: &str) -> Option<f64> {
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

/// The seconds of a time of day or a duration without a date, if two parts are hours and minutes,
/// and if they are minutes and seconds: `14:30` alone may be both, `59:30` is no time of day.
pub(super) fn seconds_alone(text: &str) -> Option<[Option<f64>; 2]> {
    let (days, clock) = match text.split_once("day") {
        Some((days, clock)) => {
            let clock = clock.strip_prefix('s').unwrap_or(clock).trim_start_matches([',', ' ']);
            (days.trim().parse::<i32>().ok()?, clock)
        }
        None => (0, text),
    };
    let (sign, clock) = match clock.strip_prefix('-') {
        Some(clock) => (-1.0, clock),
        None => (1.0, clock.strip_prefix('+').unwrap_or(clock)),
    };
    let of_days = f64::from(days) * 86_400.0;
    let parts: Vec<&str> = clock.split(':').collect();
    let whole = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str, limit: f64| part.parse::<f64>().ok().filter(|part| *part < limit);
    let (first, later) = parts.split_first()?;
    // `3:1` is a result, and no time.
    let two_digits = |part: &&str| match part.split_at_checked(2) {
        Some((digits, rest)) => whole(digits) && (rest.is_empty() || rest.starts_with('.')),
        None => false,
    };
    let plain = whole(first) && (1..=5).contains(&first.len()) && later.iter().all(two_digits);
    match later {
        [minutes, seconds] if plain && whole(minutes) => {
            let seconds = number(minutes, 60.0)? * 60.0 + number(seconds, 60.0)?;
            let seconds = of_days + sign * (number(first, 1e6)? * 3600.0 + seconds);
            Some([Some(seconds); 2])
        }
        [second] if plain => {
            let (one, two) = (number(first, 1e6)?, number(second, 60.0)?);
            let hours = (whole(second) && (one < 24.0 || days != 0))
                .then_some(of_days + sign * (one * 3600.0 + two * 60.0));
            Some([hours, (days == 0).then_some(sign * (one * 60.0 + two))])
        }
        _ if text.contains(char::is_alphabetic) => Some([Some(seconds_of_day(text)?), None]),
        _ => None,
    }
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
