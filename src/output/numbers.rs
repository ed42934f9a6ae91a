//! Numbers as text.

/// `60000` as `60,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number in plain digits, rounded to `digits` significant ones: `0.00003`, `12,500`, `0.9312`.
/// With an exponent only where plain digits would be a row of zeros.
pub fn significant(x: f64, digits: usize) -> String {
    let short = format!("{x:.*e}", digits.saturating_sub(1));
    let Ok(x) = short.parse::<f64>() else { return short };
    match x.abs() {
        _ if !x.is_finite() => "not a number".to_string(),
        0.0 => "0".to_string(),
        1e-7..1e3 => x.to_string(),
        1e3..1e9 => {
            let sign = if x < 0.0 { "-" } else { "" };
            let part = x.abs().fract().to_string();
            format!("{sign}{}{}", thousands(x.abs() as usize), part.trim_start_matches('0'))
        }
        _ => format!("{x:e}"),
    }
}

/// Seconds as one reads them: `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_string();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A fraction in percent, without the sign: `0.8512` as `85.12`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

/// A p-value, in six characters at most.
pub fn p_value(p: f64) -> String {
    if p < 1e-3 { "<.001".to_string() } else { format!("{p:.3}") }
}

/// A difference of fractions in points, with its sign: `0.012` as `+1.20`.
pub fn points(difference: f64) -> String {
    // Without the addition, a difference of no more than rounding would show as -0.00.
    let rounded = (difference * 1e4).round() / 100.0 + 0.0;
    format!("{rounded:+.2}")
}

/// `1 epoch`, `2 epochs`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// The shape of a sample: `28x28`, `784 values`.
pub fn shape(sizes: &[usize]) -> String {
    match sizes {
        [values] => counted(*values, "value"),
        sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// `47.0 MB`, `812 bytes`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} bytes", thousands(bytes as usize)),
        10_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// `0.2 s, 230 MB/s`.
pub fn speed(bytes: u64, seconds: f64) -> String {
    let rate = bytes as f64 / 1e6 / seconds.max(1e-9);
    format!("{}, {rate:.0} MB/s", duration(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(significant(0.93123, 4), "0.9312");
        assert_eq!(significant(3e-5, 4), "0.00003");
        assert_eq!(significant(0.1 + 0.2, 4), "0.3");
        assert_eq!(significant(-12_500.0, 4), "-12,500");
        assert_eq!(significant(999.96, 4), "1,000");
        assert_eq!(significant(12_345.5, 6), "12,345.5");
        assert_eq!(significant(0.0, 4), "0");
        assert_eq!(significant(-1.5e-12, 4), "-1.5e-12");
        assert_eq!(significant(f64::NAN, 4), "not a number");
        assert_eq!(duration(0.42), "0.4 s");
        assert_eq!(duration(9.96), "10 s");
        assert_eq!(duration(59.7), "1 min 0 s");
        assert_eq!(duration(3900.0), "1 h 5 min");
        assert_eq!(duration(f64::NAN), "unknown");
        assert_eq!(points(0.0123), "+1.23");
        assert_eq!(points(-1e-9), "+0.00");
        assert_eq!(points(-0.02), "-2.00");
        assert_eq!(counted(1, "epoch"), "1 epoch");
    }
}
