//! The measure of a classifier.

use crate::names::named;

named! {
    /// The measure of a classifier, as one number.
    #[derive(Default)]
    pub enum Metric {
        /// The fraction of samples classified correctly.
        #[default]
        Accuracy = "accuracy",
        /// The mean over the classes of that fraction among the samples of the class: where one
        /// class outnumbers the others, to guess it always is worth no more than to guess at
        /// random.
        Balanced = "balanced",
    }
}
