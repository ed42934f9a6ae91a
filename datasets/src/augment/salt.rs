//! Salt and pepper: sets values to 1 or to 0, each by itself.

use super::random::Stream;

/// A value takes 32 random bits, of which the lowest decides between the two.
pub(super) fn apply(probability: f32, random: &mut Stream, sample: &mut [f32]) {
    let threshold = (f64::from(probability) * 2f64.powi(31)).round() as u32;
    for values in sample.chunks_mut(2) {
        let word = random.word();
        for (value, bits) in values.iter_mut().zip([word as u32, (word >> 32) as u32]) {
            if bits >> 1 < threshold {
                *value = (bits & 1) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SampleKey;
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn both_come_as_often_as_asked_for_and_the_rest_stays() {
        let (rows, len) = (300, 1001);
        for probability in [0.01, 0.2, 0.5, 0.95] {
            let mut counts = [0_usize; 2];
            for row in 0..rows {
                let mut sample: Vec<f32> = (0..len).map(|i| 2.0 + i as f32).collect();
                let key = SampleKey { seed: 1, epoch: 2, row };
                apply(probability, &mut Stream::new(key, Purpose::Salt), &mut sample);
                for (i, &value) in sample.iter().enumerate() {
                    match value {
                        0.0 => counts[0] += 1,
                        1.0 => counts[1] += 1,
                        value => assert_eq!(value, 2.0 + i as f32),
                    }
                }
            }
            let (p, total) = (f64::from(probability) / 2.0, f64::from(rows) * len as f64);
            for count in counts {
                let off = (count as f64 / total - p).abs();
                assert!(
                    off < 5.0 * (p * (1.0 - p) / total).sqrt(),
                    "{probability}: {counts:?} of {total}"
                );
            }
        }
    }
}
