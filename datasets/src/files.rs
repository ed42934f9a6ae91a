//! Opening, mapping, writing and caching of files that others may use at the same time.

pub(crate) mod atomic;
pub(crate) mod cache;
pub(crate) mod compressed;
pub(crate) mod data_file;
pub(crate) mod gzip;
pub(crate) mod hash;
#[expect(unsafe_code, reason = "memory mapping")]
mod mapped;
pub(crate) mod memory;
pub(crate) mod platform;
pub(crate) mod regular;
#[cfg(feature = "parquet")]
pub(crate) mod zstd;
