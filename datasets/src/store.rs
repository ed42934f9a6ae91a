//! Where the values of a data set live.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::mapped::Mapped;

/// The values of all samples, one after the other.
pub(crate) enum Store {
    /// A part of a mapped file.
    Mapped { file: Arc<Mapped>, values: Range<usize> },
    /// Memory of our own.
    Owned(Vec<u8>),
}

impl Deref for Store {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Store::Mapped { file, values } => &file[values.clone()],
            Store::Owned(values) => values,
        }
    }
}
