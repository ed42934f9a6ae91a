//! Tests of the command line as a whole.

// Without the feature, one command is missing.
#[cfg(feature = "fetch")]
mod reference;
