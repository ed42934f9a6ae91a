//! What a store promises is held against its file before memory is taken for it.

mod store_files;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use narrows_datasets::{Access, OpenOptions, verify};
use store_files::{ByHand, metadata, read_all, small, with_header};

/// The system's allocator, which knows how many bytes are in use, how many were at most, and in one
/// piece. The test is alone in its process: others would be counted as well.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

fn take(bytes: usize) {
    LARGEST.fetch_max(bytes, Ordering::Relaxed);
    MOST.fetch_max(IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes, Ordering::Relaxed);
}

#[allow(unsafe_code)]
// SAFETY: every method passes its arguments on to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn no_more_memory_is_taken_than_the_file_has_bytes_and_16_mb() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lying");
    let mut files = Vec::new();
    let whole = small().bytes();
    for field in [16, 24, 32, 40, 56] {
        for number in [u64::MAX, 1 << 63, 1 << 50, 1 << 40, 1 << 35, 1 << 31, 1 << 27] {
            files.push(with_header(&whole, field, &number.to_le_bytes()));
        }
    }
    // A name takes eight times as much memory as its two quotes and its comma.
    let names = format!(r#""shape":[2],"classes":[{}""]"#, "\"\",".repeat(7_000_000));
    files.push(ByHand { metadata: metadata(&names), ..small() }.bytes());
    let text = format!(r#""shape":[2],"classes":["a","b"],"label":"{}""#, "x".repeat(20_000_000));
    files.push(ByHand { metadata: metadata(&text), ..small() }.bytes());
    let damaged = {
        let mut bytes = whole;
        bytes[4100] ^= 1;
        bytes
    };
    files.push(damaged);
    for bytes in files {
        fs::write(&path, &bytes).unwrap();
        let length = bytes.len();
        let start = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
        drop(bytes);
        for access in [Access::Map, Access::Read] {
            let before = IN_USE.load(Ordering::Relaxed);
            MOST.store(before, Ordering::Relaxed);
            LARGEST.store(0, Ordering::Relaxed);
            let _ = read_all(&path, &OpenOptions { access, ..OpenOptions::default() });
            let _ = verify(&path, &mut |_, _| {});
            let taken = MOST.load(Ordering::Relaxed) - before;
            let largest = LARGEST.load(Ordering::Relaxed);
            assert!(
                largest < length + (16 << 20),
                "{largest} bytes for {length}, of {start} samples and more"
            );
            // Metadata are in memory as text and as what it says.
            assert!(
                taken < 2 * length + (16 << 20),
                "{taken} bytes for {length}, of {start} samples and more"
            );
            assert!(taken > 1_000, "nothing was counted");
        }
    }
}
