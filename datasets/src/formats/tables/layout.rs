//! The layout of a table: its columns and labels.

use std::path::PathBuf;

use super::names::Names;
use crate::formats::options::Decimal;
use crate::sample::column::{Column, Dates};

/// The columns and labels of a table.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(super) path: PathBuf,
    /// The word for a row's number in errors.
    pub(super) row_word: &'static str,
    /// The mark before the fractions of numbers that are texts; `None` if no text is a number.
    pub(super) decimal: Option<Decimal>,
    /// The columns whose cells are texts, whatever they look like.
    pub(super) texts: Vec<bool>,
    /// The column of the labels, whose cells are texts.
    pub(super) label_at: Option<usize>,
    /// Empty rows are rows, whose values are all missing.
    pub(super) keeps_empty: bool,
    /// Choices that were made by the look of the table, and may be wrong.
    pub(crate) notes: Vec<String>,
    /// The use of each of the table's columns.
    pub(super) fields: Vec<Field>,
    /// The columns that are stored.
    pub(crate) columns: Vec<Column>,
    /// The name of the label's column.
    pub(crate) label: Option<String>,
    /// The names of the classes. `None` without a label column, or if no row has a label.
    pub(crate) class_names: Option<Vec<String>>,
    /// The number of rows.
    pub(crate) rows: u64,
    /// The number of rows with a label.
    pub(crate) labelled: u64,
    /// The number of missing cells in each stored column; 0 for columns that a model learnt from,
    /// which are not counted.
    pub(crate) missing: Vec<u64>,
    /// The number of numbers that lose digits as `f32`: those of more than 7 or 8 digits, such as
    /// 16,777,217.
    pub(crate) rounded: u64,
}

/// The use of a column.
#[derive(Debug)]
pub(super) enum Field {
    Ignored,
    Label(Names),
    /// Numbers, counted from an origin: those of dates whose parts are in that order, or those of
    /// a unit.
    Number {
        origin: f64,
        dates: Option<Dates>,
        unit: String,
    },
    Category(Names),
}
