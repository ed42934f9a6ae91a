//! Sets values to 0, each by itself.
//!
//! A value takes 16 random bits: a word is enough for four.

use super::random::Stream;

/// The values that are masked at a time.
const CHUNK: usize = 64;

pub(super) fn apply(probability: f32, random: &mut Stream, sample: &mut [f32]) {
    let threshold = (f64::from(probability) * 65_536.0).round() as i32;
    for values in sample.chunks_mut(CHUNK) {
        let mut bits = [0_i32; CHUNK];
        for bits in bits.chunks_exact_mut(4) {
            let word = random.word();
            for (i, bits) in bits.iter_mut().enumerate() {
                *bits = i32::from((word >> (16 * i)) as u16);
            }
        }
        for (value, bits) in values.iter_mut().zip(&bits) {
            *value = if *bits < threshold { 0.0 } else { *value };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SampleKey;
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn it_clears_the_fraction_asked_for_and_leaves_the_rest() {
        for probability in [0.01, 0.2, 0.5, 0.95] {
            let (mut cleared, n, len) = (0, 300, 1001);
            let mut by_place = vec![0; len];
            for row in 0..n {
                let mut sample: Vec<f32> = (1..=len).map(|i| i as f32).collect();
                let key = SampleKey { seed: 1, epoch: 2, row };
                apply(probability, &mut Stream::new(key, Purpose::Mask), &mut sample);
                for (i, &value) in sample.iter().enumerate() {
                    assert!(value == 0.0 || value == (i + 1) as f32);
                    cleared += usize::from(value == 0.0);
                    by_place[i] += usize::from(value == 0.0);
                }
            }
            let (p, total) = (f64::from(probability), f64::from(n) * len as f64);
            let error = (p * (1.0 - p) / total).sqrt() + 1.0 / 65_536.0;
            assert!(
                (cleared as f64 / total - p).abs() < 5.0 * error,
                "{probability}: {cleared} of {total}"
            );
            // No place is left out or always hit: 6 standard deviations, for a thousand places.
            let spread = 6.0 * (f64::from(n) * p * (1.0 - p)).sqrt() + 3.0;
            for (i, &count) in by_place.iter().enumerate() {
                assert!(
                    (f64::from(count as u32) - f64::from(n) * p).abs() < spread,
                    "{probability} at {i}"
                );
            }
        }
    }
}
