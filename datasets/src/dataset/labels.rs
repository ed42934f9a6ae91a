//! The labels of a data set: in memory, or in its file until they are asked for.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::dataset::checked::StoredLabels;
use crate::error::Error;

/// One label for each stored sample.
#[derive(Clone)]
pub(crate) enum Labels {
    /// Each below the number of classes, or [`UNLABELLED`].
    Owned(Arc<[u16]>),
    Stored(Arc<Lazy>),
}

pub(crate) struct Lazy {
    stored: StoredLabels,
    loaded: OnceLock<Vec<u16>>,
}

impl Labels {
    pub(crate) fn stored(stored: StoredLabels) -> Self {
        Labels::Stored(Arc::new(Lazy { stored, loaded: OnceLock::new() }))
    }

    /// All labels; an error if they cannot be read, or are damaged.
    pub(crate) fn all(&self) -> Result<&[u16], Error> {
        match self {
            Labels::Owned(labels) => Ok(labels),
            Labels::Stored(lazy) => match lazy.loaded.get() {
                Some(labels) => Ok(labels),
                None => {
                    let mut labels = Vec::new();
                    lazy.stored.append(0..lazy.stored.rows, &mut labels)?;
                    Ok(lazy.loaded.get_or_init(|| labels))
                }
            },
        }
    }

    /// Appends the labels of the samples `range` to `out`. Others are not read for it.
    pub(crate) fn append(&self, range: Range<usize>, out: &mut Vec<u16>) -> Result<(), Error> {
        match self {
            Labels::Owned(labels) => out.extend_from_slice(&labels[range]),
            Labels::Stored(lazy) => match lazy.loaded.get() {
                Some(labels) => out.extend_from_slice(&labels[range]),
                None => lazy.stored.append(range, out)?,
            },
        }
        Ok(())
    }
}
