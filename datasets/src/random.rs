//! Seeded choices: each is a function of numbers that the caller names, the same on every machine.

pub(crate) mod apportion;
pub(crate) mod label_draw;
pub(crate) mod order;
pub(crate) mod permutation;
pub(crate) mod stream;
