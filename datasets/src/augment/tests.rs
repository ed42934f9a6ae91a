//! Support for the tests of several operations.

pub(in crate::augment) mod reference;
