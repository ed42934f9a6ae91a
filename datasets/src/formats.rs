//! File formats: each turns files into a data set.
//!
//! `list` names them and recognises a file by its first bytes. To add one: write its file, and its
//! line there.

pub(crate) mod arrays;
pub(crate) mod cifar;
pub(crate) mod digits;
pub(crate) mod images;
pub(crate) mod list;
pub(crate) mod mnist;
pub(crate) mod options;
pub(crate) mod source;
pub(crate) mod store;
pub(crate) mod tables;
