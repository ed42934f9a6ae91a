//! The numbers of a column: their range, their order, and the digits that they lose.

use super::dates::is_compact;
use super::rounding::loses_digits;

/// Up to here, all whole numbers are exact as `f32`.
const EXACT: f64 = 16_777_216.0;

/// The findings on numbers, in the order of their rows.
#[derive(Default)]
pub(super) struct Measured {
    /// The first number beyond the range of `f32`.
    pub(super) first_too_large: Option<(u64, f64)>,
    /// Numbers that lose digits as `f32`.
    rounded: u64,
    /// Numbers such as 20210304.
    pub(super) compact_dates: u64,
    /// The first number that is not whole.
    pub(super) first_fraction: Option<(u64, f64)>,
    /// The first number and the last, and the number of steps by exactly one.
    first: f64,
    last: f64,
    steps: u64,
    /// The least and the largest number.
    range: Option<(f64, f64)>,
}

impl Measured {
    pub(super) fn push(&mut self, row: u64, number: f64) {
        match self.range {
            None => self.first = number,
            Some(_) => self.steps += u64::from(number - self.last == 1.0),
        }
        self.last = number;
        let (least, most) = self.range.unwrap_or((number, number));
        self.range = Some((least.min(number), most.max(number)));
        // Most numbers are short and whole: then this is all.
        if number as i32 as f64 != number || number.abs() > EXACT {
            if (number as f32).is_infinite() {
                self.first_too_large.get_or_insert((row, number));
            }
            if number as i64 as f64 != number && number.fract() != 0.0 {
                self.first_fraction.get_or_insert((row, number));
            }
            self.rounded += u64::from(loses_digits(number));
            self.compact_dates += u64::from(is_compact(number));
        }
    }

    /// Adds what was found in later rows.
    pub(super) fn add(&mut self, later: &Measured) {
        if let Some((least, most)) = later.range {
            match self.range {
                None => self.first = later.first,
                Some(_) => self.steps += u64::from(later.first - self.last == 1.0),
            }
            self.last = later.last;
            let range = self.range.unwrap_or((least, most));
            self.range = Some((range.0.min(least), range.1.max(most)));
        }
        self.rounded += later.rounded;
        self.compact_dates += later.compact_dates;
        self.steps += later.steps;
        self.first_too_large = self.first_too_large.or(later.first_too_large);
        self.first_fraction = self.first_fraction.or(later.first_fraction);
    }

    /// The largest number less the least.
    pub(super) fn width(&self) -> f64 {
        self.range.map_or(0.0, |(least, most)| most - least)
    }

    /// A whole number that the numbers are close to, as they are large; 0 if there is none.
    pub(super) fn origin(&self) -> i64 {
        let Some((least, most)) = self.range else { return 0 };
        let middle = least / 2.0 + most / 2.0;
        let close = most - least <= middle.abs() && middle.abs() < 2_f64.powi(62);
        if self.rounded > 0 && close && middle.abs() > EXACT { middle as i64 } else { 0 }
    }

    /// The numbers that lose digits as they are stored.
    pub(super) fn rounded(&self) -> u64 {
        let (least, most) = self.range.unwrap_or_default();
        let whole = self.first_fraction.is_none();
        if whole && self.origin() != 0 && most - least < EXACT { 0 } else { self.rounded }
    }

    /// Tells whether `rows` whole numbers count on by one.
    pub(super) fn counts_by_one(&self, rows: u64) -> bool {
        self.steps + 1 == rows && self.first_fraction.is_none()
    }
}
