//! A file as a slice of bytes: pages are read when they are touched, and the slice survives if the
//! file is cut off.
//!
//! To read a page of a map that lies behind the file's end raises `SIGBUS`, which ends the process,
//! and any other process may cut a file off at any time. Here the signal is handled (`guard`): zero
//! pages take the place of what is gone, the map is marked as broken, and the load that was
//! interrupted goes on and reads zeros. It is what libwayland-server does with the memory that its
//! clients share. Whoever reads asks afterwards whether the map is broken, and
//! [`DataFile`](crate::files::data_file::DataFile) also whether the file is what it was. What else
//! there is:
//!
//! - **A copy in memory** takes the whole file's memory and time before the first batch, and is
//!   what a map is there to avoid.
//! - **Positioned reads alone** fail with an error, not with a signal, but copy each batch once
//!   more and cost a system call for each sample. They are the way out where a map cannot be
//!   guarded, and `Access::Read`.
//! - **A lease** (`F_SETLEASE`) tells of a writer before he writes, but only on Linux, only the
//!   file's owner, and not on network file systems; and the reader has to be done within seconds,
//!   or is overrun.
//! - **A lock** binds those who ask for it, which `cp` and editors do not.
//! - **To compare the length before each access** leaves a gap between the question and the load.
//!
//! On Windows a file that is mapped cannot be cut off, so that there is nothing to guard.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};

use memmap2::{Mmap, MmapOptions};

#[cfg(unix)]
mod guard;

/// A whole file, mapped read-only and private.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// Before the map, as fields are dropped in this order: what is unmapped must no longer be
    /// guarded, because the next map may get its addresses.
    #[cfg(unix)]
    region: guard::Region,
    map: Mmap,
}

impl Mapped {
    /// Maps `file` as it is now, which is `length` bytes long: if it is shorter by now, the map
    /// breaks where it ends. An error if the system refuses to map it or to have the map guarded.
    pub(crate) fn open(file: &File, length: u64) -> io::Result<Self> {
        let too_large =
            || io::Error::new(io::ErrorKind::OutOfMemory, "larger than the address space");
        let bytes = usize::try_from(length).map_err(|_| too_large())?;
        // SAFETY: the mapping is read-only and private (`MAP_PRIVATE`), so that this process
        // neither changes the file nor is handed a writable alias of it. What remains is that
        // another process truncates or rewrites the file meanwhile. The first is guarded below.
        // Against the second no map can be held to what a slice promises; it is tolerable because
        // no byte that is read from the slice is trusted for anything but its value, which callers
        // copy out and use only if `DataFile::check` passes afterwards.
        let map = unsafe { MmapOptions::new().len(bytes).map_copy_read_only(file)? };
        // SAFETY: `map` is a private, read-only map from its first page on, made by the line
        // before; the field order of `Mapped` drops the region before it, and nothing else unmaps
        // it or maps over it.
        #[cfg(unix)]
        let region = unsafe { guard::Region::new(map.as_ptr(), bytes)? };
        Ok(Mapped {
            #[cfg(unix)]
            region,
            map,
        })
    }

    /// Tells whether bytes were read that the file no longer had, or that the disk did not give.
    /// They read as zeros.
    pub(crate) fn broken(&self) -> bool {
        #[cfg(unix)]
        return self.region.broken();
        #[cfg(not(unix))]
        return false;
    }

    /// Asks the system to have these bytes, which must lie in the map, in memory soon.
    pub(crate) fn will_need(&self, bytes: Range<usize>) {
        // It is advice: nothing depends on whether it is taken.
        #[cfg(unix)]
        let _ = self.map.advise_range(memmap2::Advice::WillNeed, bytes.start, bytes.len());
        #[cfg(not(unix))]
        let _ = bytes;
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

/// Asks the system to have these bytes of `file` in memory soon, for positioned reads.
pub(crate) fn read_ahead(file: &File, bytes: Range<u64>) {
    #[cfg(target_os = "linux")]
    if let (Ok(start), Ok(length)) = (bytes.start.try_into(), (bytes.end - bytes.start).try_into())
    {
        use std::os::fd::AsRawFd;
        // SAFETY: takes numbers only, and the descriptor is open as long as `file` is borrowed. It
        // is advice: nothing depends on whether it is taken.
        let _ = unsafe {
            libc::posix_fadvise64(file.as_raw_fd(), start, length, libc::POSIX_FADV_WILLNEED)
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, bytes);
}
