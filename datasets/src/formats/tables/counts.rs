//! The findings on one column of a table.

use super::dates::{Date, ORDERS};
use super::marks;
use super::names::{Budget, Seen};
use super::rounding::loses_digits;
use super::source::{Cell, is_infinite};
use crate::error::{Problem, Remedy, Short};
use crate::formats::options::Decimal;
use crate::sample::column::Dates;

/// The largest number of categories in a column.
pub(super) const MOST_CATEGORIES: usize = 1_000;
/// Up to this number, categories are taken for categories, and not for names of the rows.
pub(super) const FEW_CATEGORIES: usize = 100;
/// The bytes of the longest category: a longer text is a description.
const LONGEST_CATEGORY: usize = 256;
/// Up to here, all whole numbers are exact as `f32`.
const EXACT: f64 = 16_777_216.0;

/// A place in the table: the row's number there, and the text that it holds.
type FirstText = Option<(u64, String)>;

/// The findings of the passes on one column.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) missing: u64,
    pub(super) numbers: u64,
    pub(super) texts: u64,
    /// The number of texts that are infinite numbers, and the first.
    pub(super) infinities: u64,
    pub(super) first_infinity: FirstText,
    /// The number of texts that are numbers with marks, those of them with a percent sign, and the
    /// first.
    pub(super) marked: u64,
    pub(super) percents: u64,
    pub(super) first_marked: FirstText,
    /// The number of texts that are dates, and the orders that all of them may be written in, by
    /// their bits.
    pub(super) dates: u64,
    pub(super) first_date: FirstText,
    orders: u8,
    /// The number of texts that are numbers with the other decimal mark, and the first.
    pub(super) commas: u64,
    pub(super) first_comma: FirstText,
    /// The first text that is nothing of this.
    pub(super) first_text: FirstText,
    /// The first number beyond the range of `f32`.
    pub(super) first_too_large: Option<(u64, f64)>,
    /// Numbers that lose digits as `f32`.
    rounded: u64,
    /// The first number that is not whole.
    pub(super) first_fraction: Option<(u64, f64)>,
    /// The first number and the last, and the number of steps by exactly one.
    first: f64,
    last: f64,
    steps: u64,
    /// The least and the largest number.
    range: Option<(f64, f64)>,
    /// The different texts, and numbers too if these are collected; `None` while there are none.
    pub(super) seen: Option<Box<Seen>>,
    /// There are too many values for categories: no more are collected.
    pub(super) too_many: bool,
    pub(super) kind: Counted,
}

/// The values of a column that are collected, and the texts in it that may be numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Counted {
    /// Texts are collected, unless they are numbers with marks, or dates.
    #[default]
    Features,
    /// All values are collected as they are.
    Categories,
}

impl Counts {
    /// Nothing yet. If there are `too_many` values already, none are collected.
    pub(super) fn new(kind: Counted, too_many: bool) -> Self {
        Counts { kind, too_many, ..Counts::default() }
    }

    /// Counts a cell.
    pub(super) fn count(
        &mut self,
        row: u64,
        cell: Cell<'_>,
        decimal: Option<Decimal>,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        match cell {
            Cell::Missing => self.missing += 1,
            Cell::Number(number) => {
                self.numbers += 1;
                self.measure(row, number);
                if self.kind == Counted::Categories {
                    return self.collect(cell, limit, budget);
                }
            }
            Cell::Text(text) => {
                self.texts += 1;
                if is_infinite(text) {
                    self.infinities += 1;
                    note(&mut self.first_infinity, row, text);
                } else if self.kind == Counted::Features && self.written_number(row, text, decimal)
                {
                    return Ok(());
                } else if self.first_text.is_none() {
                    note(&mut self.first_text, row, text);
                }
                return self.collect(cell, limit, budget);
            }
        }
        Ok(())
    }

    fn measure(&mut self, row: u64, number: f64) {
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
        }
    }

    /// Counts a text that is a number with marks, or a date; `false` if it is neither.
    fn written_number(&mut self, row: u64, text: &str, decimal: Option<Decimal>) -> bool {
        if let Some(number) = decimal.and_then(|decimal| marks::number(text, decimal)) {
            self.marked += 1;
            self.percents += u64::from(number.percent);
            note(&mut self.first_marked, row, text);
            self.measure(row, number.value);
        } else if let Some(date) = Date::read(text) {
            self.orders = if self.dates == 0 { u8::MAX } else { self.orders } & date.orders();
            self.dates += 1;
            note(&mut self.first_date, row, text);
            if let Some(seconds) = ORDERS.iter().find_map(|&order| date.seconds(order)) {
                self.measure(row, seconds);
            }
        } else if decimal.is_some_and(|decimal| marks::has_other_decimal(text, decimal)) {
            self.commas += 1;
            note(&mut self.first_comma, row, text);
            return false;
        } else {
            return false;
        }
        true
    }

    /// The number of texts that are neither numbers with marks, nor dates.
    pub(super) fn other_texts(&self) -> u64 {
        self.texts - self.marked - self.dates
    }

    /// The largest number less the least.
    pub(super) fn width(&self) -> f64 {
        self.range.map_or(0.0, |(least, most)| most - least)
    }

    /// The number of different values that were collected.
    pub(super) fn different(&self) -> usize {
        self.seen.as_ref().map_or(0, |seen| seen.len())
    }

    /// The order of the dates' parts, if all may be written in one; the first of several.
    pub(super) fn order(&self) -> Option<Dates> {
        ORDERS
            .iter()
            .enumerate()
            .find(|(at, _)| self.orders >> at & 1 == 1)
            .map(|(_, &order)| order)
    }

    /// Tells whether all dates may have the day first as well as the month, which are not the same.
    pub(super) fn day_or_month_first(&self) -> bool {
        self.orders & 0b111 == 0b110
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

    /// The memory that [`Counts::add`] takes, or `None` if it cannot say what counting the cells of
    /// `later` one by one would: where a limit is met on the way.
    pub(super) fn growth(&self, later: &Counts, limit: usize) -> Option<usize> {
        if self.too_many {
            return Some(0);
        }
        if later.too_many {
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
        if let Some((least, most)) = later.range {
            match self.range {
                None => self.first = later.first,
                Some(_) => self.steps += u64::from(later.first - self.last == 1.0),
            }
            self.last = later.last;
            let range = self.range.unwrap_or((least, most));
            self.range = Some((range.0.min(least), range.1.max(most)));
        }
        if later.dates > 0 {
            self.orders = if self.dates == 0 { u8::MAX } else { self.orders } & later.orders;
        }
        self.missing += later.missing;
        self.numbers += later.numbers;
        self.texts += later.texts;
        self.infinities += later.infinities;
        self.marked += later.marked;
        self.percents += later.percents;
        self.dates += later.dates;
        self.commas += later.commas;
        self.rounded += later.rounded;
        self.steps += later.steps;
        for (first, later) in [
            (&mut self.first_infinity, later.first_infinity),
            (&mut self.first_marked, later.first_marked),
            (&mut self.first_date, later.first_date),
            (&mut self.first_comma, later.first_comma),
            (&mut self.first_text, later.first_text),
        ] {
            *first = first.take().or(later);
        }
        self.first_too_large = self.first_too_large.or(later.first_too_large);
        self.first_fraction = self.first_fraction.or(later.first_fraction);
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

/// Notes a text of a row, if it is the first.
fn note(first: &mut FirstText, row: u64, text: &str) {
    first.get_or_insert_with(|| (row, Short(text).to_string()));
}

/// Counts a row's cells. The error is that of a cell, and its column.
pub(super) fn count_row(
    counts: &mut [Counts],
    limits: &[Option<usize>],
    decimal: Option<Decimal>,
    budget: &mut Budget,
    row: u64,
    cells: &[Cell<'_>],
) -> Result<(), (usize, Problem)> {
    for (column, ((counts, limit), &cell)) in counts.iter_mut().zip(limits).zip(cells).enumerate() {
        let Some(limit) = *limit else { continue };
        counts.count(row, cell, decimal, limit, budget).map_err(|problem| (column, problem))?;
    }
    Ok(())
}
