//! The order of an epoch, and samples set aside.

use crate::random::permutation::Permutation;
use crate::random::stream::{Purpose, Stream};

/// The largest number of rows whose order is a list: 64 MB.
pub(crate) const MOST_LISTED: usize = 1 << 24;

/// The order in which epoch `epoch` visits `n` samples: a permutation of `0..n`.
///
/// The same `(n, seed, epoch)` gives the same permutation on every machine and in every version;
/// epochs are independent of each other, so that a resumed run needs nothing but the number of the
/// epoch it stopped in.
///
/// # Panics
/// If `n` is above `u32::MAX`.
#[must_use]
pub fn shuffled(n: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = vec![0; n];
    shuffle_into(&mut order, seed, epoch);
    order
}

/// [`shuffled`] without an allocation: overwrites `order` with a permutation of `0..order.len()`.
///
/// # Panics
/// If `order` holds more than `u32::MAX` rows.
pub fn shuffle_into(order: &mut [u32], seed: u64, epoch: u64) {
    fill_in_order(order);
    Stream::new(seed, Purpose::Shuffle, epoch).shuffle(order);
}

/// Sets `held` of `n` samples aside by a seeded choice, and returns their rows, ascending. If
/// `held` is above `n`, these are all rows.
///
/// Up to 16 million samples all rows are shuffled in a list. Beyond that, memory is taken for the
/// rows held alone.
///
/// # Panics
/// If `n` is above `u32::MAX`.
#[must_use]
pub fn holdout(n: usize, held: usize, seed: u64) -> Vec<u32> {
    if n <= MOST_LISTED {
        return listed_holdout(n, held, seed);
    }
    assert!(u32::try_from(n).is_ok(), "a row number is 32 bits wide, so {n} rows are too many");
    let permutation = Permutation::new(n, seed, Purpose::Holdout, 0);
    let mut rows: Vec<u32> = (0..held.min(n)).map(|place| permutation.get(place) as u32).collect();
    rows.sort_unstable();
    rows
}

/// [`holdout`] by a list, whatever the number of samples: data sets are split by it.
pub(crate) fn listed_holdout(n: usize, held: usize, seed: u64) -> Vec<u32> {
    let mut rows = vec![0; n];
    fill_in_order(&mut rows);
    Stream::new(seed, Purpose::Holdout, 0).shuffle(&mut rows);
    let mut held = rows.split_off(n - held.min(n));
    held.sort_unstable();
    held
}

fn fill_in_order(rows: &mut [u32]) {
    assert!(
        u32::try_from(rows.len()).is_ok(),
        "a row number is 32 bits wide, so {} rows are too many",
        rows.len()
    );
    for (place, row) in rows.iter_mut().enumerate() {
        *row = place as u32;
    }
}
