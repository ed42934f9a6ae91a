//! The tests of the crate, in one program: it links once. Tests that count allocations, or change
//! what a process shares, are alone in theirs.

mod gemm;
mod init;
mod ladder;
mod layers;
mod loss;
mod math;
mod network;
mod optimizer;
mod parallel;
mod peak;
mod predictor;
mod schedule;
mod simd;
mod support;
