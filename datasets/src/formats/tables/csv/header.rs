//! The first row of delimited text: the names of the columns, or data.
//!
//! - It is a header if it has a text where a column goes on in numbers.
//! - It is data if it has a number where a column goes on in numbers, if each of its texts comes
//!   again, or if one of them is frequent in its column. Numbers that count on, as years do, name
//!   columns all the same.

use super::cells::to_cell;
use crate::formats::options::Decimal;
use crate::formats::tables::dates::Date;
use crate::formats::tables::marks;
use crate::formats::tables::source::{Cell, is_infinite};

/// So many rows below the first tell which values are frequent,
const FEW_ROWS: usize = 10;
/// which one in so many rows has.
const MOST_NAMES: usize = 10;

/// A cell, as far as a header is concerned.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Missing,
    Number,
    /// A date, or a number with a unit: the name of a column of plain numbers, as `2024-03` or
    /// `50%` are, or one value of many.
    Date,
    Quantity,
    Text,
}

fn kind(cell: &str, missing: &[String], decimal: Decimal) -> Kind {
    match to_cell(cell, missing, decimal) {
        Cell::Missing => Kind::Missing,
        Cell::Number(_) => Kind::Number,
        // A mark such as - is no name.
        Cell::Text(text) if !text.contains(char::is_alphanumeric) => Kind::Missing,
        Cell::Text(text) if is_infinite(text) => Kind::Number,
        Cell::Text(text) => match marks::number(text, decimal) {
            Some(number) if number.unit == "%" => Kind::Quantity,
            Some(_) => Kind::Number,
            None if Date::read(text).is_some() => Kind::Date,
            None if marks::quantity(text, decimal).is_some() => Kind::Quantity,
            None => Kind::Text,
        },
    }
}

/// The kind that all cells of a column have, those that are missing aside.
fn kind_below(
    others: &[Vec<String>],
    at: usize,
    missing: &[String],
    decimal: Decimal,
) -> Option<Kind> {
    let cells = others.iter().filter_map(|row| row.get(at));
    let mut kinds =
        cells.map(|cell| kind(cell, missing, decimal)).filter(|kind| *kind != Kind::Missing);
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

/// Tells whether a row has a name above a column of numbers, so that it can be no row of data.
pub(super) fn is_above_numbers(
    first: &[String],
    others: &[Vec<String>],
    missing: &[String],
    decimal: Decimal,
) -> bool {
    let firsts = first.iter().map(|cell| kind(cell, missing, decimal));
    firsts.enumerate().any(|(at, kind)| names(kind, kind_below(others, at, missing, decimal)))
}

/// Tells whether a cell of the kind `first` is a name above cells of one kind.
fn names(first: Kind, below: Option<Kind>) -> bool {
    match first {
        Kind::Text => matches!(below, Some(Kind::Number | Kind::Date | Kind::Quantity)),
        Kind::Date | Kind::Quantity => below == Some(Kind::Number),
        Kind::Number | Kind::Missing => false,
    }
}

/// Tells whether the second of `rows` has texts alone where the rows below it hold numbers, as a
/// row of units below the header has.
pub(super) fn has_units_below(rows: &[Vec<String>], missing: &[String], decimal: Decimal) -> bool {
    let [header, units, others @ ..] = rows else { return false };
    let is_text =
        |cell: &String| matches!(kind(cell, missing, decimal), Kind::Text | Kind::Missing);
    units.len() == header.len()
        && units.iter().all(is_text)
        && others.iter().filter(|row| !row.iter().all(is_text)).count() > 1
        && is_above_numbers(header, others, missing, decimal)
        && is_above_numbers(units, others, missing, decimal)
}

/// Tells whether a column of `rows`, all of the same length, holds numbers alone.
pub(super) fn has_numbers(rows: &[Vec<String>], missing: &[String], decimal: Decimal) -> bool {
    let width = rows.first().map_or(0, Vec::len);
    rows.iter().all(|row| row.len() == width)
        && (0..width).any(|at| kind_below(rows, at, missing, decimal) == Some(Kind::Number))
}

/// Tells whether a row has a text that may be a name.
pub(super) fn has_text(row: &[String], decimal: Decimal) -> bool {
    row.iter().any(|cell| kind(cell, &[], decimal) == Kind::Text)
}

/// Tells whether `first` holds the names of the columns of `others`.
pub(super) fn is_header(
    first: &[String],
    others: &[Vec<String>],
    missing: &[String],
    decimal: Decimal,
) -> bool {
    let firsts: Vec<Kind> = first.iter().map(|cell| kind(cell, missing, decimal)).collect();
    let columns = 0..first.len();
    let below: Vec<Option<Kind>> =
        columns.clone().map(|at| kind_below(others, at, missing, decimal)).collect();
    if columns.clone().any(|at| names(firsts[at], below[at])) {
        return true;
    }
    if !firsts.contains(&Kind::Text) {
        return is_count(first, others);
    }
    let is_value = |at: usize| {
        matches!(firsts[at], Kind::Number | Kind::Date | Kind::Quantity)
            && below[at] == Some(firsts[at])
    };
    if columns.clone().any(is_value) {
        return is_count(first, others);
    }
    // A name is no frequent value of its column.
    let is_frequent = |at: usize| {
        let column = others.iter().filter_map(|row| row.get(at));
        MOST_NAMES * column.filter(|cell| **cell == first[at]).count() >= others.len()
    };
    let is_text = |at: &usize| firsts[*at] == Kind::Text;
    if others.len() >= FEW_ROWS && columns.clone().filter(is_text).any(is_frequent) {
        return false;
    }
    let comes_again =
        |at: usize| others.iter().filter_map(|row| row.get(at)).any(|cell| *cell == first[at]);
    others.len() < 2 || !columns.filter(is_text).all(comes_again)
}

/// Tells whether the numbers of a row count on, as the names of columns do: 0, 1, 2 to the last, as
/// pandas has them, or 2019, 2020 over columns that have fractions below.
pub(super) fn is_count(first: &[String], others: &[Vec<String>]) -> bool {
    let numbers = |row: &[String]| -> Vec<(usize, i64)> {
        let cells = row.iter().enumerate();
        cells.filter_map(|(at, cell)| Some((at, cell.parse::<i64>().ok()?))).collect()
    };
    let counts = |numbers: &[(usize, i64)]| {
        numbers.len() > 1 && numbers.array_windows().all(|[(_, one), (_, next)]| next - one == 1)
    };
    let found = numbers(first);
    let of_pandas = found.len() > 2
        && found[0].1 == 0
        && first.iter().filter(|cell| !cell.is_empty()).count() == found.len()
        && !others.first().is_some_and(|row| counts(&numbers(row)));
    let fraction = |cell: &String| cell.parse::<f64>().is_ok_and(|number| number.fract() != 0.0);
    let over_fractions =
        || found.iter().all(|&(at, _)| others.iter().filter_map(|row| row.get(at)).any(fraction));
    counts(&found) && !others.is_empty() && (of_pandas || over_fractions())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells whether the first of these rows, whose cells a comma separates, is a header.
    fn header_of(text: &str) -> bool {
        let row = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<String>>();
        let rows: Vec<_> = text.lines().map(row).collect();
        is_header(&rows[0], &rows[1..], &[], Decimal::Point)
    }

    #[test]
    fn headers_are_told_from_rows() {
        let kind = |at| if at % 4 == 0 { "spam" } else { "ham" };
        let messages: String = (1..20).map(|at| format!("{},hello {at}\n", kind(at))).collect();
        for (text, header) in [
            ("a,b\n1,2\n", true),
            ("1,2\n3,4\n", false),
            ("46,State,8402,no\n29,State,4050,no\n", false),
            ("id,kind\n1,x\n", true),
            ("kind,colour\nA,red\nB,red\n", true),
            ("p,x\ne,x\np,x\n", false),
            ("country,2019,2020\nA,1.5,2.5\n", true),
            (",0,1\n0,1.5,2.5\n1,2.5,3.5\n", true),
            ("-,2.28,red\n1.5,3.5,blue\n", false),
            ("date,a\n2021-03-04,x\n", true),
            ("2021-03-04,x\n2021-03-05,x\n", false),
            ("a,b\n", true),
            ("x,1.5\n", true),
            ("$1.50,x\n$2.50,x\n", false),
            ("region,Jan 2024,Feb 2024\nA,1,2\nB,3,4\n", true),
            ("2024-01,2024-02\n1,2\n", true),
            ("mean,50%,95%\n1,2,3\n4,5,6\n", true),
            ("50%,x\n60%,x\n", false),
            ("5 km,10 km\n20.5,41\n21,44\n", true),
            ("8 kg,x\n9 kg,x\n", false),
            ("0,1,2\n7,7,5\n1,3,3\n", true),
            (",0,1,2\n0,7,7,5\n1,1,3,3\n", true),
            ("0,1,2\n3,4,5\n6,7,8\n", false),
            (&format!("ham,hello\n{}", messages), false),
            (&format!("kind,text\n{}", messages), true),
            (&format!("kind,hello 7\n{}", messages), true),
            ("1,2,3\n7,7,5\n", false),
            ("0,1\n7,7\n1,0\n", false),
        ] {
            assert_eq!(header_of(text), header, "{text:?}");
        }
    }
}
