//! Means and standard deviations, one row at a time.
//!
//! ```text
//! n += 1;  delta = x - mean;  mean += delta / n;  squares += delta (x - mean)
//! ```
//!
//! B. P. Welford, Note on a method for calculating corrected sums of squares and products,
//! Technometrics 4 (1962).

use super::magnitudes::Magnitudes;
use super::{Preparation, PreparedColumn, TablePreparation};
use crate::sample::column::{Column, ColumnKind, Encoding};

/// Learns a [`Preparation`] from a table's training rows, in memory that does not grow with them.
///
/// ```
/// use narrows_datasets::{Column, ColumnKind, Fit};
///
/// let mut fit = Fit::new(&[Column { name: "age".to_owned(), kind: ColumnKind::NUMBER }]);
/// for age in [30.0, 50.0, f32::NAN] {
///     fit.push(&[age]);
/// }
/// let preparation = fit.finish();
/// assert_eq!(preparation.feature_names(), ["age", "age missing"]);
///
/// let mut features = [0.0; 2];
/// preparation.apply_floats(&[50.0], &mut features);
/// assert_eq!(features, [1.0, 0.0]);
/// preparation.apply_floats(&[f32::NAN], &mut features);
/// assert_eq!(features, [0.0, 1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Fit {
    columns: Vec<Column>,
    moments: Vec<Moments>,
    magnitudes: Vec<Magnitudes>,
    rows: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: u64,
    missing: u64,
    mean: f64,
    /// The smallest and the largest value, once there is one.
    range: [f64; 2],
    /// The sum of squared differences from the mean.
    squares: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        let [low, high] = if self.count == 0 { [value; 2] } else { self.range };
        self.range = [low.min(value), high.max(value)];
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
    }

    fn std(&self) -> f64 {
        let std = (self.squares / self.count as f64).sqrt();
        // Without any value it is NaN.
        if std > 0.0 { std } else { 1.0 }
    }
}

impl Fit {
    /// Begins with no row.
    pub fn new(columns: &[Column]) -> Self {
        Fit {
            columns: columns.to_vec(),
            moments: vec![Moments::default(); columns.len()],
            magnitudes: vec![Magnitudes::default(); columns.len()],
            rows: 0,
        }
    }

    /// Takes in a training row. `row: (columns)`, as stored. NaN and infinite values are missing.
    ///
    /// # Panics
    /// If there are more or fewer values than columns.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.moments.len(), "a value for each column");
        let columns = self.moments.iter_mut().zip(&mut self.magnitudes).zip(row);
        for ((moments, magnitudes), &value) in columns {
            if value.is_finite() {
                moments.push(f64::from(value));
                magnitudes.push(value, self.rows);
            } else {
                moments.push(f64::NAN);
            }
        }
        self.rows += 1;
    }

    /// A number beside which the others of its column do not count: the place of its column, the
    /// number as it is stored, and the place of its row among those taken in.
    pub(crate) fn too_large(&self) -> Option<(usize, f32, u64)> {
        let columns = self.columns.iter().zip(&self.magnitudes);
        (0..).zip(columns).find_map(|(at, (column, magnitudes))| {
            let (number, row) = magnitudes.too_large()?;
            matches!(column.kind, ColumnKind::Number { .. }).then_some((at, number, row))
        })
    }

    /// The preparation that was learnt. A column without any value has the mean 0 and the standard
    /// deviation 1.
    #[must_use]
    pub fn finish(self) -> Preparation {
        let origins = self.columns.iter().map(|column| column.kind.origin() as f64).collect();
        let columns = self.columns.into_iter().zip(self.moments).map(|(column, moments)| {
            let (mean, std, indicator) = (moments.mean, moments.std(), moments.missing > 0);
            let name = column.name;
            match column.kind {
                ColumnKind::Number { origin, dates, comma, unit } => {
                    let mean = mean + origin as f64;
                    let range = (moments.count > 0)
                        .then(|| moments.range.map(|value| value + origin as f64));
                    PreparedColumn::Number { name, mean, std, indicator, dates, comma, unit, range }
                }
                ColumnKind::Category { names, encoding: Encoding::Ordinal } => {
                    PreparedColumn::Ordinal { name, names, mean, std, indicator }
                }
                ColumnKind::Category { names, encoding: Encoding::OneHot } => {
                    PreparedColumn::OneHot { name, names }
                }
            }
        });
        Preparation::Table(TablePreparation::new(columns.collect(), origins))
    }
}
