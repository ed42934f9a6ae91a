//! Numerical functions that need no network: elementary functions, random numbers,
//! softmax, sums over columns.

pub(crate) mod column_sums;
pub mod functions;
pub mod random;
pub(crate) mod softmax;

pub use functions::*;
pub use softmax::softmax;
