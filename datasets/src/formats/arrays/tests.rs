//! Support for the tests of several formats.

pub(crate) mod vectors;
