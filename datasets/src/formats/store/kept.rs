//! Stores that are kept of what cannot be mapped as it is: of tables and of images.

use std::path::Path;

use crate::dataset::halves::Parts;
use crate::dataset::provenance::packed_by;
use crate::error::Error;
use crate::files::data_file::Access;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::read::Store;

/// A store that says of its source what would be read of it now.
pub(crate) struct Kept {
    pub(crate) metadata: Metadata,
    pub(crate) parts: Parts,
}

impl Kept {
    /// The store `path`, its samples called `name`, if this version made it of a source with that
    /// fingerprint. One that is damaged, as far as that shows here, is taken for none: it holds
    /// nothing that cannot be had again.
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
