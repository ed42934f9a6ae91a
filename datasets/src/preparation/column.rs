//! The preparation of one column of a table.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::sample::column::{Column, ColumnKind, Dates, Encoding};

/// The preparation of one column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PreparedColumn {
    /// Numbers: one feature.
    Number {
        /// The name of the column.
        name: String,
        /// The number that is subtracted.
        mean: f64,
        /// The divisor after that; positive.
        std: f64,
        /// A further feature is 1 where the number is missing.
        indicator: bool,
        /// The order of their parts, if the numbers are dates.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dates: Option<Dates>,
        /// They were written with a decimal comma.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        comma: bool,
        /// The unit that they were written with; empty without one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        unit: String,
        /// The smallest and the largest number; models of earlier versions do not have them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<[f64; 2]>,
    },
    /// Categories as their place among the names: one feature.
    Ordinal {
        /// The name of the column.
        name: String,
        /// The categories.
        names: Vec<String>,
        /// The number that is subtracted from the place.
        mean: f64,
        /// The divisor after that; positive.
        std: f64,
        /// A further feature is 1 where the category is missing.
        indicator: bool,
    },
    /// Categories as a feature each.
    OneHot {
        /// The name of the column.
        name: String,
        /// The categories.
        names: Vec<String>,
    },
}

/// Means of numbers that `f32` tells apart by less than whole numbers, if they are no larger than
/// an origin can be.
const LARGE: Range<f64> = 16_777_216.0..4e18;

impl PreparedColumn {
    /// The name of the column.
    pub fn name(&self) -> &str {
        match self {
            PreparedColumn::Number { name, .. }
            | PreparedColumn::Ordinal { name, .. }
            | PreparedColumn::OneHot { name, .. } => name,
        }
    }

    /// The categories; `None` for numbers.
    pub(crate) fn categories(&self) -> Option<&[String]> {
        match self {
            PreparedColumn::Number { .. } => None,
            PreparedColumn::Ordinal { names, .. } | PreparedColumn::OneHot { names, .. } => {
                Some(names)
            }
        }
    }

    /// The column as the table has it.
    pub(super) fn column(&self) -> Column {
        let category =
            |names: &[String], encoding| ColumnKind::Category { names: names.to_vec(), encoding };
        let kind = match self {
            PreparedColumn::Number { mean, dates, comma, unit, .. } => {
                let origin = if LARGE.contains(&mean.abs()) { *mean as i64 } else { 0 };
                let unit = unit.clone();
                ColumnKind::Number { origin, dates: *dates, comma: *comma, unit }
            }
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
