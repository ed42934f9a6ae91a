//! What the values of a table's samples mean.

use serde::{Deserialize, Serialize};

/// A column of a table: one value of each sample.
///
/// Stored, each is one `f32`: a number as it is, a category as its place among the names, and what is missing as NaN.
/// What a model sees of it is the [`Preparation`](crate::Preparation)'s business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What the column is called: the name in the table's header.
    pub name: String,
    /// What its values are.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// One of some names.
    Category {
        /// The names, in the order of their bytes.
        names: Vec<String>,
        /// What becomes of them.
        encoding: Encoding,
    },
}

/// How a category becomes numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A value for each name, 1 for that which it is and 0 for the others.
    #[default]
    OneHot,
    /// One value, the place among the names, treated as a number.
    Ordinal,
}
