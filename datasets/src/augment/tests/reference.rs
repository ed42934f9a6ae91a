//! What the tests of the operations share.

use super::super::Size;

/// Calls `check` with sizes of all kinds: single pixels, single rows and columns, odd and even, one
/// to five channels.
pub(in crate::augment) fn each_size(check: impl Fn(Size)) {
    for c in [1, 2, 3, 4, 5] {
        for (h, w) in [(1, 1), (1, 2), (1, 7), (6, 1), (2, 2), (3, 5), (8, 4), (7, 7)] {
            check(Size { h, w, c });
        }
    }
}

/// An image of values in (0, 1], each another.
pub(in crate::augment) fn numbered(size: Size) -> Vec<f32> {
    (1..=size.len()).map(|i| i as f32 / size.len() as f32).collect()
}
