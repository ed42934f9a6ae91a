//! The folder that a run leaves, and the files in it.

pub mod folder;
pub mod metrics;
pub mod reconstructions;
pub mod recorder;
pub mod results;
pub mod row_writer;
pub mod session;
pub mod study;
