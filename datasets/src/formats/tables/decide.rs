//! The kind of a column, decided by the findings on it.
//!
//! - **Numbers**: each value is a number, with or without marks (`1,234`), or each with the same
//!   unit (`12 %`, `8 kg`).
//! - **Dates**: each value is a date, or each a time. They are numbers of seconds.
//! - **Categories**: all other columns of texts. Numbers may be among them if they are few. A
//!   column of numbers with some other texts, such as a mark for missing values, is refused.
//! - **ID columns are rejected**: more than 1,000 categories, or more than 100 and more than half
//!   the number of rows. Such a column names the rows or describes them.
//! - **Counters are rejected**, unless the column is to be ordinal: 1, 2, 3... over more than 100
//!   rows. They would give the label of a sorted table away.
//! - **Classes** are the texts or whole numbers of the label. All numbers: in ascending order; else
//!   in the order of their bytes. A row whose label is missing is unlabelled.

use super::counts::{Counts, FEW_CATEGORIES, MOST_CATEGORIES};
use super::currencies::is_currency;
use super::dates::Date;
use super::marks::{self, is_known_unit};
use super::names::Names;
use super::roles::Role;
use super::units::Unit;
use crate::error::{Problem, Remedy, Short};
use crate::formats::options::Decimal;
use crate::sample::column::Dates;
use crate::sample::label::MOST_CLASSES;

/// The problem with a column, and its row if it is in one.
pub(super) type Wrong = (Option<u64>, Problem);

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each value is missing.
    Empty,
    Number,
    Date(Dates),
    Categories,
}

/// The most other texts that a column of numbers may have for all of them to be marks.
const FEW_MARKS: usize = 3;
/// The most other texts that an error about a column of numbers names.
const SHOWN_MARKS: usize = 12;
/// The range from which on whole numbers beside a few texts are measurements, and no codes.
const WIDE: f64 = 10.0;

/// The kind of a column of features, found in `rows` rows. Errors call a row `row_word`.
pub(super) fn kind(
    counts: &Counts,
    role: Role,
    rows: u64,
    row_word: &str,
    decimal: Option<Decimal>,
) -> Result<Kind, Wrong> {
    let Role::Feature { categorical, ordinal } = role else { return Ok(Kind::Empty) };
    if counts.missing == rows {
        return Ok(Kind::Empty);
    }
    if categorical {
        return Ok(Kind::Categories);
    }
    if let Some((row, text)) = &counts.first_infinity
        && counts.texts == counts.infinities
    {
        let problem = format!("{text} is not finite: mend it, or leave it empty as missing");
        return Err((Some(*row), problem.into()));
    }
    let measured = if counts.all_have_a_unit() { counts.texts } else { known_quantities(counts) };
    if counts.other_texts() > measured {
        return mixed(counts, row_word, decimal).map(|()| Kind::Categories);
    }
    if counts.dates > 0 {
        return dates(counts, row_word).map(Kind::Date);
    }
    units(counts)?;
    if let Some((row, number)) = counts.measured().first_too_large {
        let problem = format!(
            "{number:e} is beyond the range of 32-bit floats: give it in another unit, or ignore \
             the column"
        );
        return Err((Some(row), Problem::with(problem, Remedy::Ignore)));
    }
    if counts.counts_rows(rows) && !ordinal {
        let problem = "numbers the rows and tells nothing of them: have it ordinal to keep it, or \
                       ignore it";
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    Ok(Kind::Number)
}

/// The number of texts with a unit that is known for one: other letters may be those of codes.
fn known_quantities(counts: &Counts) -> u64 {
    let known = |unit: &Unit| {
        is_known_unit(&unit.unit)
            && unit.other.as_ref().is_none_or(|(_, _, other)| is_known_unit(other))
    };
    let found = counts.quantities.as_deref().filter(|found| known(&found.unit));
    found.map_or(0, |found| found.count)
}

/// Refuses numbers of which some have another unit than others. A currency may be left out.
fn units(counts: &Counts) -> Result<(), Wrong> {
    let of_sign = counts.sign.as_deref().map(|sign| (sign, counts.signs));
    let of_unit = counts.quantities.as_deref().map(|found| (&found.unit, found.count));
    for (unit, count) in [of_sign, of_unit].into_iter().flatten() {
        let (row, text) = &unit.first;
        let (row, problem) = match &unit.other {
            Some((row, other, _)) => (row, format!("{other} has another unit than {text}")),
            None if count < counts.numbers + counts.texts && !is_currency(&unit.unit) => {
                let unit = Short(&unit.unit);
                (row, format!("{text} has the unit {unit}, and others of the column do not"))
            }
            None => continue,
        };
        let problem =
            format!("{problem}: write all alike, read the column as categories, or ignore it");
        return Err((Some(*row), Problem::with(problem, Remedy::CategoriesOrIgnore)));
    }
    Ok(())
}

/// Refuses a column of numbers, with or without marks, that has some other texts.
fn mixed(counts: &Counts, row_word: &str, decimal: Option<Decimal>) -> Result<(), Wrong> {
    let quantities = known_quantities(counts);
    let numbers = counts.numbers + counts.marked + counts.dates + quantities;
    let others = counts.other_texts() - quantities;
    if let Some((row, text)) = &counts.first_comma
        && counts.commas == others
    {
        let problem = other_decimal(text, decimal.unwrap_or_default());
        return Err((Some(*row), Problem::with(problem, Remedy::DecimalMark)));
    }
    if numbers == 0 {
        return Ok(());
    }
    let texts = counts.seen.as_ref().map(|seen| seen.texts()).into_iter().flatten();
    let is_number = |text: &str| {
        Date::read(text).is_some()
            || decimal.is_some_and(|decimal| {
                marks::number(text, decimal).is_some()
                    || quantities > 0 && marks::quantity(text, decimal).is_some()
            })
    };
    let others_of = texts.filter(|(text, _)| !is_number(text)).take(SHOWN_MARKS + 1);
    let mut marks: Vec<(String, u64)> =
        others_of.map(|(text, count)| (text.to_owned(), count)).collect();
    let few = marks.len() <= FEW_MARKS && !counts.too_many;
    let no_names = marks.iter().all(|(mark, _)| !mark.contains(char::is_alphanumeric));
    let measured = quantities > 0
        || counts.measured().first_fraction.is_some()
        || counts.measured().width() >= WIDE;
    if numbers <= others && !(few && (no_names || measured)) {
        return Ok(());
    }
    let found = [&counts.first_text, &counts.first_comma, &counts.first_infinity];
    let codes = counts.quantities.as_deref().filter(|_| quantities == 0);
    let first = found
        .into_iter()
        .flatten()
        .chain(codes.map(|found| &found.unit.first))
        .min_by_key(|(row, _)| *row);
    let text = first.map_or(String::new(), |(row, text)| format!("{text} in {row_word} {row}"));
    let what = if counts.dates == numbers { "dates" } else { "numbers" };
    let each = if others == 1 { "another text" } else { "other texts, the first" };
    if counts.too_many || marks.len() > SHOWN_MARKS {
        marks.clear();
    }
    // The most frequent first.
    marks.sort_by(|(one, count), (other, more)| more.cmp(count).then_with(|| one.cmp(other)));
    let counted = |(text, count): &(String, u64)| {
        format!("{} {count} time{}", Short(text), if *count == 1 { "" } else { "s" })
    };
    let all = match marks.len() {
        0 | 1 => String::new(),
        _ => format!(" ({})", marks.iter().map(counted).collect::<Vec<_>>().join(", ")),
    };
    let count = if others == 1 { String::new() } else { format!("{others} ") };
    let problem = format!(
        "holds {numbers} {what}, but also {count}{each} {text}{all}: name it as missing, read the \
         column as categories, or ignore it"
    );
    Err((None, Problem { marks, ..Problem::with(problem, Remedy::MissingOrCategories) }))
}

/// The problem with a text that looks like a number with another mark than `decimal`.
pub(super) fn other_decimal(text: &str, decimal: Decimal) -> String {
    let mark = if decimal == Decimal::Comma { "point" } else { "comma" };
    format!("{text} looks like a number with a decimal {mark}: say so if it is")
}

/// The order of the parts of all dates of a column.
fn dates(counts: &Counts, row_word: &str) -> Result<Dates, Wrong> {
    let numbers = counts.numbers + counts.marked + known_quantities(counts);
    if numbers > 0 {
        let problem =
            format!("holds {} dates, but also {numbers} numbers: mend or ignore it", counts.dates);
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    let first = counts.first_date.as_ref().map_or("", |(_, text)| text);
    if counts.day_or_month_first() {
        let problem = format!(
            "holds dates such as {first}, of which none tells day from month: write them as \
             2021-12-31, read the column as categories, or ignore it"
        );
        return Err((None, Problem::with(problem, Remedy::CategoriesOrIgnore)));
    }
    counts.order().ok_or_else(|| {
        let problem = format!(
            "holds dates in several orders of day, month and year, or times beside dates, one of \
             them {first}: write each {row_word}'s as 2021-12-31, read the column as categories, \
             or ignore it"
        );
        (None, Problem::with(problem, Remedy::CategoriesOrIgnore))
    })
}

/// The categories of a column.
pub(super) fn categories(counts: Counts, rows: u64, row_word: &str) -> Result<Names, Wrong> {
    if let Some((row, bytes)) = counts.first_long {
        let problem = format!(
            "has a text of {bytes} bytes in {row_word} {row}, too long for a category: ignore it"
        );
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    let found = counts.different();
    if !counts.too_many && (found <= FEW_CATEGORIES || found as u64 <= rows / 2) {
        return Ok(counts.seen.unwrap_or_default().into_names());
    }
    if counts.look_like_dates() {
        let (_, text) = counts.first_text.unwrap_or_default();
        let problem = format!(
            "looks like dates in a form that is not read, as in {text}: write them as 2021-12-31, \
             or ignore it"
        );
        return Err((None, Problem::with(problem, Remedy::Ignore)));
    }
    let many =
        if counts.too_many { format!("more than {MOST_CATEGORIES}") } else { found.to_string() };
    let problem =
        format!("has {many} different values in {rows} rows, too many for categories: ignore it");
    Err((None, Problem::with(problem, Remedy::Ignore)))
}

/// The classes of a column of labels. Texts that are numbers are these, as `1` and `1.0`, unless
/// one has zeros before it, as codes have, or too many digits for an `f64`.
pub(super) fn classes(counts: Counts, decimal: Option<Decimal>) -> Result<Names, Wrong> {
    if let Some((row, bytes)) = counts.first_long {
        let problem = format!("a text of {bytes} bytes is no class: name another label column");
        return Err((Some(row), Problem::with(problem, Remedy::OtherLabel)));
    }
    // "inf" beside numbers is no class either.
    if let Some((row, text)) = &counts.first_infinity
        && counts.first_text.is_none()
    {
        return Err((
            Some(*row),
            format!("{text} is not finite, and no class: mend it, or leave it empty").into(),
        ));
    }
    if let Some((row, number)) = counts.measured().first_fraction
        && counts.texts == 0
    {
        let problem = format!(
            "{number} is not whole: it looks like a target of regression, not a class: name \
             another label column, or none"
        );
        return Err((Some(row), Problem::with(problem, Remedy::OtherLabel)));
    }
    if counts.too_many {
        let problem = format!(
            "has more than {MOST_CLASSES} different labels, too many for classes: name another"
        );
        return Err((None, Problem::with(problem, Remedy::OtherLabel)));
    }
    let seen = counts.seen.unwrap_or_default();
    Ok(match decimal {
        Some(decimal) if counts.texts == 0 => seen.into_numbers(decimal),
        _ => seen.into_names(),
    })
}
