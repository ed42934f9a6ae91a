//! Tables: rows of numbers and texts, as CSV and Parquet files hold them.
//!
//! A table is read twice. `infer` learns what its columns are (`layout`), `rows` hands on its rows
//! as they are stored: one `f32` for each column, and a label. `open` keeps them in a store.

mod again;
pub(crate) mod cell;
mod counts;
pub(crate) mod csv;
mod currencies;
mod dates;
mod decide;
mod infer;
pub(crate) mod json;
mod layout;
mod marks;
mod measured;
mod names;
pub(crate) mod open;
mod parallel;
pub(crate) mod parquet;
mod roles;
mod rounding;
mod rows;
pub(crate) mod source;
#[cfg(test)]
mod tests;
mod totals;
mod units;
mod unknown;
pub(crate) mod write;
