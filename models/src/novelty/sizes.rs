//! Standardised sizes: how many standard deviations a value lies from the mean learnt from.

use crate::codes::Codes;

/// The largest size, and that of a value which differs in a feature that never varied.
pub const LARGEST: f64 = 1e6;

/// The means and standard deviations of features.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// The mean of each feature, and 1 / its standard deviation, or infinity if it never varied.
    scales: Vec<(f64, f64)>,
    /// True if features are of one kind, such as pixels, and share one standard deviation.
    alike: bool,
}

impl Sizes {
    /// Those of samples. With `alike`, features share one standard deviation.
    pub fn of(samples: &Codes, alike: bool) -> Sizes {
        let n = samples.samples() as f64;
        let mut moments = vec![(0.0, 0.0); samples.len];
        for row in samples.values.chunks_exact(samples.len) {
            moments.iter_mut().zip(row).for_each(|((mean, _), x)| *mean += f64::from(*x));
        }
        moments.iter_mut().for_each(|(mean, _)| *mean /= n);
        let first = samples.row(0).to_vec();
        let mut varies = vec![false; samples.len];
        for row in samples.values.chunks_exact(samples.len) {
            for (at, ((mean, squares), x)) in moments.iter_mut().zip(row).enumerate() {
                *squares += (f64::from(*x) - *mean).powi(2);
                varies[at] |= *x != first[at];
            }
        }
        let mut variances: Vec<f64> = moments.iter().map(|(_, squares)| squares / n).collect();
        if alike {
            let mean = variances.iter().sum::<f64>() / variances.len() as f64;
            variances.fill(mean);
            varies.fill(mean > 0.0);
        }
        let scale = |(at, (mean, _)): (usize, (f64, f64))| match varies[at] {
            true => (mean, 1.0 / variances[at].sqrt()),
            // The mean of equal numbers may be rounded.
            false => (f64::from(first[at]), f64::INFINITY),
        };
        Sizes { scales: moments.into_iter().enumerate().map(scale).collect(), alike }
    }

    /// True if no feature varies.
    pub fn is_constant(&self) -> bool {
        self.scales.iter().all(|(_, inverse)| inverse.is_infinite())
    }

    /// The size of the value `x` of feature `at`, with its sign.
    fn size(&self, at: usize, x: f32) -> f64 {
        let (mean, inverse) = self.scales[at];
        let far = f64::from(x) - mean;
        match far == 0.0 {
            true => 0.0,
            false => (far * inverse).clamp(-LARGEST, LARGEST),
        }
    }

    /// The feature of the largest size in a sample, and that size, without its sign. Of equal ones,
    /// one above its mean comes first, then the first.
    pub fn largest(&self, sample: &[f32]) -> (usize, f32) {
        let mut found = (0, 0.0_f64);
        for (at, x) in sample.iter().enumerate() {
            let size = self.size(at, *x);
            let above = size.abs() == found.1.abs() && size > found.1;
            if size.abs() > found.1.abs() || above {
                found = (at, size);
            }
        }
        (found.0, found.1.abs() as f32)
    }

    /// Sizes in place of the values of a sample. Unless features are alike, each is drawn in by
    /// sign(z) ln(1 + |z|): one extreme value then counts no more than many that are unusual.
    pub fn apply(&self, sample: &mut [f32]) {
        for (at, x) in sample.iter_mut().enumerate() {
            let size = self.size(at, *x);
            *x = match self.alike {
                true => size as f32,
                false => size.abs().ln_1p().copysign(size) as f32,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_never_varied_is_of_the_largest_size_where_it_differs() {
        let samples = Codes { values: vec![0.1, 1.0, 0.1, 3.0, 0.1, 5.0], len: 2 };
        let sizes = Sizes::of(&samples, false);
        let deviation = (8.0_f64 / 3.0).sqrt();
        assert_eq!(sizes.largest(&[0.1, 5.0]), (1, (2.0 / deviation) as f32));
        assert_eq!(sizes.largest(&[0.1001, 500.0]), (0, LARGEST as f32));
        assert_eq!(sizes.largest(&[0.1, -9999.0]), (1, (10002.0 / deviation) as f32));
        assert_eq!(sizes.largest(&[0.1, 3.0]), (0, 0.0));
        let mut sample = [0.1, -9999.0];
        sizes.apply(&mut sample);
        assert_eq!(sample, [0.0, -((10002.0 / deviation).ln_1p()) as f32]);
        assert!(Sizes::of(&samples.subset(&[0, 0]), false).is_constant());
    }
}
