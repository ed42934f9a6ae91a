//! A SIMD compute engine that trains neural networks on a CPU.
mod error;
pub mod gemm;
pub mod memory;
pub mod parallel;
pub mod peak;
pub mod simd;
pub use error::Error;
