//! What a model sees of stored values.

use serde::{Deserialize, Serialize};

use crate::values::Dtype;

/// What a model sees of stored values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preparation {
    /// Unsigned bytes, divided by a maximum.
    Bytes {
        /// What 1.0 stands for.
        max: u8,
    },
    /// Floats as they are.
    Floats,
}

impl Preparation {
    /// Whether it is for samples of so many values of that type; else why not.
    pub(crate) fn takes(&self, _: Dtype, _: usize) -> Result<(), String> {
        Ok(())
    }

    /// Whether all values that a model sees lie in [0, 1].
    pub(crate) fn in_unit_range(&self) -> bool {
        matches!(self, Preparation::Bytes { .. })
    }

    /// The values that a model sees of samples of `width` stored ones.
    pub(crate) fn features(&self, width: usize) -> usize {
        width
    }

    pub(crate) fn apply_floats(&self, stored: &[f32], out: &mut [f32]) {
        out.copy_from_slice(stored);
    }
}
