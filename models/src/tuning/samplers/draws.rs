//! The random numbers of a trial.

use narrows_engine::random::Random;

const TUNING: u64 = u64::from_le_bytes(*b"tuning\0\0");

/// The random numbers of one parameter, or of one group of them, in one trial: a function of the
/// seed, the trial and the parameter, whatever else was drawn.
pub(super) struct Draws {
    random: Random,
    number: u64,
    parameter: u32,
    drawn: u32,
}

impl Draws {
    /// Those of the parameter at the place `parameter` of the space, in trial `number`.
    pub(super) fn new(seed: u64, number: usize, parameter: usize) -> Draws {
        let random = Random::new(seed, TUNING);
        Draws { random, number: number as u64, parameter: parameter as u32, drawn: 0 }
    }

    /// A number in [0, 1), a multiple of 2^-53.
    pub(super) fn uniform(&mut self) -> f64 {
        let [high, low, ..] = self.random.words(self.number, self.parameter, self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A place in `0..n`, where n is not zero.
    pub(super) fn place(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }
}
