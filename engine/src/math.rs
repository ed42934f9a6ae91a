//! Numerical functions that need no network: elementary functions, half precision, random numbers,
//! sums over columns.

pub(crate) mod column_sums;
pub mod functions;
pub(crate) mod half;
pub mod random;

pub use functions::*;
