//! The processor: its instruction sets, caches, threads and memory.
//!
//! | module | content |
//! |---|---|
//! | [`simd`] | one vector type per instruction set, and the dispatch to it |
//! | `caches` | the sizes of the level-1 and level-2 caches |
//! | `half` | numbers of half precision |
//! | [`memory`] | the aligned slab |
//! | [`parallel`] | the [`Context`](crate::Context): an instruction set and threads |
//! | [`peak`] | the processor's peak speed, measured |

#[cfg_attr(feature = "portable", allow(dead_code))]
pub(crate) mod caches;
pub(crate) mod half;
pub mod memory;
pub mod parallel;
pub mod peak;
pub mod simd;
