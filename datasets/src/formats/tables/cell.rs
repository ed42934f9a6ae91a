//! Cells of tables that are written, and the types of their columns.

/// The type of a column's values. Text has no types: in CSV all are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 32-bit floats.
    Number,
    /// 64-bit floats.
    Double,
    /// Unsigned bytes.
    Byte,
    /// Unsigned 64-bit integers.
    Whole,
    /// Texts.
    Text,
}

/// One cell of a row that is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TableCell<'a> {
    /// Nothing: an empty cell, or a null.
    Missing,
    /// A number. In CSV, the fewest digits that read back as the same `f32`; NaN is an empty cell.
    Number(f32),
    /// A number of twice the precision, as above.
    Double(f64),
    /// A whole number: of a row, a count, or an unsigned byte.
    Whole(u64),
    /// A text: of a category or a class.
    Text(&'a str),
}
