//! The metadata of a store.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::dataset::provenance::Provenance;
use crate::preparation::Preparation;
use crate::sample::column::Column;
use crate::sample::dtype::Dtype;
use crate::sample::label::MOST_CLASSES;

/// The metadata of a store: all that it holds beside values and labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The shape of a sample: `[features]`, `[height, width]` or `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// The byte that becomes 1.0, if values are unsigned bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<u8>,
    /// The columns of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// The name of the column that the labels came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The names of the classes, in the order of their labels: at most [`MOST_CLASSES`].
    #[serde(default, deserialize_with = "classes")]
    pub classes: Vec<String>,
    /// The number of classes, the last ones, that only samples for the test have.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unseen: u64,
    /// The number of samples for validation: the last of those to learn from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation: u64,
    /// The preparation for a model, fitted to the samples to learn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Preparation>,
    /// The source of the samples.
    pub provenance: Provenance,
    /// The files of the source that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A file that became no sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Its place among the files of the source.
    pub place: usize,
    /// The problem with it.
    pub problem: String,
}

/// At most as many names as labels can tell apart. A file with more is refused before all of them
/// are in memory.
fn classes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct Classes;

    impl<'de> Visitor<'de> for Classes {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the names of at most {MOST_CLASSES} classes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Vec<String>, A::Error> {
            let mut classes = Vec::new();
            while let Some(name) = names.next_element()? {
                if classes.len() == MOST_CLASSES {
                    return Err(A::Error::custom(format!("more than {MOST_CLASSES} classes")));
                }
                classes.push(name);
            }
            Ok(classes)
        }
    }

    from.deserialize_seq(Classes)
}

impl Metadata {
    /// Checks the metadata of samples of `width` values of the type `dtype`, before they are
    /// written and after they are read.
    pub(super) fn check(&self, dtype: Dtype, width: u64) -> Result<(), String> {
        let values =
            self.shape.iter().try_fold(1_u64, |values, &size| values.checked_mul(size as u64));
        if values != Some(width) || !(1..=3).contains(&self.shape.len()) {
            return Err(format!(
                "says that samples have the shape {:?}, but {width} values",
                self.shape
            ));
        }
        if let Some(columns) = self.columns.as_ref().filter(|columns| columns.len() as u64 != width)
        {
            return Err(format!(
                "names {} columns, where samples have {width} values",
                columns.len()
            ));
        }
        if self.max_value == Some(0) {
            return Err("says that 0 stands for 1.0".to_owned());
        }
        if self.classes.len() > MOST_CLASSES {
            return Err(format!(
                "names {} classes, where there can be {MOST_CLASSES}",
                self.classes.len()
            ));
        }
        if self.unseen > self.classes.len() as u64 {
            let (unseen, classes) = (self.unseen, self.classes.len());
            return Err(format!("says that {unseen} of {classes} classes are the test's alone"));
        }
        match &self.normalisation {
            None => Ok(()),
            Some(preparation) => {
                preparation
                    .takes(dtype, usize::try_from(width).map_err(|error| error.to_string())?)?;
                // It is applied to these samples as it is, and to others by the names of the
                // columns.
                match &self.columns {
                    Some(columns) if !preparation.reads(columns) => {
                        Err("has a normalisation for other columns than its own".to_owned())
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}
