//! The scale of a range: the line on which its numbers are drawn and compared.

use crate::tuning::space::Domain;
use crate::tuning::value::Value;

/// The two kinds of domains.
pub(super) enum Kind<'a> {
    /// Numbers on a scale.
    Range(Scale),
    /// Values without an order; at least one.
    Choice(&'a [Value]),
}

impl Kind<'_> {
    pub(super) fn of(domain: &Domain) -> Kind<'_> {
        match *domain {
            Domain::Float { low, high, log } => Kind::Range(Scale::new(low, high, log, false)),
            Domain::Integer { low, high, log } => {
                Kind::Range(Scale::new(low as f64, high as f64, log, true))
            }
            Domain::Choice(ref values) => Kind::Choice(values),
        }
    }
}

/// A range of numbers on a line: their logarithms where the domain says so, themselves elsewhere.
/// A whole number n is the stretch from n - 1/2 to n + 1/2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The least number.
    least: f64,
    /// The largest number.
    most: f64,
    log: bool,
    whole: bool,
    /// The start of the line.
    pub(super) low: f64,
    /// The end of the line.
    pub(super) high: f64,
}

impl Scale {
    fn new(least: f64, most: f64, log: bool, whole: bool) -> Scale {
        let half = if whole { 0.5 } else { 0.0 };
        let on = |x: f64| if log { x.ln() } else { x };
        Scale { least, most, log, whole, low: on(least - half), high: on(most + half) }
    }

    /// True if the range has the number.
    pub(super) fn holds(&self, x: f64) -> bool {
        (self.least..=self.most).contains(&x)
    }

    /// The place of a number.
    pub(super) fn place(&self, x: f64) -> f64 {
        if self.log { x.ln() } else { x }
    }

    /// The stretch of a whole number; none if all numbers of the range are meant.
    pub(super) fn stretch(&self, x: f64) -> Option<[f64; 2]> {
        self.whole.then(|| [self.place(x - 0.5), self.place(x + 0.5)])
    }

    /// The number at a place, within the range: whole, or of six digits, which can be read and
    /// are finer than any search.
    pub(super) fn number(&self, place: f64) -> f64 {
        let x = if self.log { place.exp() } else { place };
        let x = if self.whole { x.round() } else { six_digits(x) };
        x.clamp(self.least, self.most)
    }

    /// The number as a value of the domain.
    pub(super) fn value(&self, x: f64) -> Value {
        if self.whole { Value::Integer(x as i64) } else { Value::Float(x) }
    }
}

fn six_digits(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}
