//! Where samples come from.

use serde::{Deserialize, Serialize};

/// Where the samples of a store come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The file or folder.
    pub source: String,
    /// Its format.
    pub format: String,
    /// What wrote the store.
    pub packed_by: String,
    /// Numbers of the source that were rounded to 32-bit floats. Of an array all that these cannot
    /// hold exactly; of a table, where decimals such as 0.1 are the rule, only those whose digits
    /// cannot be had back.
    #[serde(default)]
    pub rounded: u64,
    /// A number that changes with the source: by it a store that was made to read a file by is
    /// known to be current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What writes stores.
pub(crate) fn packed_by() -> String {
    format!("narrows {}", env!("CARGO_PKG_VERSION"))
}
