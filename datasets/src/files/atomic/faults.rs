//! Faults at each call that changes a disk: a file holds its old content or its new one after any.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::{AtomicFile, write_atomically};

/// A fault, and the calls before it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The call fails: the disk is full, or broken.
    Fails(i32),
    /// Half of the bytes are written; the call after that one fails.
    Short,
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

thread_local! {
    static PLANTED: Cell<Option<(u32, Fault)>> = const { Cell::new(None) };
    static MET: Cell<bool> = const { Cell::new(false) };
}

/// True if it is this call's turn.
fn due() -> Option<Fault> {
    let (calls, fault) = PLANTED.get()?;
    PLANTED.set(match calls {
        // A disk that is full stays so.
        0 => Some((0, fault)),
        more => Some((more - 1, fault)),
    });
    MET.set(MET.get() || calls == 0);
    (calls == 0).then_some(fault)
}

pub(super) fn before_a_call() -> io::Result<()> {
    match due() {
        None | Some(Fault::Short) => Ok(()),
        Some(Fault::Fails(code)) => Err(io::Error::from_raw_os_error(code)),
    }
}

pub(super) fn before_a_write(bytes: usize) -> io::Result<usize> {
    match due() {
        None => Ok(bytes),
        Some(Fault::Fails(code)) => Err(io::Error::from_raw_os_error(code)),
        Some(Fault::Short) => {
            PLANTED.set(Some((0, Fault::Fails(ENOSPC))));
            Ok(bytes.div_ceil(2))
        }
    }
}

/// Writes `path` while a fault is planted behind `calls` calls. True if it was met.
fn write(path: &Path, bytes: &[u8], calls: u32, fault: Fault) -> (io::Result<()>, bool) {
    PLANTED.set(Some((calls, fault)));
    let written = write_atomically(path, bytes);
    PLANTED.set(None);
    (written, MET.take())
}

/// A disk that fails at any call leaves the old file, and no other beside it. The next write
/// succeeds.
#[test]
fn a_failed_call_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    // More than the buffer, so that there are several writes.
    let [old, new] = [b'a', b'b'].map(|byte| vec![byte; 3 * super::BUFFER / 2]);
    let mut faults = 0;
    for fault in [Fault::Fails(EIO), Fault::Fails(ENOSPC), Fault::Short] {
        for calls in 0.. {
            fs::write(&path, &old).unwrap();
            let (written, met) = write(&path, &new, calls, fault);
            let expected = if written.is_ok() { &new } else { &old };
            assert!(fs::read(&path).unwrap() == *expected, "{fault:?} behind {calls} calls");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            if !met {
                break;
            }
            // A short write at a call that writes nothing is none.
            assert!(written.is_err() || fault == Fault::Short, "{fault:?} behind {calls} calls");
            faults += u32::from(written.is_err());
        }
    }
    // Creating, writing, flushing to the disk, renaming; and a short write, which waits for one.
    assert_eq!(faults, 2 * 4 + 2);
}

/// A process that is killed leaves what it has written so far, under another name.
#[test]
fn a_process_that_ends_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    write_atomically(&path, b"old").unwrap();
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(b"new").unwrap();
    file.flush().unwrap();
    // Nothing is dropped, so that nothing is removed.
    std::mem::forget(file);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    write_atomically(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
}
