//! The scale of an axis.

use crate::output::numbers::{significant, thousands};

/// Numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
    /// True if there are whole numbers alone.
    pub whole: bool,
}

impl Scale {
    /// The scale that holds these; those that cannot be on it, such as NaN, are left out.
    pub fn over(values: impl IntoIterator<Item = f64>, log: bool, whole: bool) -> Option<Scale> {
        let fit = values.into_iter().filter(|&x| x.is_finite() && (!log || x > 0.0));
        let ends = fit.fold(None, |ends: Option<(f64, f64)>, x| {
            Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
        });
        ends.map(|(low, high)| Scale { low, high, log, whole })
    }

    /// The place between the ends: 0 at the low one, 1 at the high one, beyond for numbers beyond.
    /// In the middle if the ends are equal. `None` for a number that cannot be on the scale.
    pub fn place(&self, x: f64) -> Option<f64> {
        if !x.is_finite() || self.log && x <= 0.0 {
            return None;
        }
        // Half of each, or the difference of the largest numbers would be infinite.
        let bent = |x: f64| if self.log { x.ln() } else { x / 2.0 };
        let range = bent(self.high) - bent(self.low);
        Some(if range > 0.0 { (bent(x) - bent(self.low)) / range } else { 0.5 })
    }

    /// Round numbers that are at least 1/`most` of the scale apart; behind the ends, if these are
    /// to be among them.
    pub fn ticks(&self, most: usize, ends: bool) -> Vec<f64> {
        let Scale { low, high, .. } = *self;
        if low >= high {
            return vec![low];
        }
        let mut ticks = if ends { vec![low, high] } else { Vec::new() };
        let apart = 0.999 / most as f64;
        for x in self.round_numbers(most) {
            let Some(place) = self.place(x) else { continue };
            let free = |&other: &f64| {
                self.place(other).is_some_and(|other: f64| (place - other).abs() >= apart)
            };
            if (-1e-9..=1.0 + 1e-9).contains(&place) && ticks.iter().all(free) {
                ticks.push(x);
            }
        }
        ticks
    }

    /// Candidates for ticks, the roundest first.
    fn round_numbers(&self, most: usize) -> Vec<f64> {
        let Scale { low, high, .. } = *self;
        if self.log {
            let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
            let of = |factor: f64| powers.clone().map(move |power| factor * 10f64.powi(power));
            return of(1.0).chain(of(2.0)).chain(of(5.0)).collect();
        }
        let step = round_up((high - low) / most as f64);
        let step = if self.whole { step.max(1.0).ceil() } else { step };
        if !step.is_finite() || step <= 0.0 {
            return Vec::new();
        }
        let first = (low / step).ceil();
        (0..=most + 1).map(|i| (first + i as f64) * step).collect()
    }

    /// A number of this scale as text, with the digits that tell it from its neighbours.
    pub fn text(&self, x: f64) -> String {
        if self.whole && x.abs() < 1e9 {
            let sign = if x < 0.0 { "-" } else { "" };
            return format!("{sign}{}", thousands(x.abs().round() as usize));
        }
        let largest = self.low.abs().max(self.high.abs());
        // A multiple of a round step that should be 0 may be a little beside it.
        let x = if x.abs() < 1e-12 * largest && !self.log { 0.0 } else { x };
        let finer = (largest / (self.high - self.low)).log10();
        let more = match finer {
            _ if self.log => 0,
            // A single number: as a value stands in a text.
            _ if !finer.is_finite() => 1,
            _ => finer.max(0.0).ceil() as usize,
        };
        significant(x, 3 + more.min(11))
    }
}

/// 1, 2 or 5 times a power of ten, not below `x`.
fn round_up(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let factors = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power);
    factors.into_iter().find(|&step| step >= x * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, log: bool, whole: bool, most: usize) -> Vec<String> {
        let scale = Scale::over([high, f64::NAN, low], log, whole).unwrap();
        scale.ticks(most, true).into_iter().map(|x| scale.text(x)).collect()
    }

    #[test]
    fn ticks_are_the_ends_and_round_numbers_between_them() {
        assert_eq!(texts(0.0, 1.0, false, false, 5), ["0", "1", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(texts(-0.3, 0.3, false, false, 6)[2..], ["-0.2", "-0.1", "0", "0.1", "0.2"]);
        assert_eq!(texts(1e-5, 0.1, true, false, 5), ["0.00001", "0.1", "0.0001", "0.001", "0.01"]);
        assert_eq!(texts(16.0, 20_000.0, true, true, 4), ["16", "20,000", "100", "1,000"]);
        assert_eq!(texts(1.0, 3.0, false, true, 9), ["1", "3", "2"]);
        assert_eq!(texts(7.0, 7.0, false, false, 9), ["7"]);
        assert_eq!(texts(93.214, 93.214, false, false, 9), ["93.21"]);
        assert_eq!(texts(0.90001, 0.90003, false, false, 2), ["0.90001", "0.90003", "0.90002"]);
        assert_eq!(texts(-f64::MAX, f64::MAX, false, false, 9).len(), 2);
        assert_eq!(texts(1.0, 4.6e18, true, true, 4), ["1", "4.6e18", "100,000", "1e10"]);
        assert_eq!(texts(-5.0, 0.0, false, true, 1), ["-5", "0"]);
    }

    #[test]
    fn a_number_that_cannot_be_on_the_scale_has_no_place() {
        let log = Scale::over([0.01, 100.0, -1.0], true, false).unwrap();
        assert_eq!(log.place(0.0), None);
        assert!((log.place(1.0).unwrap() - 0.5).abs() < 1e-12);
        let linear = Scale { log: false, ..log };
        assert_eq!(linear.place(f64::INFINITY), None);
        assert_eq!(linear.place(100.0), Some(1.0));
        assert_eq!(Scale { high: 0.01, ..linear }.place(0.01), Some(0.5));
        assert_eq!(Scale::over([f64::NAN], false, false), None);
        assert_eq!(Scale::over([0.0], true, false), None);
        let widest = Scale { low: -f64::MAX, high: f64::MAX, ..linear };
        assert_eq!(widest.place(0.0), Some(0.5));
    }
}
