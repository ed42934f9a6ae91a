//! Cutting an epoch's order into batches.

use std::iter::FusedIterator;

/// The batches of one epoch: consecutive slices of `order`, of at most `batch` rows each.
///
/// No batch is ragged: they are as few as `batch` allows and differ in length by one row at most,
/// the longer ones first. So each step weighs its samples alike, and batch normalisation never
/// meets a tiny last batch. A batch of a **single row** can then only come from a batch size of 2
/// and an odd number of rows; it is dropped, because a single row has no variance. The epoch's
/// shuffle decides which sample that is.
///
/// ```
/// use narrows_datasets::Batches;
///
/// let lengths = |rows: u32, batch| {
///     Batches::new(&Vec::from_iter(0..rows), batch).map(<[u32]>::len).collect::<Vec<_>>()
/// };
/// assert_eq!(lengths(8, 4), [4, 4]);
/// assert_eq!(lengths(9, 4), [3, 3, 3]);
/// assert_eq!(lengths(10, 4), [4, 3, 3]);
/// assert_eq!(lengths(3, 2), [2]);
/// assert_eq!(lengths(3, 1), [1, 1, 1]);
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u32],
    batches: usize,
}

impl<'a> Batches<'a> {
    /// Batches of at most `batch` rows. [`len`](ExactSizeIterator::len) is the number of steps in
    /// the epoch.
    ///
    /// # Panics
    /// If `batch` is zero.
    pub fn new(order: &'a [u32], batch: usize) -> Self {
        assert!(batch > 0, "a batch holds at least one row");
        let rest = match order {
            [most @ .., _] if batch == 2 && order.len() % 2 == 1 && order.len() > 1 => most,
            all => all,
        };
        Batches { rest, batches: rest.len().div_ceil(batch) }
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        if self.batches == 0 {
            return None;
        }
        let (batch, rest) = self.rest.split_at(length_of_batch(self.rest.len(), self.batches));
        (self.rest, self.batches) = (rest, self.batches - 1);
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.batches, Some(self.batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}
impl FusedIterator for Batches<'_> {}

/// The rows of the next batch, where so many rows and batches are left.
pub(crate) fn length_of_batch(rows: usize, batches: usize) -> usize {
    rows.div_ceil(batches)
}
