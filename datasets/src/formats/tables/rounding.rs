//! Digits that are lost where a decimal number becomes a 32-bit float.

/// Tells whether `number` loses digits as an `f32`: written with as few digits as tell it apart,
/// the nearest `f32` is another number. 0.1 comes back as 0.1, but 16777217 as 16777216.
pub(crate) fn loses_digits(number: f64) -> bool {
    let stored = number as f32;
    if f64::from(stored) == number {
        return false;
    }
    // Such a number has 9 digits at most. Powers of ten up to 10^22 are exact, and so is the
    // quotient of two whole numbers rounded once: the same as what reading the decimal gives.
    let (mut power, mut tried) = (10.0, false);
    while power <= 1e22 && (number * power).abs() < 1e9 {
        let digits = (number * power).round();
        if digits / power == number {
            // Six digits survive in any case.
            return digits.abs() >= 1e6 && written_and_read(stored) != number;
        }
        (power, tried) = (power * 10.0, true);
    }
    // With more than 9 digits after these it is none of them.
    (tried && power <= 1e22) || written_and_read(stored) != number
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
