//! Random numbers that are a function of their purpose.
//!
//! A stream is ChaCha8 under a key that spells out (seed, purpose, index), all little-endian:
//!
//! ```text
//! bytes  0..8    seed
//! bytes  8..16   purpose, eight ASCII letters
//! bytes 16..24   index: the epoch, or the draw
//! bytes 24..32   zero
//! ```
//!
//! Two purposes, or two epochs, never share a stream, and no stream depends on how much of another
//! was used. ChaCha8 is a published cipher and the two algorithms on top are spelled out here, so
//! that no crate's upgrade can change a split: `tests/oracle/splits.py` computes the same numbers
//! without this code, and the tests pin them.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// The purpose of a stream. Changing a tag changes every split made with it.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Shuffle,
    Window,
    Holdout,
    Labels,
    Split,
}

impl Purpose {
    fn tag(self) -> &'static [u8; 8] {
        match self {
            Purpose::Shuffle => b"shuffle ",
            Purpose::Window => b"window  ",
            Purpose::Holdout => b"holdout ",
            Purpose::Labels => b"labels  ",
            Purpose::Split => b"split   ",
        }
    }
}

pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[0..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(purpose.tag());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in `0..bound`, every one equally likely; `bound` is not zero.
    ///
    /// D. Lemire, Fast Random Integer Generation in an Interval, ACM TOMACS 29(1), 2019, algorithm
    /// 5.
    fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Fisher and Yates, from the last place to the first. `rows` holds at most `u32::MAX` values.
    pub(crate) fn shuffle<T>(&mut self, rows: &mut [T]) {
        for last in (1..rows.len()).rev() {
            let chosen = self.below(last as u32 + 1) as usize;
            rows.swap(last, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keystream of ChaCha8 under the all-zero key, from
    /// draft-strombergson-chacha-test-vectors-01, TC1.
    #[test]
    fn the_cipher_is_the_published_one() {
        let published = "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e";
        let mut cipher = ChaCha8Rng::from_seed([0; 32]);
        let keystream: String = (0..8)
            .flat_map(|_| cipher.next_u32().to_le_bytes())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(keystream, published);
    }

    /// Six values in 60,000 throws: each is expected 10,000 times, with a standard deviation of 91.
    #[test]
    fn below_is_even_and_stays_below() {
        let mut stream = Stream::new(1, Purpose::Shuffle, 0);
        let mut counts = [0_i32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (count - 10_000).abs() < 5 * 91), "{counts:?}");
        assert_eq!(stream.below(1), 0);
    }
}
