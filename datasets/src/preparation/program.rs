//! A table's preparation as a list of operations, each on a part of the features.

use std::collections::HashMap;

use super::FAR;
use super::column::PreparedColumn;
use super::spelling::Spellings;
use crate::error::Short;
use crate::sample::column::{Column, ColumnKind};

/// The place of a category that the model has not met.
const UNKNOWN: u32 = u32::MAX;

/// The standard deviations from the mean beyond which a number is out of the range learnt from.
pub(crate) const OUT_OF_RANGE: f64 = 8.0;

/// The operations on a row, in the order of its features.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Program {
    /// The number of values in a row.
    stored: usize,
    /// The number of features.
    features: usize,
    operations: Vec<Operation>,
}

/// The way from values of a row to some features.
#[derive(Clone, Debug, PartialEq)]
enum Operation {
    /// Numbers that lie side by side from the value `from` on: `(value - mean) * inverse`, a
    /// feature each.
    Numbers { from: usize, means: Vec<f64>, inverses: Vec<f64> },
    /// The feature for each category; missing and unknown are 0.
    Ordinal { from: usize, features: Vec<f32> },
    /// `places` is the feature, among `count`, that is 1 for each category.
    OneHot { from: usize, count: usize, places: Vec<u32> },
    /// 1 where the value is missing, or a category that is not known.
    Missing { from: usize, known: Option<Vec<bool>> },
}

/// The source of a column's values.
struct Source {
    /// The place of its stored value.
    from: usize,
    /// The number that stored values are counted from.
    origin: f64,
    /// For each stored category, its place among the column's.
    places: Vec<u32>,
}

impl Program {
    /// For the table that the columns were learnt from, whose stored values are counted from
    /// `origins`.
    pub(super) fn new(columns: &[PreparedColumn], origins: Vec<f64>) -> Self {
        let sources = columns.iter().zip(origins).enumerate().map(|(from, (column, origin))| {
            let count = match column {
                PreparedColumn::Number { .. } => 0,
                PreparedColumn::Ordinal { names, .. } | PreparedColumn::OneHot { names, .. } => {
                    names.len()
                }
            };
            Source { from, origin, places: (0..count as u32).collect() }
        });
        Program::build(columns, columns.len(), sources.collect())
    }

    /// For a table whose stored columns are `stored`.
    pub(super) fn adapted(columns: &[PreparedColumn], stored: &[Column]) -> Result<Self, String> {
        let by_name: HashMap<&str, usize> =
            stored.iter().enumerate().map(|(from, column)| (column.name.as_str(), from)).collect();
        let source = |column: &PreparedColumn| {
            let name = column.name();
            let Some(&from) = by_name.get(name) else {
                return Err(format!("has no column {}, which the model learnt from", Short(name)));
            };
            let places = match (column, categories(&stored[from].kind)) {
                (PreparedColumn::Number { .. }, None) => Vec::new(),
                (
                    PreparedColumn::Ordinal { names, .. } | PreparedColumn::OneHot { names, .. },
                    Some(found),
                ) => {
                    let spellings = Spellings::new(names);
                    found.iter().map(|name| spellings.find(name).unwrap_or(UNKNOWN)).collect()
                }
                (PreparedColumn::Number { .. }, Some(_)) => {
                    return Err(format!(
                        "holds texts in column {}, where the model learnt from numbers",
                        Short(name)
                    ));
                }
                (_, None) => {
                    let advice = "read it as categories";
                    let problem = format!(
                        "holds numbers in column {}, where the model learnt from categories",
                        Short(name)
                    );
                    return Err(format!("{problem}: {advice}"));
                }
            };
            Ok(Source { from, origin: stored[from].kind.origin() as f64, places })
        };
        let sources = columns.iter().map(source).collect::<Result<Vec<_>, String>>()?;
        Ok(Program::build(columns, stored.len(), sources))
    }

    /// `sources` has one for each column.
    fn build(columns: &[PreparedColumn], stored: usize, sources: Vec<Source>) -> Self {
        let mut program = Program { stored, features: 0, operations: Vec::new() };
        let mut indicators = Vec::new();
        for (column, Source { from, origin, places }) in columns.iter().zip(sources) {
            if column.indicator() {
                let of_categories = matches!(column, PreparedColumn::Ordinal { .. });
                let known =
                    of_categories.then(|| places.iter().map(|&place| place != UNKNOWN).collect());
                indicators.push(Operation::Missing { from, known });
            }
            match column {
                PreparedColumn::Number { mean, std, .. } => {
                    program.features += 1;
                    let mean = mean - origin;
                    match program.operations.last_mut() {
                        Some(Operation::Numbers { from: first, means, inverses })
                            if *first + means.len() == from =>
                        {
                            means.push(mean);
                            inverses.push(std.recip());
                        }
                        _ => {
                            let (means, inverses) = (vec![mean], vec![std.recip()]);
                            program.operations.push(Operation::Numbers { from, means, inverses });
                        }
                    }
                }
                PreparedColumn::Ordinal { mean, std, .. } => {
                    program.features += 1;
                    let feature = |&place: &u32| {
                        if place == UNKNOWN {
                            f32::NAN
                        } else {
                            ((f64::from(place) - mean) / std) as f32
                        }
                    };
                    let features = places.iter().map(feature).collect();
                    program.operations.push(Operation::Ordinal { from, features });
                }
                PreparedColumn::OneHot { names, .. } => {
                    program.features += names.len();
                    program.operations.push(Operation::OneHot { from, count: names.len(), places });
                }
            }
        }
        program.features += indicators.len();
        program.operations.extend(indicators);
        program
    }

    pub(super) fn stored(&self) -> usize {
        self.stored
    }

    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// The stored place of the first number that is more than [`FAR`] standard deviations from the
    /// mean. `stored: (stored)`.
    pub(super) fn far_off(&self, stored: &[f32]) -> Option<usize> {
        self.operations.iter().find_map(|operation| {
            let Operation::Numbers { from, means, inverses } = operation else { return None };
            let mut prepared = stored[*from..].iter().zip(means).zip(inverses);
            let far = prepared.position(|((&stored, mean), inverse)| {
                ((f64::from(stored) - mean) * inverse).abs() > FAR
            });
            far.map(|at| from + at)
        })
    }

    /// The feature of a number out of the range learnt from, or of a category that was never seen,
    /// if there is one: a category first, as the number of features plus the place of the value.
    /// `stored: (stored)`.
    pub(super) fn out_of_range(&self, stored: &[f32]) -> Option<usize> {
        let unknown = |value: f32, known: &dyn Fn(usize) -> bool| {
            category(value).is_some_and(|at| !known(at))
        };
        let (mut at, mut number) = (0, None);
        for operation in &self.operations {
            match operation {
                Operation::Numbers { from, means, inverses } => {
                    let prepared = stored[*from..].iter().zip(means).zip(inverses);
                    let sizes = prepared
                        .map(|((&value, mean), inverse)| (f64::from(value) - mean) * inverse);
                    for (place, size) in sizes.map(f64::abs).enumerate() {
                        if size > number.map_or(OUT_OF_RANGE, |(largest, _)| largest) {
                            number = Some((size, at + place));
                        }
                    }
                    at += means.len();
                }
                Operation::Ordinal { from, features } => {
                    let known =
                        |place: usize| features.get(place).is_some_and(|feature| !feature.is_nan());
                    if unknown(stored[*from], &known) {
                        return Some(self.features + from);
                    }
                    at += 1;
                }
                Operation::OneHot { from, count, places } => {
                    let known = |place: usize| places.get(place).is_some_and(|&to| to != UNKNOWN);
                    if unknown(stored[*from], &known) {
                        return Some(self.features + from);
                    }
                    at += count;
                }
                Operation::Missing { .. } => {}
            }
        }
        number.map(|(_, feature)| feature)
    }

    /// `stored: (stored)`, `out: (features)`.
    pub(super) fn run(&self, stored: &[f32], mut out: &mut [f32]) {
        assert_eq!(stored.len(), self.stored, "a value for each column");
        assert_eq!(out.len(), self.features, "as many values as features");
        for operation in &self.operations {
            let count = match operation {
                Operation::Numbers { from, means, inverses } => {
                    let stored = &stored[*from..*from + means.len()];
                    for (((out, &stored), mean), inverse) in
                        out.iter_mut().zip(stored).zip(means).zip(inverses)
                    {
                        let value = ((f64::from(stored) - mean) * inverse) as f32;
                        *out = if stored.is_finite() { value } else { 0.0 };
                    }
                    means.len()
                }
                Operation::Ordinal { from, features } => {
                    out[0] = category(stored[*from])
                        .and_then(|at| features.get(at).copied())
                        .filter(|feature| !feature.is_nan())
                        .unwrap_or(0.0);
                    1
                }
                Operation::OneHot { from, count, places } => {
                    let features = &mut out[..*count];
                    features.fill(0.0);
                    let place = category(stored[*from]).and_then(|at| places.get(at));
                    if let Some(feature) = place.and_then(|&place| features.get_mut(place as usize))
                    {
                        *feature = 1.0;
                    }
                    *count
                }
                Operation::Missing { from, known } => {
                    let value = stored[*from];
                    let missing = match known {
                        None => !value.is_finite(),
                        Some(known) => {
                            !category(value).and_then(|at| known.get(at)).copied().unwrap_or(false)
                        }
                    };
                    out[0] = f32::from(u8::from(missing));
                    1
                }
            };
            out = &mut out[count..];
        }
    }
}

/// The place of the category that a stored value stands for, if it stands for one.
fn category(value: f32) -> Option<usize> {
    (value >= 0.0 && value.is_finite()).then_some(value as usize)
}

/// The categories of a column; `None` for numbers.
fn categories(kind: &ColumnKind) -> Option<&[String]> {
    match kind {
        ColumnKind::Number { .. } => None,
        ColumnKind::Category { names, .. } => Some(names),
    }
}
