//! How well is classified, as one number.

use serde::Serialize;

/// How well is classified, as one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// The fraction of samples classified correctly.
    #[default]
    Accuracy,
    /// The mean over the classes of that fraction among the samples of the class: where one class
    /// outnumbers the others, to guess it always is worth no more than to guess at random.
    Balanced,
}

impl Metric {
    /// All of them, by the names that options and files use.
    pub const ALL: [(&str, Metric); 2] =
        [("accuracy", Metric::Accuracy), ("balanced", Metric::Balanced)];
}
