//! A permutation that is computed, not stored.

use crate::random::stream::{Purpose, Stream};

const ROUNDS: usize = 6;

/// A permutation of `0..n` that takes no memory, however large `n` is: each place is computed when
/// it is asked for.
///
/// A Feistel network permutes the numbers of as many bits as `n` needs, an even number of them. A
/// number outside `0..n` is permuted again until it falls inside, which takes fewer than four turns
/// on average (J. Black, P. Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002,
/// their "cycle walking" and "generalized Feistel"). Each round mixes one half with a key by the
/// finalizer of MurmurHash3. That is far from a cipher, and far more even than a shuffle of
/// training samples needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    n: u64,
    half_bits: u32,
    keys: [u32; ROUNDS],
}

impl Permutation {
    /// The permutation of a seed, a purpose and an index.
    pub(crate) fn new(n: usize, seed: u64, purpose: Purpose, index: u64) -> Self {
        let n = n as u64;
        let bits = (u64::BITS - n.saturating_sub(1).leading_zeros()).max(2);
        let mut stream = Stream::new(seed, purpose, index);
        Permutation {
            n,
            half_bits: bits.div_ceil(2),
            keys: std::array::from_fn(|_| stream.next_u32()),
        }
    }

    /// The number at `place`, which is below `n`.
    pub(crate) fn get(&self, place: usize) -> usize {
        debug_assert!((place as u64) < self.n);
        let mut value = place as u64;
        loop {
            value = self.turn(value);
            if value < self.n {
                return value as usize;
            }
        }
    }

    fn turn(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (u64::from(mix(right as u32 ^ key)) & mask));
        }
        left << self.half_bits | right
    }
}

/// The finalizer of MurmurHash3 (A. Appleby), 32 bits.
fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permutation(n: usize, epoch: u64) -> Permutation {
        Permutation::new(n, 7, Purpose::Shuffle, epoch)
    }

    #[test]
    fn each_number_stands_at_one_place() {
        for n in (1..70).chain([255, 256, 257, 1000, 4097, 65_537]) {
            let mut seen = vec![false; n];
            for place in 0..n {
                let value = permutation(n, 3).get(place);
                assert!(
                    !std::mem::replace(&mut seen[value], true),
                    "{value} of {n} stands at two places"
                );
            }
        }
    }

    #[test]
    fn a_billion_and_more_take_no_memory_and_stay_below() {
        for n in [1_000_000_000, u32::MAX as usize] {
            let permutation = permutation(n, 0);
            let values: Vec<usize> =
                (0..1000).map(|place| permutation.get(n - 1 - place * 777)).collect();
            assert!(values.iter().all(|&value| value < n));
            // A thousand of a billion: two are the same with a chance of one in two thousand, and
            // never are here.
            let mut sorted = values.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), values.len());
            // Their mean is n / 2, with a standard deviation of n / sqrt(12 * 1000).
            let mean = values.iter().map(|&value| value as f64 / n as f64).sum::<f64>() / 1000.0;
            assert!((mean - 0.5).abs() < 4.0 / 12_000_f64.sqrt(), "{mean}");
        }
    }

    /// Places and neighbours: over many epochs each value stands at each place about as often.
    #[test]
    fn all_values_come_to_all_places() {
        let (n, epochs) = (10, 20_000);
        let mut counts = [[0_i32; 10]; 10];
        let mut steps = [0_i32; 10];
        for epoch in 0..epochs {
            let permutation = permutation(n, epoch);
            let values: Vec<usize> = (0..n).map(|place| permutation.get(place)).collect();
            for (place, &value) in values.iter().enumerate() {
                counts[place][value] += 1;
            }
            steps[(values[1] + n - values[0]) % n] += 1;
        }
        // Each expected 2,000 times, with a standard deviation of 42.
        assert!(counts.iter().flatten().all(|&count| (count - 2000).abs() < 5 * 42), "{counts:?}");
        // The step from one place's value to the next: 1 to 9, each 2,222 times, 44.
        assert!(steps[1..].iter().all(|&count| (count - 2222).abs() < 5 * 44), "{steps:?}");
    }
}
