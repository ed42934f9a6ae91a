//! Batches for training, epoch after epoch.

pub(crate) mod cut;
pub(crate) mod loader;
mod windows;
