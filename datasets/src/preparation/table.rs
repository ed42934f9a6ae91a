//! The features of a table, in this order:
//!
//! ```text
//! number               (value - mean) / std           missing: 0, which is the mean
//! ordinal category     the same of its place          missing or unknown: 0
//! one-hot category     a value for each name, 1 for the one it is; missing or unknown: all 0
//! ...                  columns in their order
//! indicators           1 where missing, else 0: for each number and ordinal with missing cells
//! ```
//!
//! 1. Means and standard deviations (of the population, divided by n) are those of the training
//!    rows that have a value. A column that is constant there is divided by 1.
//! 2. The indicators come last, so that columns of numbers side by side stay so, and one loop
//!    without branches takes them all.
//! 3. Computed in `f64`: the mean of large numbers close to each other, such as times, is not one
//!    of `f32`.

use serde::{Deserialize, Serialize};

use super::column::PreparedColumn;
use super::program::Program;
use crate::error::Short;
use crate::sample::column::Column;

/// The preparation of a table: its columns, in the order in which they were learnt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Columns", into = "Columns")]
pub struct TablePreparation {
    columns: Vec<PreparedColumn>,
    /// Its way from one table's stored values.
    program: Program,
}

/// Equal are those of equal columns, whatever table they are adapted to.
impl PartialEq for TablePreparation {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    columns: Vec<PreparedColumn>,
}

impl TablePreparation {
    /// `origins` are those of the columns as they are stored.
    pub(super) fn new(columns: Vec<PreparedColumn>, origins: Vec<f64>) -> Self {
        TablePreparation { program: Program::new(&columns, origins), columns }
    }

    /// The preparation of each column.
    pub fn columns(&self) -> &[PreparedColumn] {
        &self.columns
    }

    /// The number of values in a stored sample.
    pub(super) fn stored(&self) -> usize {
        self.program.stored()
    }

    pub(super) fn features(&self) -> usize {
        self.program.features()
    }

    /// The names of the values that a model sees, in their order: `colour=red`, `age missing`.
    pub fn feature_names(&self) -> Vec<String> {
        let mut features = Vec::new();
        for column in &self.columns {
            match column {
                PreparedColumn::Number { name, .. } | PreparedColumn::Ordinal { name, .. } => {
                    features.push(name.clone());
                }
                PreparedColumn::OneHot { name, names } => {
                    features.extend(names.iter().map(|category| format!("{name}={category}")));
                }
            }
        }
        let indicators = self.columns.iter().filter(|column| column.indicator());
        features.extend(indicators.map(|column| format!("{} missing", column.name())));
        features
    }

    pub(super) fn apply(&self, stored: &[f32], out: &mut [f32]) {
        self.program.run(stored, out);
    }

    /// The stored place of the first number that is far from the mean.
    pub(super) fn far_off(&self, stored: &[f32]) -> Option<usize> {
        self.program.far_off(stored)
    }

    /// The feature that is out of the range learnt from, as `Dataset::out_of_range` says.
    pub(crate) fn out_of_range(&self, stored: &[f32]) -> Option<usize> {
        self.program.out_of_range(stored)
    }

    pub(super) fn adapted(&self, columns: &[Column]) -> Result<Self, String> {
        let program = Program::adapted(&self.columns, columns)?;
        Ok(TablePreparation { columns: self.columns.clone(), program })
    }
}

impl TryFrom<Columns> for TablePreparation {
    type Error = String;

    fn try_from(Columns { columns }: Columns) -> Result<Self, String> {
        for column in &columns {
            let (mean, std) = match *column {
                PreparedColumn::Number { mean, std, .. }
                | PreparedColumn::Ordinal { mean, std, .. } => (mean, std),
                PreparedColumn::OneHot { .. } => continue,
            };
            if !mean.is_finite() || !std.is_normal() || std < 0.0 || !std.recip().is_normal() {
                let name = Short(column.name());
                return Err(format!(
                    "column {name} cannot have the mean {mean} and the deviation {std}"
                ));
            }
        }
        let origin = |column: &PreparedColumn| column.column().kind.origin() as f64;
        let origins = columns.iter().map(origin).collect();
        Ok(TablePreparation::new(columns, origins))
    }
}

impl From<TablePreparation> for Columns {
    fn from(table: TablePreparation) -> Self {
        Columns { columns: table.columns }
    }
}
