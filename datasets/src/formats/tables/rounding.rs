//! Digits that are lost where a decimal number becomes a 32-bit float.

/// The powers of ten that are exact in `f64`.
pub(super) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Tells whether `number` loses digits as an `f32`: written with as few digits as tell it apart,
/// the nearest `f32` is another number. 0.1 comes back as 0.1, but 16777217 as 16777216.
pub(crate) fn loses_digits(number: f64) -> bool {
    let stored = number as f32;
    if f64::from(stored) == number {
        return false;
    }
    let in_nine = nine_digits(number.abs());
    let lost = in_nine.and_then(|nine| match nine {
        // An `f32` never needs more than nine.
        None => Some(true),
        // Six digits survive in any case.
        Some((digits, _)) if digits < 1_000_000 => Some(false),
        Some((digits, power)) => another(stored.abs(), f64::from(digits), power),
    });
    // By way of the text, where the short way does not know.
    lost.unwrap_or_else(|| written_and_read(stored) != number)
}

/// `digits` and a power of ten by which they are divided to give `size`, without zeros at their
/// end; `Some(None)` if it takes more than nine, `None` if that is not known.
#[allow(clippy::option_option)]
fn nine_digits(size: f64) -> Option<Option<(u32, i32)>> {
    // Powers of ten are exact, and the quotient of two whole numbers is rounded once: the same as
    // reading the decimal gives.
    let power = POWERS.iter().position(|power| size * power >= 1e8)?;
    let nine = size * POWERS[power] + 0.5;
    if nine >= 1e9 {
        return None;
    }
    let mut digits = nine as u32;
    if f64::from(digits) / POWERS[power] != size {
        return Some(None);
    }
    let mut power = power as i32;
    while digits.is_multiple_of(10) {
        (digits, power) = (digits / 10, power - 1);
    }
    Some(Some((digits, power)))
}

/// Tells whether `stored`, the nearest `f32` to `digits / 10^power`, is written in other digits;
/// `None` if it is too close to tell.
///
/// It is written in the fewest digits that round to it, and of those in the nearest. In fewer, if
/// there is a multiple of ten within half a unit of its last place; else in these, if they are the
/// nearest whole number.
fn another(stored: f32, digits: f64, power: i32) -> Option<bool> {
    const MARGIN: f64 = 1e-6;
    let next = f32::from_bits(stored.to_bits() + 1);
    // Below a power of two the unit is another, and below the least normal number, too.
    if stored.to_bits() & 0x007f_ffff == 0 || !stored.is_normal() || !next.is_finite() {
        return None;
    }
    let scale = |value: f64| {
        let factor = POWERS[power.unsigned_abs() as usize];
        if power < 0 { value / factor } else { value * factor }
    };
    let scaled = scale(f64::from(stored));
    let half = scale(f64::from(next) - f64::from(stored)) / 2.0;
    let tens = ((scaled / 10.0 + 0.5) as u64) as f64 * 10.0;
    let (to_these, to_tens) = ((scaled - digits).abs(), (scaled - tens).abs());
    if (to_these - 0.5).abs() < MARGIN || (to_tens - half).abs() < MARGIN * (1.0 + half) {
        return None;
    }
    Some(to_these > 0.5 || to_tens < half)
}

fn written_and_read(stored: f32) -> f64 {
    stored.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream::{Purpose, Stream};

    #[test]
    fn what_a_user_would_see_is_lost() {
        for kept in [
            0.0,
            -0.0,
            0.1,
            1e-7,
            123_456.0,
            0.333_333,
            16_777_216.0,
            1e10,
            1e11,
            1e38,
            -2.7e-30,
            99.999_99,
        ] {
            assert!(!loses_digits(kept), "{kept}");
        }
        for lost in [
            16_777_217.0,
            0.123_456_789_01,
            1.0 / 3.0,
            1e300,
            1e-300,
            123_456.789_1,
            -987_654_321.0,
        ] {
            assert!(loses_digits(lost), "{lost}");
        }
    }

    #[test]
    fn the_short_way_says_what_writing_and_reading_does() {
        let mut stream = Stream::new(0, Purpose::Shuffle, 0);
        let mut kept = 0;
        for round in 0..200_000 {
            let mut draw = |below: u32| stream.next_u32() % below;
            let most = draw(9) + 1;
            let digits = f64::from(draw(10_u32.pow(most)));
            let number = format!("{digits}e{}", f64::from(draw(70)) - 40.0).parse::<f64>().unwrap();
            // Every fourth with noise in its last bits.
            let number = if round % 4 == 0 {
                f64::from_bits(number.to_bits() + u64::from(draw(3)))
            } else {
                number
            };
            let stored = number as f32;
            let read: f64 = stored.to_string().parse().unwrap();
            let expected = f64::from(stored) != number && read != number;
            assert_eq!(loses_digits(number), expected, "{number:e}");
            kept += u32::from(!expected);
        }
        assert!((20_000..180_000).contains(&kept), "{kept}");
    }
}
