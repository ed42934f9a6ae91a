//! A last row that holds the sums of the rows above it.

use super::source::{Cell, TableSource};
use crate::error::Error;

/// The fewest rows above it.
const FEWEST_ROWS: u64 = 4;
/// Numbers that are not 0, at least so many of which are summed up: in one column alone, and in
/// each of several.
const FEWEST_NUMBERS: [u64; 2] = [8, 3];
/// Sums are written with fewer digits than the numbers.
const TOLERANCE: f64 = 1e-6;

/// The sums of all numbers of each column, and the last row's.
#[derive(Default)]
pub(super) struct Sums {
    columns: Vec<Sum>,
    /// The last row, as it is counted.
    row: u64,
}

#[derive(Clone, Default)]
struct Sum {
    all: f64,
    last: Option<f64>,
    /// The last row has no value, or a text.
    missing: bool,
    text: bool,
}

impl Sum {
    /// Tells whether the last number is the sum of the others.
    fn is_total(&self) -> Option<bool> {
        let last = self.last?;
        Some((self.all - 2.0 * last).abs() <= TOLERANCE * last.abs())
    }
}

impl Sums {
    pub(super) fn push(&mut self, row: u64, cells: &[Cell<'_>]) {
        self.row = row;
        self.columns.resize_with(cells.len(), Sum::default);
        for (sum, cell) in self.columns.iter_mut().zip(cells) {
            sum.missing = *cell == Cell::Missing;
            sum.text = matches!(cell, Cell::Text(_));
            sum.last = match *cell {
                Cell::Number(number) => {
                    sum.all += number;
                    Some(number)
                }
                Cell::Missing | Cell::Text(_) => None,
            };
        }
    }

    /// Adds those of later rows.
    pub(super) fn add(&mut self, later: Sums) {
        if later.columns.is_empty() {
            return;
        }
        self.row = later.row;
        self.columns.resize_with(later.columns.len(), Sum::default);
        for (sum, later) in self.columns.iter_mut().zip(later.columns) {
            *sum = Sum { all: sum.all + later.all, ..later };
        }
    }

    /// The last row, if it holds the sums of the others. Where it may, `source` is read once more:
    /// each sum has to be larger than each number. One sum alone is more likely to be so by chance,
    /// unless the row lacks a value that all others have.
    pub(super) fn total(&self, source: &mut dyn TableSource) -> Result<Option<u64>, Error> {
        let mut found = self.columns.iter().filter_map(Sum::is_total).peekable();
        let texts = self.columns.iter().filter(|sum| sum.text).count();
        // One text may be its name. Another is a value.
        if found.peek().is_none() || !found.all(|is_total| is_total) || texts > 1 {
            return Ok(None);
        }
        let width = self.columns.len();
        let (mut rows, mut filled, mut summed) = (0, vec![0_u64; width], vec![0_u64; width]);
        let mut larger = true;
        source.for_each_row(&mut |row, cells| {
            if row == self.row {
                return Ok(());
            }
            rows += 1;
            for (at, (cell, sum)) in cells.iter().zip(&self.columns).enumerate() {
                filled[at] += u64::from(*cell != Cell::Missing);
                if let (Cell::Number(number), Some(last)) = (*cell, sum.last) {
                    summed[at] += u64::from(number != 0.0);
                    larger &= number.abs() < last.abs() || number == 0.0;
                }
            }
            Ok(())
        })?;
        let of_sums: Vec<u64> = (summed.iter().zip(&self.columns))
            .filter(|(_, sum)| sum.last.is_some_and(|last| last != 0.0))
            .map(|(count, _)| *count)
            .collect();
        let lacks =
            self.columns.iter().zip(filled).any(|(sum, count)| sum.missing && count == rows);
        let [of_one, of_several] = FEWEST_NUMBERS;
        let fewest = if lacks || of_sums.len() > 1 { of_several } else { of_one };
        let enough = !of_sums.is_empty() && of_sums.iter().all(|&count| count >= fewest);
        Ok((larger && enough && rows >= FEWEST_ROWS).then_some(self.row))
    }
}
