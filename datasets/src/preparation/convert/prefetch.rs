//! Asking for memory before it is needed.

/// A cache line of every processor in question.
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
const LINE: usize = 64;

/// Asks for the cache lines of `bytes` in the second level. Where there is no path for it, nothing
/// happens.
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    for line in bytes.iter().step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, and it neither reads nor writes as
        // far as the program can tell; the address is that of a reference besides.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(line).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(feature = "portable"))))]
    let _ = bytes;
}
