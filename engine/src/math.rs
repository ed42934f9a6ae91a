//! Numerical functions that need no network: elementary functions, random numbers, sums over
//! columns.

pub(crate) mod column_sums;
pub mod functions;
pub mod random;

pub use functions::*;
