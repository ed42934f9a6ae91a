//! The source of samples.

use serde::{Deserialize, Serialize};

/// The source of the samples of a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The file or folder.
    pub source: String,
    /// Its format.
    pub format: String,
    /// The program that wrote the store.
    pub packed_by: String,
    /// The number of values that were rounded to 32-bit floats. In an array, all that these cannot
    /// hold exactly; in a table, where decimals such as 0.1 are the rule, only those that lose
    /// digits.
    #[serde(default)]
    pub rounded: u64,
    /// Texts of missing values that a table was read with, beside those that always are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Choices that were made by the look of the source, and may be wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// A hash of the source. It tells whether a store that was kept of a file is current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// The program that writes stores.
pub(crate) fn packed_by() -> String {
    format!("narrows {}", env!("CARGO_PKG_VERSION"))
}
