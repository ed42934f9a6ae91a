//! What a model sees of one column of a table.

use serde::{Deserialize, Serialize};

use crate::sample::column::{Column, ColumnKind, Encoding};

/// What a model sees of one column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PreparedColumn {
    /// Numbers: one feature.
    Number {
        /// What the column is called.
        name: String,
        /// What is subtracted.
        mean: f64,
        /// What is divided by after that; positive.
        std: f64,
        /// Whether a further feature says where they are missing.
        indicator: bool,
    },
    /// Categories as their place among the names: one feature.
    Ordinal {
        /// What the column is called.
        name: String,
        /// The categories.
        names: Vec<String>,
        /// What is subtracted of the place.
        mean: f64,
        /// What is divided by after that; positive.
        std: f64,
        /// Whether a further feature says where they are missing.
        indicator: bool,
    },
    /// Categories as a feature each.
    OneHot {
        /// What the column is called.
        name: String,
        /// The categories.
        names: Vec<String>,
    },
}

impl PreparedColumn {
    /// What the column is called.
    pub fn name(&self) -> &str {
        match self {
            PreparedColumn::Number { name, .. }
            | PreparedColumn::Ordinal { name, .. }
            | PreparedColumn::OneHot { name, .. } => name,
        }
    }

    /// The column as the table has it.
    pub(super) fn column(&self) -> Column {
        let category =
            |names: &[String], encoding| ColumnKind::Category { names: names.to_vec(), encoding };
        let kind = match self {
            PreparedColumn::Number { .. } => ColumnKind::Number,
            PreparedColumn::Ordinal { names, .. } => category(names, Encoding::Ordinal),
            PreparedColumn::OneHot { names, .. } => category(names, Encoding::OneHot),
        };
        Column { name: self.name().to_owned(), kind }
    }

    pub(super) fn indicator(&self) -> bool {
        match self {
            PreparedColumn::Number { indicator, .. }
            | PreparedColumn::Ordinal { indicator, .. } => *indicator,
            PreparedColumn::OneHot { .. } => false,
        }
    }
}
