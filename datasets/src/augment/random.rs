//! Random numbers for one operation on one sample in one epoch.
//!
//! A stream is SplitMix64 from a state into which seed, epoch, row and operation are mixed one
//! after the other. There is nothing to set up, and 64 bits take two products: the cipher of
//! `crate::random` makes a few hundred bytes before it gives the first. Streams are pieces of one
//! sequence of 2^64 words; that two of the few million pieces of a training overlap is not to be
//! expected, and would do no harm.
//!
//! Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

/// The key to random numbers: the same key gives the same augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleKey {
    /// Decides everything random of a training.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The sample's row in its data set.
    pub row: u32,
}

/// The operation that a stream is for. Changing a number changes every training that uses the
/// operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Affine = 1,
    Crop = 2,
    Shift = 3,
    Flip = 4,
    Brightness = 5,
    Contrast = 6,
    Gaussian = 7,
    Mask = 8,
    Cutout = 9,
    Patch = 10,
    Salt = 11,
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

pub(super) struct Stream {
    state: u64,
}

impl Stream {
    pub(super) fn new(key: SampleKey, purpose: Purpose) -> Stream {
        let mut state = 0;
        for part in [key.seed, key.epoch, u64::from(key.row), purpose as u64] {
            state = Stream { state: state ^ part }.word();
        }
        Stream { state }
    }

    /// 64 random bits.
    #[inline(always)]
    pub(super) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        let z = self.state;
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number in `[0, 1)`, a multiple of 2^-24.
    pub(super) fn unit(&mut self) -> f32 {
        (self.word() >> 40) as f32 * (1.0 / (1 << 24) as f32)
    }

    /// A number from `-most` up and below `most`.
    pub(super) fn around_zero(&mut self, most: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * most
    }

    /// A number in `0..bound`; how often each comes differs by less than one in 2^64 / bound, where
    /// `bound` is not zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.word()) * bound as u128) >> 64) as usize
    }

    /// A whole number in `-most..=most`.
    pub(super) fn whole_around_zero(&mut self, most: usize) -> isize {
        self.below(2 * most + 1) as isize - most as isize
    }
}

/// Sine and cosine of `t` full turns, for t in `[-1, 1]`, within 2e-7; whole quarters are exact. It
/// has no branches, so that the compiler makes vectors of it, and no library gives it other bits.
#[inline(always)]
pub(super) fn sin_cos_turns(t: f32) -> (f32, f32) {
    // Adding it rounds to whole quarters, whose number is in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let quarters = 4.0 * t + ROUND;
    let quadrant = quarters.to_bits();
    let r = (4.0 * t - (quarters - ROUND)) * std::f32::consts::FRAC_PI_2;
    // Taylor's series, for r in [-pi / 4, pi / 4]
    let z = r * r;
    let s = r * (1.0 - z / 6.0 * (1.0 - z / 20.0 * (1.0 - z / 42.0 * (1.0 - z / 72.0))));
    let c = 1.0 - z / 2.0 * (1.0 - z / 12.0 * (1.0 - z / 30.0 * (1.0 - z / 56.0)));
    let odd = (quadrant & 1).wrapping_neg();
    let pick = |a: f32, b: f32| a.to_bits() & !odd | b.to_bits() & odd;
    let negate = |bits: u32, sign: u32| f32::from_bits(bits ^ (sign & 2) << 30);
    (negate(pick(s, c), quadrant), negate(pick(c, s), quadrant.wrapping_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs from the state 1234567, by the reference implementation.
        let mut stream = Stream { state: 1_234_567 };
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(published.map(|_| stream.word()), published);
    }

    #[test]
    fn streams_differ_by_seed_epoch_row_and_purpose() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..10 {
            for epoch in 0..10 {
                for row in 0..10 {
                    for purpose in [Purpose::Affine, Purpose::Shift, Purpose::Mask] {
                        seen.insert(Stream::new(SampleKey { seed, epoch, row }, purpose).word());
                    }
                }
            }
        }
        assert_eq!(seen.len(), 3000);
    }

    /// Seven values in 70,000 throws: each is expected 10,000 times, with a standard deviation of
    /// 93.
    #[test]
    fn whole_numbers_are_even_and_stay_within() {
        let mut stream = Stream { state: 5 };
        let mut counts = [0_i32; 7];
        for _ in 0..70_000 {
            counts[(stream.whole_around_zero(3) + 3) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (count - 10_000).abs() < 5 * 93), "{counts:?}");
        assert_eq!(stream.whole_around_zero(0), 0);
    }

    #[test]
    fn sine_and_cosine_are_those_of_the_library() {
        for i in -(1 << 16)..=1 << 16 {
            let t = i as f32 / (1 << 16) as f32;
            let (sin, cos) = sin_cos_turns(t);
            let (expected_sin, expected_cos) = (std::f64::consts::TAU * f64::from(t)).sin_cos();
            let off =
                (f64::from(sin) - expected_sin).abs().max((f64::from(cos) - expected_cos).abs());
            assert!(off < 2e-7, "{t} turns: {off:e}");
        }
        assert_eq!(sin_cos_turns(0.25), (1.0, 0.0));
    }
}
