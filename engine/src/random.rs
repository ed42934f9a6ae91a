//! Random numbers from counters: Philox4x32-10.
//!
//! A number depends on (seed, purpose, step, row, column) alone, not on what was drawn before. So a
//! resumed run and any number of threads draw the same numbers, and the backward pass can draw a dropout
//! mask again instead of keeping it.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/// A stream of random numbers for one seed and purpose.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    key: [u32; 2],
}

impl Random {
    /// The stream of `seed` for `purpose`, any number that tells its uses apart (a layer's index, say).
    pub fn new(seed: u64, purpose: u64) -> Random {
        // One Philox block mixes the two into the key.
        let mixed = philox([lo(seed), hi(seed), lo(purpose), hi(purpose)], [0x6e61_7272, 0x6f77_7321]);
        Random { key: [mixed[0], mixed[1]] }
    }

    /// Four random words, uniform over all values.
    #[inline(always)]
    pub fn words(&self, step: u64, row: u32, block: u32) -> [u32; 4] {
        philox([block, row, lo(step), hi(step)], self.key)
    }

    /// Fills `out` with numbers uniform in `[0, 1)`, multiples of 2^-24.
    pub fn fill_uniform(&self, step: u64, row: u32, out: &mut [f32]) {
        for (block, out) in out.chunks_mut(4).enumerate() {
            for (out, word) in out.iter_mut().zip(self.words(step, row, block as u32)) {
                *out = unit(word);
            }
        }
    }

    /// Fills `out` with normal numbers of mean 0 and variance 1 (Box and Muller 1958).
    pub fn fill_normal(&self, step: u64, row: u32, out: &mut [f32]) {
        for (block, out) in out.chunks_mut(4).enumerate() {
            let w = self.words(step, row, block as u32);
            let pair = |a: u32, b: u32| {
                // 1 - u lies in (0, 1]: the logarithm is finite.
                let radius = (-2.0 * f64::from(1.0 - unit(a)).ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * f64::from(unit(b))).sin_cos();
                [(radius * cos) as f32, (radius * sin) as f32]
            };
            let [a, b] = pair(w[0], w[1]);
            let [c, d] = pair(w[2], w[3]);
            for (out, normal) in out.iter_mut().zip([a, b, c, d]) {
                *out = normal;
            }
        }
    }
}

/// The upper 24 bits as a number in `[0, 1)`: exact in f32.
#[inline(always)]
fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

fn lo(x: u64) -> u32 {
    x as u32
}

fn hi(x: u64) -> u32 {
    (x >> 32) as u32
}

/// Ten rounds of Philox4x32.
#[inline(always)]
fn philox(mut c: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = u64::from(c[0]) * 0xD251_1F53;
        let p1 = u64::from(c[2]) * 0xCD9E_8D57;
        c = [hi(p1) ^ c[1] ^ key[0], lo(p1), hi(p0) ^ c[3] ^ key[1], lo(p0)];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' Random123 library (`kat_vectors`, philox4x32 10).
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn normal_numbers_have_the_moments_of_a_normal_distribution() {
        let mut x = vec![0.0; 100_000];
        Random::new(1, 2).fill_normal(3, 4, &mut x);
        let n = x.len() as f64;
        let moment = |p: i32| x.iter().map(|&x| f64::from(x).powi(p)).sum::<f64>() / n;
        // Five standard errors of each moment.
        assert!(moment(1).abs() < 5.0 * (1.0 / n).sqrt());
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
    }

    #[test]
    fn uniform_numbers_stay_below_one_and_differ_by_purpose_step_and_row() {
        let draw = |seed, purpose, step, row| {
            let mut x = vec![0.0; 1000];
            Random::new(seed, purpose).fill_uniform(step, row, &mut x);
            assert!(x.iter().all(|x| (0.0..1.0).contains(x)));
            x
        };
        let first = draw(1, 1, 1, 1);
        assert_eq!(first, draw(1, 1, 1, 1));
        for other in [draw(2, 1, 1, 1), draw(1, 2, 1, 1), draw(1, 1, 2, 1), draw(1, 1, 1, 2)] {
            assert_ne!(first, other);
        }
        let mean = first.iter().sum::<f32>() / 1000.0;
        assert!((mean - 0.5).abs() < 5.0 * (1.0f32 / 12_000.0).sqrt());
    }
}
