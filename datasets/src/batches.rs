//! Batches for training, epoch after epoch.

pub(crate) mod loader;
mod windows;
