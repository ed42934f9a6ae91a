//! The way from stored values to the values that a model sees.

mod column;
pub(crate) mod convert;
mod fit;
mod magnitudes;
mod pixels;
pub(crate) mod prepare;
mod program;
pub(crate) mod spelling;
mod table;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::error::Short;
use crate::preparation::convert::Convert;
use crate::sample::column::{Column, ColumnKind};
use crate::sample::dtype::Dtype;
pub use column::PreparedColumn;
pub use fit::Fit;
pub(crate) use pixels::Pixels;
pub(crate) use program::OUT_OF_RANGE;
use spelling::Spellings;
pub use table::TablePreparation;

/// The standard deviations from the mean beyond which a number ruins what a model makes of it.
pub(crate) const FAR: f64 = 1e7;

/// The most categories of a column that a note names.
const RESPELLED_SHOWN: usize = 6;

/// The way from stored values to the values that a model sees. It is part of a model, and stored
/// with it. Values from a file are checked while they are deserialised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Preparation {
    /// Unsigned bytes, divided by a maximum.
    Bytes {
        /// The byte that becomes 1.0; not 0.
        #[serde(deserialize_with = "not_zero")]
        max: u8,
    },
    /// Floats as they are.
    Floats,
    /// Floats, all of them as `(value - shift) * scale`.
    Scaled {
        /// The number that is subtracted; finite.
        #[serde(deserialize_with = "finite")]
        shift: f32,
        /// The factor after that; finite.
        #[serde(deserialize_with = "finite")]
        scale: f32,
    },
    /// The columns of a table, each in its way. [`Fit`] learns it.
    Table(TablePreparation),
}

impl Preparation {
    /// Checks that it is for samples of `width` values of the type `dtype`.
    pub(crate) fn takes(&self, dtype: Dtype, width: usize) -> Result<(), String> {
        let bytes = matches!(self, Preparation::Bytes { .. });
        match (self, dtype) {
            (_, Dtype::U8) if !bytes => {
                Err("holds bytes, where the preparation is for floats".to_owned())
            }
            (_, Dtype::F32) if bytes => {
                Err("holds floats, where the preparation is for bytes".to_owned())
            }
            (Preparation::Bytes { max: 0 }, _) => Err("bytes cannot be divided by 0".to_owned()),
            (Preparation::Scaled { shift, scale }, _)
                if !shift.is_finite() || !scale.is_finite() =>
            {
                Err(format!("floats cannot be shifted by {shift} and scaled by {scale}"))
            }
            (Preparation::Table(table), _) if table.stored() != width => {
                Err(format!("has {width} columns, where the preparation is for {}", table.stored()))
            }
            (Preparation::Table(table), _) if table.features() == 0 => {
                Err("has columns of which the preparation leaves nothing for a model to see"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Tells whether all values that a model sees lie in [0, 1].
    pub(crate) fn in_unit_range(&self) -> bool {
        matches!(self, Preparation::Bytes { .. } | Preparation::Scaled { .. })
    }

    /// The number of values that a model sees of a sample with `width` stored values. For a table,
    /// `width` makes no difference.
    pub fn features(&self, width: usize) -> usize {
        match self {
            Preparation::Bytes { .. } | Preparation::Floats | Preparation::Scaled { .. } => width,
            Preparation::Table(table) => table.features(),
        }
    }

    /// The columns of the table that it was learnt from; `None` if it was no table.
    pub fn columns(&self) -> Option<Vec<Column>> {
        match self {
            Preparation::Table(table) => {
                Some(table.columns().iter().map(PreparedColumn::column).collect())
            }
            _ => None,
        }
    }

    /// Tells whether it can be applied to samples of these columns as they are stored. Then the
    /// columns are its own, in its order, and its categories are the first of theirs.
    pub(crate) fn reads(&self, columns: &[Column]) -> bool {
        let Some(own) = self.columns() else { return true };
        let one = |(own, other): (&Column, &Column)| {
            own.name == other.name
                && match (&own.kind, &other.kind) {
                    (ColumnKind::Number { .. }, ColumnKind::Number { .. }) => true,
                    (
                        ColumnKind::Category { names: own, encoding },
                        ColumnKind::Category { names, encoding: other },
                    ) => encoding == other && names.starts_with(own),
                    _ => false,
                }
        };
        own.len() == columns.len() && own.iter().zip(columns).all(one)
    }

    /// The notes on categories of `columns` that are spelled in another way than those that were
    /// learnt from, and are taken for them ([`adapted`](Preparation::adapted)): one for each
    /// column.
    pub fn respelled(&self, columns: &[Column]) -> Vec<String> {
        let Preparation::Table(table) = self else { return Vec::new() };
        let note = |own: &PreparedColumn| {
            let known = own.categories()?;
            let other = columns.iter().find(|column| column.name == own.name())?;
            let ColumnKind::Category { names, .. } = &other.kind else { return None };
            let spellings = Spellings::new(known);
            let pair = |name: &String| {
                let place = spellings.respelled(name)?;
                Some(format!("{} for {}", Short(name), Short(&known[place as usize])))
            };
            let pairs: Vec<String> = names.iter().filter_map(pair).collect();
            let more = match pairs.len().saturating_sub(RESPELLED_SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let shown = pairs[..pairs.len().min(RESPELLED_SHOWN)].join(", ");
            let column = Short(own.name());
            (!pairs.is_empty()).then(|| {
                format!(
                    "column {column}: categories in another spelling are taken for those that \
                     training saw: {shown}{more}"
                )
            })
        };
        table.columns().iter().filter_map(note).collect()
    }

    /// The place of the first of a sample's `stored` values that is far beyond those learnt from:
    /// prepared, it is more than [`FAR`].
    pub(crate) fn far_off(&self, stored: &[f32]) -> Option<usize> {
        match self {
            Preparation::Table(table) => table.far_off(stored),
            Preparation::Scaled { shift, scale } => {
                let (shift, scale) = (f64::from(*shift), f64::from(*scale));
                let far = |&value: &f32| ((f64::from(value) - shift) * scale).abs() > FAR;
                stored.iter().position(far)
            }
            Preparation::Bytes { .. } | Preparation::Floats => None,
        }
    }

    /// The names of a table's features: `age`, `colour=red`, and at the end `age missing`. Empty
    /// for anything but a table.
    pub fn feature_names(&self) -> Vec<String> {
        match self {
            Preparation::Bytes { .. } | Preparation::Floats | Preparation::Scaled { .. } => {
                Vec::new()
            }
            Preparation::Table(table) => table.feature_names(),
        }
    }

    /// Prepares bytes. `stored: (values)`, `out: (values)`.
    ///
    /// # Panics
    /// If the preparation is not one of bytes, or the lengths differ.
    pub fn apply_bytes(&self, stored: &[u8], out: &mut [f32]) {
        let &Preparation::Bytes { max } = self else {
            panic!("bytes, where the preparation is one of floats");
        };
        Convert::new(max).run(stored, out);
    }

    /// Prepares a sample of floats. `stored: (values)`, `out: (features)`. Allocates nothing. All
    /// values are accepted: in a table, a number that is not finite is missing, and a category that
    /// cannot be is unknown.
    ///
    /// # Panics
    /// If the preparation is one of bytes, or a length is another.
    pub fn apply_floats(&self, stored: &[f32], out: &mut [f32]) {
        match self {
            Preparation::Bytes { .. } => panic!("floats, where the preparation is one of bytes"),
            Preparation::Floats => out.copy_from_slice(stored),
            Preparation::Scaled { shift, scale } => {
                assert_eq!(stored.len(), out.len(), "as many values as features");
                // The difference of two f32 may overflow.
                let (shift, scale) = (f64::from(*shift), f64::from(*scale));
                for (out, &stored) in out.iter_mut().zip(stored) {
                    *out = ((f64::from(stored) - shift) * scale) as f32;
                }
            }
            Preparation::Table(table) => table.apply(stored, out),
        }
    }

    /// The same features of another table, whose stored columns are `columns`. Columns and
    /// categories are found by their names, in any order. Further columns are left out, and a
    /// category that the model has not met is unknown. Serialised, the result equals the original.
    /// Anything but a table gives itself.
    ///
    /// # Errors
    /// If a column is missing, or holds numbers in place of categories, or the reverse.
    pub fn adapted(&self, columns: &[Column]) -> Result<Preparation, String> {
        match self {
            Preparation::Bytes { .. } | Preparation::Floats | Preparation::Scaled { .. } => {
                Ok(self.clone())
            }
            Preparation::Table(table) => Ok(Preparation::Table(table.adapted(columns)?)),
        }
    }
}

fn not_zero<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    match u8::deserialize(from)? {
        0 => Err(D::Error::custom("bytes cannot be divided by 0")),
        max => Ok(max),
    }
}

fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let value = f32::deserialize(from)?;
    if value.is_finite() { Ok(value) } else { Err(D::Error::custom("is not a finite number")) }
}

#[cfg(test)]
mod tests;
