//! Where the values of a data set live.

use std::ops::Deref;

use crate::mapped::Mapped;

/// The values of all samples, one after the other.
pub(crate) enum Store {
    /// A mapped file, the values from `start` to its end.
    Mapped { file: Mapped, start: usize },
    /// Memory of our own.
    Owned(Vec<u8>),
}

impl Deref for Store {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Store::Mapped { file, start } => &file[*start..],
            Store::Owned(values) => values,
        }
    }
}
