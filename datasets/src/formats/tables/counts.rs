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
    /// The last number, and the number of steps by exactly one.
    pub(super) last: f64,
    pub(super) steps: u64,
    pub(super) seen: Box<Seen>,
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
                self.steps += u64::from(self.numbers > 0 && number - self.last == 1.0);
                self.last = number;
                self.numbers += 1;
                let stored = number as f32;
                if stored.is_infinite() {
                    self.first_too_large.get_or_insert((row, number));
                }
                if number.fract() != 0.0 {
                    self.first_fraction.get_or_insert((row, number));
                }
                self.rounded += u64::from(loses_digits(number));
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
            Cell::Number(number) => self.seen.add_number(number, budget),
            Cell::Text(text) if text.len() > LONGEST_CATEGORY => {
                let problem =
                    format!("a text of {} bytes is no category: ignore the column", text.len());
                return Err(Problem::with(problem, Remedy::Ignore));
            }
            Cell::Text(text) => self.seen.add_text(text, budget),
        };
        if !fits {
            let problem =
                "the different texts of all columns take more than 8 MB: ignore some columns";
            return Err(Problem::with(problem, Remedy::Ignore));
        }
        self.too_many = self.seen.len() > limit;
        Ok(())
    }
}
