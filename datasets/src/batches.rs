//! Cutting an epoch's order into batches.

use std::iter::FusedIterator;
use std::slice::Chunks;

/// The batches of one epoch: consecutive slices of `order`, `batch` rows each.
///
/// The last batch may be shorter. It is kept, except when it would hold a **single row** out of a larger
/// batch size: then it is dropped, because batch normalisation has no variance to divide by. The epoch's
/// shuffle decides which sample that is, so that none is left out of training for good. A batch size of 1
/// drops nothing.
///
/// ```
/// use narrows_datasets::Batches;
///
/// let lengths = |rows: u32, batch| {
///     Batches::new(&Vec::from_iter(0..rows), batch).map(<[u32]>::len).collect::<Vec<_>>()
/// };
/// assert_eq!(lengths(8, 4), [4, 4]);
/// assert_eq!(lengths(6, 4), [4, 2]);
/// assert_eq!(lengths(5, 4), [4]);
/// assert_eq!(lengths(3, 1), [1, 1, 1]);
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'a>(Chunks<'a, u32>);

impl<'a> Batches<'a> {
    /// Batches of `batch` rows. [`len`](ExactSizeIterator::len) is the number of steps in the epoch.
    ///
    /// # Panics
    /// If `batch` is zero.
    pub fn new(order: &'a [u32], batch: usize) -> Self {
        assert!(batch > 0, "a batch holds at least one row");
        let kept = if batch > 1 && order.len() % batch == 1 { order.len() - 1 } else { order.len() };
        Batches(order[..kept].chunks(batch))
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    /// Constant time: a resumed run skips to its step.
    fn nth(&mut self, n: usize) -> Option<&'a [u32]> {
        self.0.nth(n)
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}
