//! The findings on one column of a table.

use super::dates::{Date, ORDERS, looks_like_date};
use super::marks;
use super::measured::Measured;
use super::names::{Budget, Seen};
use super::source::{Cell, is_infinite, is_missing_word};
use super::units::{Quantities, Unit};
use crate::error::{Problem, Remedy, Short};
use crate::formats::options::Decimal;
use crate::sample::column::Dates;

/// The largest number of categories in a column.
pub(super) const MOST_CATEGORIES: usize = 1_000;
/// Up to this number, categories are taken for categories, and not for names of the rows.
pub(super) const FEW_CATEGORIES: usize = 100;
/// The bytes of the longest category: a longer text is a description.
const LONGEST_CATEGORY: usize = 256;

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
    /// The number of texts that are numbers with marks, and the first.
    pub(super) marked: u64,
    pub(super) first_marked: FirstText,
    /// The number of these that have a percent sign or one of a currency, and that sign.
    pub(super) signs: u64,
    pub(super) sign: Option<Box<Unit>>,
    /// The texts that are numbers with a unit; they are collected all the same.
    pub(super) quantities: Option<Box<Quantities>>,
    /// The number of texts that are dates, and the orders that all of them may be written in, by
    /// their bits.
    pub(super) dates: u64,
    pub(super) first_date: FirstText,
    orders: u8,
    /// One of them has a year of two digits.
    pub(super) short_years: bool,
    /// The number of texts that look like dates, in forms that are not read.
    pub(super) unknown_dates: u64,
    /// The number of labels that are words for missing values, and the first.
    pub(super) missing_words: u64,
    pub(super) first_missing_word: FirstText,
    /// The number of texts that are numbers with the other decimal mark, and the first.
    pub(super) commas: u64,
    pub(super) first_comma: FirstText,
    /// The first text that is nothing of this, nor a number with a unit.
    pub(super) first_text: FirstText,
    /// The numbers, those of dates among them.
    measured: Measured,
    /// The different texts, and numbers too if these are collected; `None` while there are none.
    pub(super) seen: Option<Box<Seen>>,
    /// There are too many values for categories: no more are collected.
    pub(super) too_many: bool,
    /// The first text that is too long for a category, and its bytes.
    pub(super) first_long: Option<(u64, usize)>,
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
    /// All values are collected as they are, texts for missing values aside; those that are numbers
    /// are measured.
    Labels,
    /// Nothing is collected: a model knows the column, whose numbers had a unit.
    Known,
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
                self.measured.push(row, number);
                if matches!(self.kind, Counted::Categories | Counted::Labels) {
                    return self.collect(row, cell, limit, budget);
                }
            }
            Cell::Text(text) if self.kind == Counted::Known => {
                self.texts += 1;
                if !decimal.is_some_and(|decimal| self.marked_number(row, text, decimal)) {
                    self.quantity(row, text, decimal);
                }
            }
            Cell::Text(text) if self.kind == Counted::Labels => {
                let decimal = decimal.unwrap_or_default();
                if is_missing_word(text) {
                    self.missing += 1;
                    self.missing_words += 1;
                    note(&mut self.first_missing_word, row, text);
                    return Ok(());
                }
                match marks::plain_number(text, decimal).filter(|number| number.is_finite()) {
                    Some(number) => {
                        self.numbers += 1;
                        self.measured.push(row, number);
                    }
                    None => {
                        self.texts += 1;
                        let infinite = is_infinite(text);
                        self.infinities += u64::from(infinite);
                        let first =
                            if infinite { &mut self.first_infinity } else { &mut self.first_text };
                        note(first, row, text);
                    }
                }
                return self.collect(row, cell, limit, budget);
            }
            Cell::Text(text) => {
                self.texts += 1;
                if is_infinite(text) {
                    self.infinities += 1;
                    note(&mut self.first_infinity, row, text);
                } else if self.kind == Counted::Features && self.written_number(row, text, decimal)
                {
                    return Ok(());
                } else if self.kind == Counted::Features && looks_like_date(text) {
                    self.unknown_dates += 1;
                    note(&mut self.first_text, row, text);
                } else if !self.quantity(row, text, decimal) {
                    note(&mut self.first_text, row, text);
                }
                return self.collect(row, cell, limit, budget);
            }
        }
        Ok(())
    }

    /// Counts a text that is a number with marks, or a date; `false` if it is neither.
    fn written_number(&mut self, row: u64, text: &str, decimal: Option<Decimal>) -> bool {
        if decimal.is_some_and(|decimal| self.marked_number(row, text, decimal)) {
            return true;
        }
        if let Some(date) = Date::read(text) {
            self.orders = if self.dates == 0 { u8::MAX } else { self.orders } & date.orders();
            self.dates += 1;
            self.short_years |= date.short_year;
            note(&mut self.first_date, row, text);
            if let Some(seconds) = ORDERS.iter().find_map(|&order| date.seconds(order)) {
                self.measured.push(row, seconds);
            }
            return true;
        }
        if decimal.is_some_and(|decimal| marks::has_other_decimal(text, decimal)) {
            self.commas += 1;
            note(&mut self.first_comma, row, text);
        }
        false
    }

    /// Counts a text that is a number with marks; `false` if it is none.
    fn marked_number(&mut self, row: u64, text: &str, decimal: Decimal) -> bool {
        let Some(number) = marks::number(text, decimal) else { return false };
        self.marked += 1;
        note(&mut self.first_marked, row, text);
        self.measured.push(row, number.value);
        if !number.unit.is_empty() {
            self.signs += 1;
            match &mut self.sign {
                Some(sign) => sign.meet(row, text, number.unit),
                none => *none = Some(Box::new(Unit::new(row, text, number.unit))),
            }
        }
        true
    }

    /// Counts a text that is a number with a unit; `false` if it is none.
    fn quantity(&mut self, row: u64, text: &str, decimal: Option<Decimal>) -> bool {
        let number = decimal.and_then(|decimal| marks::quantity(text, decimal));
        let Some(number) = number.filter(|_| self.kind != Counted::Categories) else {
            return false;
        };
        let quantities = self.quantities.get_or_insert_with(|| {
            Box::new(Quantities {
                count: 0,
                unit: Unit::new(row, text, number.unit),
                measured: Measured::default(),
            })
        });
        quantities.count += 1;
        quantities.unit.meet(row, text, number.unit);
        quantities.measured.push(row, number.value);
        true
    }

    /// The numbers with a unit behind them, if all have the same.
    pub(super) fn of_one_unit(&self) -> Option<&Quantities> {
        self.quantities.as_deref().filter(|quantities| quantities.unit.other.is_none())
    }

    /// Tells whether each value is a number with the same unit.
    pub(super) fn all_have_a_unit(&self) -> bool {
        self.of_one_unit().is_some_and(|quantities| quantities.count == self.texts)
            && self.numbers == 0
    }

    /// The numbers of the column.
    pub(super) fn measured(&self) -> &Measured {
        match self.of_one_unit() {
            Some(quantities) if self.all_have_a_unit() => &quantities.measured,
            _ => &self.measured,
        }
    }

    /// Tells whether a number has no unit, in a column whose numbers had one in another table.
    pub(super) fn has_no_unit(&self) -> bool {
        let with_unit = self.signs + self.quantities.as_ref().map_or(0, |found| found.count);
        self.kind == Counted::Known && with_unit < self.numbers + self.texts
    }

    /// Tells whether most values look like dates, in forms that are not read.
    pub(super) fn look_like_dates(&self) -> bool {
        2 * self.unknown_dates > self.numbers + self.texts
    }

    /// The number of texts that are neither numbers with marks, nor dates.
    pub(super) fn other_texts(&self) -> u64 {
        self.texts - self.marked - self.dates
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
        self.measured.add(&later.measured);
        if later.dates > 0 {
            self.orders = if self.dates == 0 { u8::MAX } else { self.orders } & later.orders;
        }
        self.short_years |= later.short_years;
        self.first_long = self.first_long.or(later.first_long);
        for (count, later) in [
            (&mut self.missing, later.missing),
            (&mut self.numbers, later.numbers),
            (&mut self.texts, later.texts),
            (&mut self.infinities, later.infinities),
            (&mut self.marked, later.marked),
            (&mut self.signs, later.signs),
            (&mut self.dates, later.dates),
            (&mut self.unknown_dates, later.unknown_dates),
            (&mut self.missing_words, later.missing_words),
            (&mut self.commas, later.commas),
        ] {
            *count += later;
        }
        for (first, later) in [
            (&mut self.first_infinity, later.first_infinity),
            (&mut self.first_marked, later.first_marked),
            (&mut self.first_date, later.first_date),
            (&mut self.first_comma, later.first_comma),
            (&mut self.first_text, later.first_text),
            (&mut self.first_missing_word, later.first_missing_word),
        ] {
            *first = first.take().or(later);
        }
        match (&mut self.sign, later.sign) {
            (Some(sign), Some(later)) => sign.add(*later),
            (sign, later) => *sign = sign.take().or(later),
        }
        match (&mut self.quantities, later.quantities) {
            (Some(quantities), Some(later)) => {
                quantities.count += later.count;
                quantities.measured.add(&later.measured);
                quantities.unit.add(later.unit);
            }
            (quantities, later) => *quantities = quantities.take().or(later),
        }
        match (&mut self.seen, later.seen) {
            (_, Some(_)) if self.too_many => {}
            (Some(seen), Some(others)) => seen.add_all(*others),
            (none, Some(others)) => *none = Some(others),
            (_, None) => {}
        }
    }

    /// Tells whether the column counts all `rows` rows, one by one.
    pub(super) fn counts_rows(&self, rows: u64) -> bool {
        rows > FEW_CATEGORIES as u64 && self.measured().counts_by_one(rows)
    }

    /// Collects the value of a cell, in a row of that number. A text that is too long for a
    /// category ends that.
    pub(super) fn collect(
        &mut self,
        row: u64,
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
                self.first_long = Some((row, text.len()));
                self.too_many = true;
                return Ok(());
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
