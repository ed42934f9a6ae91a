//! The findings on one column of a table.

use super::names::{Budget, Seen};
use super::rounding::loses_digits;
use super::source::{Cell, is_infinite};
use crate::error::{Problem, Remedy, Short};

/// The largest number of categories in a column.
pub(super) const MOST_CATEGORIES: usize = 1_000;
/// Up to this number, categories are taken for categories, and not for names of the rows.
pub(super) const FEW_CATEGORIES: usize = 100;
/// The bytes of the longest category: a longer text is a description.
const LONGEST_CATEGORY: usize = 256;
/// Up to here, all whole numbers are exact as `f32`.
const EXACT: f64 = 16_777_216.0;

/// The findings of the passes on one column.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) missing: u64,
    pub(super) numbers: u64,
    pub(super) texts: u64,
    /// The number of texts that are infinite numbers, and the first with its row.
    pub(super) infinities: u64,
    pub(super) first_infinity: Option<(u64, String)>,
    /// The first other text with its row.
    pub(super) first_text: Option<(u64, String)>,
    /// The first number beyond the range of `f32`.
    pub(super) first_too_large: Option<(u64, f64)>,
    pub(super) rounded: u64,
    /// The first number that is not whole.
    pub(super) first_fraction: Option<(u64, f64)>,
    /// The first number and the last, and the number of steps by exactly one.
    pub(super) first: f64,
    pub(super) last: f64,
    pub(super) steps: u64,
    /// `None` while there are none.
    pub(super) seen: Option<Box<Seen>>,
    /// There are too many values for categories: no more are collected.
    pub(super) too_many: bool,
    /// Numbers are collected; and some had passed by before that.
    pub(super) collects_numbers: bool,
    pub(super) numbers_passed: bool,
}

impl Counts {
    /// Counts a cell: the first pass, and for most columns the only one.
    pub(super) fn count(
        &mut self,
        row: u64,
        cell: Cell<'_>,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        match cell {
            Cell::Missing => self.missing += 1,
            Cell::Number(number) => {
                match self.numbers {
                    0 => self.first = number,
                    _ => self.steps += u64::from(number - self.last == 1.0),
                }
                self.last = number;
                self.numbers += 1;
                // Most numbers are short and whole: then this is all.
                if number as i32 as f64 != number || number.abs() > EXACT {
                    if (number as f32).is_infinite() {
                        self.first_too_large.get_or_insert((row, number));
                    }
                    if number as i64 as f64 != number && number.fract() != 0.0 {
                        self.first_fraction.get_or_insert((row, number));
                    }
                    self.rounded += u64::from(loses_digits(number));
                }
                if self.collects_numbers {
                    return self.collect(cell, limit, budget);
                }
                self.numbers_passed = true;
            }
            Cell::Text(text) => {
                self.texts += 1;
                if is_infinite(text) {
                    self.infinities += 1;
                    self.first_infinity.get_or_insert_with(|| (row, Short(text).to_string()));
                } else {
                    self.first_text.get_or_insert_with(|| (row, Short(text).to_string()));
                }
                self.collects_numbers = true;
                return self.collect(cell, limit, budget);
            }
        }
        Ok(())
    }

    /// The number of different values that were collected.
    pub(super) fn different(&self) -> usize {
        self.seen.as_ref().map_or(0, |seen| seen.len())
    }

    /// The memory that [`Counts::add`] takes, or `None` if it cannot say what counting the cells of
    /// `later` one by one would: where a limit is met on the way, and where numbers passed by that
    /// are collected here.
    pub(super) fn growth(&self, later: &Counts, limit: usize) -> Option<usize> {
        if self.too_many {
            return Some(0);
        }
        if later.too_many || self.collects_numbers && later.numbers_passed {
            return None;
        }
        let Some(others) = &later.seen else { return Some(0) };
        let (count, bytes) = match &self.seen {
            Some(seen) => seen.growth(others),
            None => Seen::default().growth(others),
        };
        (self.different() + count <= limit).then_some(bytes)
    }

    /// Adds what was found in later rows.
    pub(super) fn add(&mut self, later: Counts) {
        if later.numbers > 0 {
            match self.numbers {
                0 => self.first = later.first,
                _ => self.steps += u64::from(later.first - self.last == 1.0),
            }
            self.last = later.last;
        }
        self.missing += later.missing;
        self.numbers += later.numbers;
        self.texts += later.texts;
        self.infinities += later.infinities;
        self.rounded += later.rounded;
        self.steps += later.steps;
        self.first_infinity = self.first_infinity.take().or(later.first_infinity);
        self.first_text = self.first_text.take().or(later.first_text);
        self.first_too_large = self.first_too_large.or(later.first_too_large);
        self.first_fraction = self.first_fraction.or(later.first_fraction);
        self.collects_numbers |= later.collects_numbers;
        self.numbers_passed |= later.numbers_passed;
        match (&mut self.seen, later.seen) {
            (_, Some(_)) if self.too_many => {}
            (Some(seen), Some(others)) => seen.add_all(*others),
            (none, Some(others)) => *none = Some(others),
            (_, None) => {}
        }
    }

    /// Tells whether the column counts all `rows` rows, one by one.
    pub(super) fn counts_rows(&self, rows: u64) -> bool {
        rows > FEW_CATEGORIES as u64 && self.steps + 1 == rows && self.first_fraction.is_none()
    }

    pub(super) fn collect(
        &mut self,
        cell: Cell<'_>,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        if self.too_many {
            return Ok(());
        }
        let fits = match cell {
            Cell::Missing => return Ok(()),
            Cell::Number(number) => self.seen.get_or_insert_default().add_number(number, budget),
            Cell::Text(text) if text.len() > LONGEST_CATEGORY => {
                let problem =
                    format!("a text of {} bytes is no category: ignore the column", text.len());
                return Err(Problem::with(problem, Remedy::Ignore));
            }
            Cell::Text(text) => self.seen.get_or_insert_default().add_text(text, budget),
        };
        if !fits {
            let problem =
                "the different texts of all columns take more than 8 MB: ignore some columns";
            return Err(Problem::with(problem, Remedy::Ignore));
        }
        self.too_many = self.different() > limit;
        Ok(())
    }
}
