//! The decimal mark of delimited text, told by its first rows.
//!
//! - **A comma**, if numbers have one, none has a point, and the separator is another.
//! - **Between semicolons**, `1.234` may be either. It is 1234 in a column that has whole numbers
//!   without a point, all of them below 1000. Else a note says that it may be.

use crate::error::Short;
use crate::formats::options::Decimal;
use crate::formats::tables::marks;

/// The mark of these rows, and what is to be said of it.
pub(super) fn decimal_of(rows: &[Vec<String>], delimiter: u8) -> (Decimal, Option<String>) {
    if delimiter == b',' {
        return (Decimal::Point, None);
    }
    let (mut commas, mut either, mut points) = (0, 0, 0);
    let mut thousands: Option<&str> = None;
    for cell in rows.iter().flatten().filter(|cell| cell.contains([',', '.'])) {
        let number = |decimal| marks::number(cell, decimal).is_some();
        match (number(Decimal::Point), number(Decimal::Comma)) {
            (false, true) => commas += 1,
            (true, false) => points += 1,
            (true, true) if cell.contains(',') => either += 1,
            (true, true) => {
                thousands.get_or_insert(cell);
            }
            (false, false) => {}
        }
    }
    let comma = commas > 0 || either > 0 && delimiter == b';';
    if comma && points == 0 {
        return (
            Decimal::Comma,
            Some("numbers are read with a decimal comma, as in 1,5".to_owned()),
        );
    }
    let Some(first) = thousands.filter(|_| !comma && points == 0 && delimiter == b';') else {
        return (Decimal::Point, None);
    };
    let (first, width) = (Short(first), rows.iter().map(Vec::len).max().unwrap_or(0));
    match (0..width).any(|at| separates_thousands(rows, at)) {
        true => {
            let note = format!(
                "the point in {first} is taken for a mark of thousands, because whole numbers of \
                 the column are below 1000 without it: give the decimal mark if it is another"
            );
            (Decimal::Comma, Some(note))
        }
        false => {
            let note = format!(
                "the point in {first} is taken for a decimal one, but all such numbers have three \
                 digits behind it, as thousands have: give the decimal mark, a comma, if they are"
            );
            (Decimal::Point, Some(note))
        }
    }
}

/// Tells whether the numbers in a column have a point where they are 1000 or more, and only there.
fn separates_thousands(rows: &[Vec<String>], at: usize) -> bool {
    let (mut with, mut below, mut above) = (0, 0, 0);
    for cell in rows.iter().filter_map(|row| row.get(at)) {
        let Some(number) = marks::number(cell, Decimal::Comma) else { continue };
        match cell.contains('.') {
            true => with += 1,
            false if number.value.abs() < 1000.0 => below += 1,
            false => above += 1,
        }
    }
    with > 0 && below > 0 && above == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(column: &[&str], delimiter: u8) -> (Decimal, bool) {
        let rows: Vec<_> = column.iter().map(|cell| vec![(*cell).to_owned()]).collect();
        let (decimal, note) = decimal_of(&rows, delimiter);
        (decimal, note.is_some())
    }

    #[test]
    fn a_point_before_three_digits_is_weighed_over_the_column() {
        for (column, expected) in [
            (&["a", "1.234", "850", "12.500"][..], (Decimal::Comma, true)),
            (&["a", "1.234 €", "85 €"], (Decimal::Comma, true)),
            (&["a", "1.234", "1.500"], (Decimal::Point, true)),
            (&["a", "1.234", "850", "1500"], (Decimal::Point, true)),
            (&["a", "1.234", "0.500"], (Decimal::Point, false)),
            (&["a", "1.234", "2.5"], (Decimal::Point, false)),
            (&["a", "1.234.567", "85"], (Decimal::Comma, true)),
            (&["a", "1.234", "2,5"], (Decimal::Comma, true)),
            (&["a", "1 341,33 kr", "85 kr"], (Decimal::Comma, true)),
            (&["a", "R$ 1.341,33", "R$ 85"], (Decimal::Comma, true)),
            (&["a", "850", "12"], (Decimal::Point, false)),
            (&["a", "12.05.2021", "x.y"], (Decimal::Point, false)),
        ] {
            assert_eq!(look(column, b';'), expected, "{column:?}");
        }
        for delimiter in [b',', b'\t', b'|'] {
            assert_eq!(look(&["a", "1.234", "850"], delimiter), (Decimal::Point, false));
        }
    }
}
