//! Numerical functions that need no network: elementary functions, random numbers,
//! softmax, sums over columns, moving averages.

pub(crate) mod column_sums;
pub mod functions;
mod moving_average;
pub mod random;
pub(crate) mod softmax;

pub use functions::*;
pub use moving_average::moving_average;
pub use softmax::softmax;
