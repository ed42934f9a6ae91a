//! Panics of decoders that others wrote, at damage that nobody has tried on them yet: an error like
//! any other.
//!
//! A panic that is caught was told before: by the program's hook, which writes to standard error. A
//! library does not replace that. [`hide_decoder_panics`] does, for a program that asks for it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// True while this thread runs a decoder whose panics are caught.
    static CATCHES: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder on this thread; `None` if it panicked.
pub(crate) fn caught<T>(decode: impl FnOnce() -> T) -> Option<T> {
    // One decoder may be within another.
    let before = CATCHES.replace(true);
    // After a panic, nothing that `decode` changed is used.
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    CATCHES.set(before);
    decoded.ok()
}

/// Keeps the messages of panics from standard error that this crate catches and returns as errors:
/// those of decoders at damaged files. It wraps the panic hook of the program; other panics reach
/// that as before. Calls after the first do nothing.
pub fn hide_decoder_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // A thread at its end has no such value any more, and runs no decoder.
            if !CATCHES.try_with(Cell::get).unwrap_or(false) {
                tell(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_caught_within_each_other_and_others_are_not() {
        let inner = || {
            caught(|| {
                if CATCHES.get() {
                    panic!("damage")
                }
            })
        };
        assert_eq!(caught(|| (inner(), CATCHES.get())), Some((None, true)));
        assert!(!CATCHES.get() && caught(|| 1) == Some(1));
        let elsewhere = || std::thread::spawn(|| CATCHES.get()).join();
        assert!(matches!(caught(elsewhere), Some(Ok(false))));
        assert!(panic::catch_unwind(|| assert!(CATCHES.get())).is_err());
    }
}
