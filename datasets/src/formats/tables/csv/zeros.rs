//! Numbers with zeros before them, as postcodes and other codes have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The first line of such a number in each column; `u64::MAX` for none. Threads that meet later
/// ones first change nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct LeadingZeros(Arc<Vec<AtomicU64>>);

impl LeadingZeros {
    pub(super) fn new(columns: usize) -> Self {
        LeadingZeros(Arc::new((0..columns).map(|_| AtomicU64::new(u64::MAX)).collect()))
    }

    /// Notes that a number in the column `at` is written as `text`, on `line`.
    #[inline]
    pub(super) fn look(&self, at: usize, line: u64, text: &str) {
        if let [b'0', b'0'..=b'9', ..] = text.as_bytes() {
            self.add(at, line);
        }
    }

    #[cold]
    fn add(&self, at: usize, line: u64) {
        if let Some(first) = self.0.get(at)
            && line < first.load(Ordering::Relaxed)
        {
            first.fetch_min(line, Ordering::Relaxed);
        }
    }

    /// The first line in the column `at`.
    pub(super) fn first(&self, at: usize) -> Option<u64> {
        self.0.get(at).map(|line| line.load(Ordering::Relaxed)).filter(|line| *line < u64::MAX)
    }
}
