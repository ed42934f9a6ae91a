//! A file as a slice of bytes, read by the pages that are touched.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapOptions};

/// A whole file, mapped read-only and private.
///
/// **A mapped file must not shrink while it is in use.** Reading a page that lies behind the new end raises
/// `SIGBUS`, which ends the process. The length is checked once, when the file is opened; nobody but the
/// operating system could check it at every access. Files that others rewrite in place belong in a `.gz`,
/// which is read into memory, or behind a rename: replacing a file by renaming a new one over it is safe, as
/// the mapping keeps the old one alive.
pub(crate) struct Mapped(Mmap);

impl Mapped {
    /// Maps `file` as it is now. An error if it is not `length` bytes long, or if the system refuses.
    pub(crate) fn open(file: &File, length: u64) -> io::Result<Self> {
        let too_large = || io::Error::new(io::ErrorKind::OutOfMemory, "larger than the address space");
        let bytes = usize::try_from(length).map_err(|_| too_large())?;
        // SAFETY: the mapping is read-only and private (`MAP_PRIVATE`), so that this process neither changes
        // the file nor is handed a writable alias of it. What remains is that another process truncates or
        // rewrites the file meanwhile: the type's documentation makes that the caller's responsibility, as
        // every memory map must. No byte that is read back is trusted for anything but its value: lengths and
        // offsets come from the header, which was read with `read` before.
        let map = unsafe { MmapOptions::new().len(bytes).map_copy_read_only(file)? };
        // After the mapping, so that no shrinking between the caller's check and the mapping goes unseen.
        if file.metadata()?.len() != length {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "changed its size while it was being opened",
            ));
        }
        Ok(Mapped(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
