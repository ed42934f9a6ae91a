//! A sample: the type of its values, its label, and its columns where it is a table's row.

pub(crate) mod column;
pub(crate) mod dtype;
pub(crate) mod label;
