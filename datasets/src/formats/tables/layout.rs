//! What the columns of a table are.

use std::path::PathBuf;

use super::names::Names;
use crate::sample::column::Column;

/// The columns and labels of a table.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(super) path: PathBuf,
    /// What errors call the number of a row.
    pub(super) row_word: &'static str,
    /// What becomes of each of the table's columns.
    pub(super) fields: Vec<Field>,
    /// Those that are stored.
    pub(crate) columns: Vec<Column>,
    /// Which column is the label's.
    pub(crate) label: Option<String>,
    /// What the labels mean. `None` without a label column, or where no row has a label.
    pub(crate) class_names: Option<Vec<String>>,
    /// How many rows there are.
    pub(crate) rows: u64,
    /// How many of them have a label.
    pub(crate) labelled: u64,
    /// How many cells of each stored column are missing; not counted of those that a model learnt
    /// from.
    pub(crate) missing: Vec<u64>,
    /// How many numbers lose digits to `f32`: those of more than 7 or 8, such as integers from
    /// 16,777,217 on.
    pub(crate) rounded: u64,
}

/// What becomes of a column.
#[derive(Debug)]
pub(super) enum Field {
    Ignored,
    Label(Names),
    Number,
    Category(Names),
}
