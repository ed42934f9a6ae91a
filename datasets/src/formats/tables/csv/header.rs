//! The first row of delimited text: the names of the columns, or data.
//!
//! - It is a header if it has a text where a column goes on in numbers.
//! - It is data if it has a number where a column goes on in numbers, or if each of its texts comes
//!   again. Numbers that count on, as years do, name columns all the same.

use super::cells::to_cell;
use crate::formats::options::Decimal;
use crate::formats::tables::dates::Date;
use crate::formats::tables::marks;
use crate::formats::tables::source::{Cell, is_infinite};

/// A cell, as far as a header is concerned.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Missing,
    Number,
    Text,
}

fn kind(cell: &str, missing: &[String], decimal: Decimal) -> Kind {
    match to_cell(cell, missing, decimal) {
        Cell::Missing => Kind::Missing,
        Cell::Number(_) => Kind::Number,
        // A mark such as - is no name.
        Cell::Text(text) if !text.contains(char::is_alphanumeric) => Kind::Missing,
        Cell::Text(text)
            if is_infinite(text)
                || marks::number(text, decimal).is_some()
                || Date::read(text).is_some() =>
        {
            Kind::Number
        }
        Cell::Text(_) => Kind::Text,
    }
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
    if !firsts.contains(&Kind::Text) {
        return is_count(first, others);
    }
    let column_kinds = |at: usize| {
        let cells = others.iter().filter_map(move |row| row.get(at));
        cells.map(|cell| kind(cell, missing, decimal)).filter(|kind| *kind != Kind::Missing)
    };
    let of_numbers = |at: usize| {
        let mut kinds = column_kinds(at).peekable();
        kinds.peek().is_some() && kinds.all(|kind| kind == Kind::Number)
    };
    let columns = 0..first.len();
    if columns.clone().any(|at| firsts[at] == Kind::Text && of_numbers(at)) {
        return true;
    }
    if columns.clone().any(|at| firsts[at] == Kind::Number && of_numbers(at)) {
        return is_count(first, others);
    }
    let comes_again =
        |at: usize| others.iter().filter_map(|row| row.get(at)).any(|cell| *cell == first[at]);
    others.len() < 2 || !columns.filter(|&at| firsts[at] == Kind::Text).all(comes_again)
}

/// Tells whether the numbers of a row count on, as the names of columns do (0, 1, 2, or 2019,
/// 2020), over columns that have fractions below.
fn is_count(first: &[String], others: &[Vec<String>]) -> bool {
    let numbers: Vec<(usize, i64)> = first
        .iter()
        .enumerate()
        .filter_map(|(at, cell)| Some((at, cell.parse::<i64>().ok()?)))
        .collect();
    let fraction = |cell: &String| cell.parse::<f64>().is_ok_and(|number| number.fract() != 0.0);
    numbers.len() > 1
        && numbers.array_windows().all(|[(_, one), (_, next)]| next - one == 1)
        && numbers.iter().all(|&(at, _)| others.iter().filter_map(|row| row.get(at)).any(fraction))
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
        ] {
            assert_eq!(header_of(text), header, "{text:?}");
        }
    }
}
