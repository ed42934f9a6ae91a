//! Stores that are kept of tables and of images, which cannot be mapped as they are.

use std::path::Path;

use crate::dataset::halves::Parts;
use crate::dataset::provenance::packed_by;
use crate::error::Error;
use crate::files::data_file::Access;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::read::Store;

/// A store that holds the samples of its source as they are now.
pub(crate) struct Kept {
    pub(crate) metadata: Metadata,
    pub(crate) parts: Parts,
}

impl Kept {
    /// The store `path`, its samples called `name`, if this version made it of a source with that
    /// fingerprint. A store that is damaged, as far as that shows here, is passed over: its source
    /// can be read again.
    pub(crate) fn find(path: &Path, name: &str, fingerprint: &str, access: Access) -> Option<Kept> {
        let store = Store::open(path, access).ok()?;
        let metadata = store.metadata().clone();
        let provenance = &metadata.provenance;
        if provenance.fingerprint.as_deref() != Some(fingerprint)
            || provenance.packed_by != packed_by()
        {
            return None;
        }
        let parts = store.into_parts(name).ok()?;
        parts.both().0.labels().ok()?;
        Some(Kept { metadata, parts })
    }

    /// [`Kept::find`] of a store that was written just now.
    pub(crate) fn open(
        path: &Path,
        name: &str,
        fingerprint: &str,
        access: Access,
    ) -> Result<Kept, Error> {
        Kept::find(path, name, fingerprint, access)
            .ok_or_else(|| Error::file(path, "changed while it was being written: try again"))
    }
}
