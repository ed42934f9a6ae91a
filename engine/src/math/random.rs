//! Random numbers from counters: Philox4x32-10.
//!
//! A number depends on (seed, purpose, step, row, column) alone, not on what was drawn before. So a
//! resumed run and any number of threads draw the same numbers, and the backward pass can draw a
//! dropout mask again instead of keeping it.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/// A stream of random numbers for one seed and purpose.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    key: [u32; 2],
}

impl Random {
    /// The stream of `seed` for `purpose`, any number that tells its uses apart (a layer's index,
    /// say).
    pub fn new(seed: u64, purpose: u64) -> Random {
        // One Philox block mixes the two into the key.
        let mixed =
            philox([lo(seed), hi(seed), lo(purpose), hi(purpose)], [0x6e61_7272, 0x6f77_7321]);
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
        let (mut u, mut t) = ([1.0; PAIRS], [0.0; PAIRS]);
        for (chunk, out) in out.chunks_mut(2 * PAIRS).enumerate() {
            for block in 0..out.len().div_ceil(4) {
                let w = self.words(step, row, (chunk * PAIRS / 2 + block) as u32);
                for i in 0..2 {
                    // 1 - u lies in (0, 1]: the logarithm is finite.
                    u[2 * block + i] = f64::from(1.0 - unit(w[2 * i]));
                    t[2 * block + i] = f64::from(unit(w[2 * i + 1]));
                }
            }
            let mut normal = [0.0; 2 * PAIRS];
            for i in 0..PAIRS {
                let radius = (-2.0 * ln(u[i])).sqrt();
                let (sin, cos) = sin_cos_turns(t[i]);
                normal[2 * i] = (radius * cos) as f32;
                normal[2 * i + 1] = (radius * sin) as f32;
            }
            out.copy_from_slice(&normal[..out.len()]);
        }
    }
}

/// The pairs of normal numbers that are made at a time.
const PAIRS: usize = 32;

/// The logarithm of x in (0, 1], within 1e-10 of it. Unlike a library's, it has no branches, so
/// that the compiler makes vectors of it: a network's initial weights are most of what it does
/// before its first step. And no other library gives it other bits.
#[inline(always)]
fn ln(x: f64) -> f64 {
    // x = 2^k m, with m in [1/sqrt 2, sqrt 2).
    let offset = x.to_bits().wrapping_sub(0x3fe6_a09e_0000_0000);
    let k = ((offset as i64) >> 52) as i32;
    let m = f64::from_bits(x.to_bits().wrapping_sub(offset & (0xfff << 52)));
    // ln m = 2 artanh s
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = 1.0
        + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0)))));
    f64::from(k) * std::f64::consts::LN_2 + 2.0 * s * series
}

/// Sine and cosine of `t` full turns, for t in [0, 1), within 1e-8. It has no branches, like
/// [`ln`].
#[inline(always)]
fn sin_cos_turns(t: f64) -> (f64, f64) {
    // Adding it rounds to whole quarters, whose number is in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let quarters = 4.0 * t + ROUND;
    let quadrant = quarters.to_bits();
    let r = (4.0 * t - (quarters - ROUND)) * std::f64::consts::FRAC_PI_2;
    // Taylor's series, for r in [-pi / 4, pi / 4]
    let z = r * r;
    let s = r * (1.0 - z / 6.0 * (1.0 - z / 20.0 * (1.0 - z / 42.0 * (1.0 - z / 72.0))));
    let c =
        1.0 - z / 2.0 * (1.0 - z / 12.0 * (1.0 - z / 30.0 * (1.0 - z / 56.0 * (1.0 - z / 90.0))));
    let (sin, cos) = if quadrant & 1 == 0 { (s, c) } else { (c, s) };
    let negate = |x: f64, sign: u64| f64::from_bits(x.to_bits() ^ (sign & 2) << 62);
    (negate(sin, quadrant), negate(cos, quadrant.wrapping_add(1)))
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
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]
        );
        assert_eq!(
            philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn functions_are_those_of_the_library() {
        for i in 0..=1 << 16 {
            let t = f64::from(i) / f64::from(1 << 16);
            let (sin, cos) = sin_cos_turns(t);
            let (expected_sin, expected_cos) = (std::f64::consts::TAU * t).sin_cos();
            assert!(
                (sin - expected_sin).abs() < 1e-8 && (cos - expected_cos).abs() < 1e-8,
                "{t} turns"
            );
            for x in [t, t / f64::from(1 << 8)].into_iter().filter(|&x| x > 0.0) {
                assert!(
                    (ln(x) - x.ln()).abs() <= 1e-10 * x.ln().abs().max(1e-3),
                    "the logarithm of {x}"
                );
            }
        }
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
