//! Multiplies the distances from the mean by one factor, as torchvision's `adjust_contrast` of grey
//! images; the mean is that of all values, in colour too.

use super::random::Stream;

/// The sums that the mean is made of: as many as vectors have lanes, and always the same.
const LANES: usize = 16;

pub(super) fn apply(most: f32, random: &mut Stream, sample: &mut [f32]) {
    adjust(sample, 1.0 + random.around_zero(most));
}

/// `factor` is not negative.
fn adjust(sample: &mut [f32], factor: f32) {
    let mut sums = [0.0; LANES];
    let whole = sample.chunks_exact(LANES);
    for (sum, value) in sums.iter_mut().zip(whole.remainder()) {
        *sum = *value;
    }
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    let mean = sums.iter().sum::<f32>() / sample.len() as f32;
    for value in sample {
        *value = (mean + (*value - mean) * factor).clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_spreads_the_values_around_their_mean() {
        for n in [1, 5, 16, 17, 64, 784, 3072] {
            let before: Vec<f32> = (0..n).map(|i| (i * 37 % 101) as f32 / 100.0).collect();
            let mean = before.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
            for factor in [0.0, 0.5, 1.0, 1.9] {
                let mut after = before.clone();
                adjust(&mut after, factor);
                for (before, after) in before.iter().zip(after) {
                    let spread = mean + f64::from(factor) * (f64::from(*before) - mean);
                    let expected = spread.clamp(0.0, 1.0);
                    assert!(
                        (f64::from(after) - expected).abs() < 1e-6,
                        "{n}: {before} by {factor}: {after}"
                    );
                }
            }
        }
    }
}
