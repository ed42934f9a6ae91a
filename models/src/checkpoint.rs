//! Checkpoints: the whole state of a training on disk, from which it goes on to the same bits.
//!
//! ```text
//! Checkpoints    the folder, how often, how many; and the flag that asks for a stop
//! Checkpoint     one file: a manifest, and the arrays that it lists with their checksums
//! Identity       what a training is; another one does not go on from this checkpoint
//! ```
//!
//! The format is described in `docs/internals/checkpoints.md`. A checkpoint is no
//! [model file](crate::model_file): that has the weights that a training ends with, and no more.

#[cfg(test)]
pub(crate) mod crafted;
mod file;
mod folder;
mod identity;

pub use file::Checkpoint;
pub(crate) use file::{Manifest, Tensor};
pub use folder::Checkpoints;
pub(crate) use identity::Identity;
