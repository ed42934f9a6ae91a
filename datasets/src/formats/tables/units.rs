//! The units that the numbers of a column are written with.

use super::measured::Measured;
use crate::error::Short;

/// The unit of a column's numbers.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) unit: String,
    pub(super) first: (u64, String),
    /// The first text that has another unit, and that.
    pub(super) other: Option<(u64, String, String)>,
}

impl Unit {
    pub(super) fn new(row: u64, text: &str, unit: &str) -> Self {
        Unit { unit: unit.to_owned(), first: (row, Short(text).to_string()), other: None }
    }

    pub(super) fn meet(&mut self, row: u64, text: &str, unit: &str) {
        if self.unit != unit {
            self.other.get_or_insert_with(|| (row, Short(text).to_string(), unit.to_owned()));
        }
    }

    /// Adds what was found in later rows.
    pub(super) fn add(&mut self, later: Unit) {
        let (row, text) = later.first;
        let other =
            if later.unit == self.unit { later.other } else { Some((row, text, later.unit)) };
        self.other = self.other.take().or(other);
    }
}

/// Numbers with letters behind them: all of them, if each has the same unit; codes otherwise.
pub(super) struct Quantities {
    pub(super) count: u64,
    pub(super) unit: Unit,
    pub(super) measured: Measured,
}
