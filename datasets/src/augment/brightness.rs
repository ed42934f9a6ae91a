//! Multiplies all values by one factor, as torchvision's `adjust_brightness`.

use super::random::Stream;

pub(super) fn apply(most: f32, random: &mut Stream, sample: &mut [f32]) {
    adjust(sample, 1.0 + random.around_zero(most));
}

/// `factor` is not negative.
fn adjust(sample: &mut [f32], factor: f32) {
    for value in sample {
        *value = (*value * factor).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_multiplies_and_ends_at_one() {
        let before: Vec<f32> = (0..=100).map(|i| i as f32 / 100.0).collect();
        for factor in [0.0, 0.3, 1.0, 1.7, 2.0] {
            let mut after = before.clone();
            adjust(&mut after, factor);
            for (before, after) in before.iter().zip(after) {
                let expected = (f64::from(*before) * f64::from(factor)).clamp(0.0, 1.0);
                assert!(
                    (f64::from(after) - expected).abs() < 1e-7,
                    "{before} by {factor}: {after}"
                );
            }
        }
    }
}
