//! Adds normal numbers.
//!
//! ```text
//! radius = sqrt(-2 ln u)      n1 = radius cos(2 pi t)      n2 = radius sin(2 pi t)
//! ```
//!
//! with u in (0, 1] and t in [0, 1), 24 bits each, from one random word: the noise ends at 5.8
//! standard deviations. (Box and Muller, A Note on the Generation of Random Normal Deviates, 1958.)
//!
//! 1. Words are drawn for some pairs before any is used: what follows is a loop without calls and
//!    branches, of which the compiler makes vectors.
//! 2. In f32, which has twice the lanes of f64: the functions are off by 1e-7, and the pixels are
//!    bytes.

use super::random::{Stream, sin_cos_turns};

/// The pairs that are made at a time.
const PAIRS: usize = 32;

pub(super) fn apply(deviation: f32, random: &mut Stream, sample: &mut [f32]) {
    for values in sample.chunks_mut(2 * PAIRS) {
        let noise = normal(random);
        for (value, noise) in values.iter_mut().zip(&noise) {
            *value += deviation * noise;
        }
    }
}

/// The first half holds the cosines, the second the sines.
fn normal(random: &mut Stream) -> [f32; 2 * PAIRS] {
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    let (mut u, mut t) = ([0_i32; PAIRS], [0_i32; PAIRS]);
    for (u, t) in u.iter_mut().zip(&mut t) {
        let word = random.word();
        (*u, *t) = ((word >> 40) as i32, (word as u32 >> 8) as i32);
    }
    let mut normal = [0.0; 2 * PAIRS];
    let (cosines, sines) = normal.split_at_mut(PAIRS);
    for (((cosine, sine), u), t) in cosines.iter_mut().zip(sines).zip(u).zip(t) {
        let radius = (-2.0 * ln((u + 1) as f32 * UNIT)).sqrt();
        let (sin, cos) = sin_cos_turns(t as f32 * UNIT);
        (*cosine, *sine) = (radius * cos, radius * sin);
    }
    normal
}

/// The logarithm of x in (0, 1], within 2e-7 of itself.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = 2^k m, with m in [1/sqrt 2, sqrt 2).
    let offset = x.to_bits().wrapping_sub(0x3f35_04f3) as i32;
    let k = offset >> 23;
    let m = f32::from_bits(x.to_bits().wrapping_sub((k << 23) as u32));
    // ln m = 2 artanh s
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = 1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0))));
    k as f32 * std::f32::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::super::SampleKey;
    use super::super::random::Purpose;
    use super::*;

    fn stream(row: u32) -> Stream {
        Stream::new(SampleKey { seed: 1, epoch: 2, row }, Purpose::Gaussian)
    }

    #[test]
    fn the_logarithm_is_the_librarys() {
        for i in (1..=1 << 24).step_by(97).chain((1 << 24) - 1000..=1 << 24) {
            let x = i as f32 / (1 << 24) as f32;
            let expected = f64::from(x).ln();
            let off = (f64::from(ln(x)) - expected).abs();
            assert!(off <= 3e-7 * expected.abs(), "{x}: off by {off:e} of {expected}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn numbers_are_box_and_mullers() {
        for row in 0..50 {
            let got = normal(&mut stream(row));
            let mut words = stream(row);
            for i in 0..PAIRS {
                let word = words.word();
                let u = ((word >> 40) + 1) as f64 / (1 << 24) as f64;
                let t = (word >> 8 & 0xff_ffff) as f64 / (1 << 24) as f64;
                let (sin, cos) = (std::f64::consts::TAU * t).sin_cos();
                let radius = (-2.0 * u.ln()).sqrt();
                assert!((f64::from(got[i]) - radius * cos).abs() < 2e-6, "{row} {i}");
                assert!((f64::from(got[PAIRS + i]) - radius * sin).abs() < 2e-6, "{row} {i}");
            }
        }
    }

    #[test]
    fn noise_has_the_moments_and_the_tails_of_a_normal_distribution() {
        let deviation = 0.3_f32;
        let mut noise = Vec::new();
        for row in 0..300 {
            let mut sample = vec![0.0; 1001];
            apply(deviation, &mut stream(row), &mut sample);
            noise.extend(sample.iter().map(|&x| f64::from(x) / f64::from(deviation)));
        }
        let n = noise.len() as f64;
        let moment = |p: i32| noise.iter().map(|x| x.powi(p)).sum::<f64>() / n;
        // Five standard errors of each.
        assert!(moment(1).abs() < 5.0 * (1.0 / n).sqrt());
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!(moment(3).abs() < 5.0 * (15.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
        for (beyond, share) in [(1.0, 0.317_310_5), (2.0, 0.045_500_3), (3.0, 0.002_699_8)] {
            let found = noise.iter().filter(|x| x.abs() > beyond).count() as f64 / n;
            assert!((found - share).abs() < 5.0 * (share / n).sqrt(), "beyond {beyond}: {found}");
        }
        // Neighbours, and the two of a pair, do not know of each other.
        for apart in [1, PAIRS] {
            let product = noise.windows(apart + 1).map(|w| w[0] * w[apart]).sum::<f64>() / n;
            assert!(product.abs() < 5.0 / n.sqrt(), "{apart} apart: {product}");
        }
    }
}
