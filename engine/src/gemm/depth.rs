//! The blocks that sums over k are cut into: the same in every product, so that each gives the same
//! bits.

use super::matrix::part;

/// Rows of B in a block, at most. A micro-panel of A, 14 x 512 floats or 28 KB, fits into a level-1
/// cache of 32 KB, if barely; twice as long blocks read and write C half as often as those of 256
/// rows. The sums depend on it.
pub(crate) const KC: usize = 512;

/// The blocks of k: `(start, length)`, of about equal length.
pub(crate) fn k_blocks(k: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    even_blocks(0, k, KC)
}

/// As few blocks of `start..start + len` as can be, none longer than `most`.
pub(crate) fn even_blocks(
    start: usize,
    len: usize,
    most: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    let count = len.div_ceil(most).max(1);
    let at = move |i| part(i, len, count);
    (0..count).map(move |i| (start + at(i), at(i + 1) - at(i)))
}
