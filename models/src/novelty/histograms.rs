//! How rare the values of a sample are, feature by feature (Goldstein and Dengel, Histogram-based
//! Outlier Score, KI 2012): the sum over features of -ln of the share of training samples in the
//! value's bin.
//!
//! 1. Bins are equally wide between the smallest and the largest value. There are as many as the
//!    square root of the samples.
//! 2. Counts are smoothed by 1/4, 1/2, 1/4, because a value lies near the edge of its bin as often
//!    as not.
//! 3. One is added to each count, and to that of values beyond all others.

use crate::codes::Codes;

/// The fewest and the most bins.
const BINS: [usize; 2] = [5, 100];

/// A histogram of each feature.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// The smallest and the largest value of each feature.
    ranges: Vec<[f32; 2]>,
    /// -ln of the shares, (features, bins + 1): those beyond all others are in the last.
    rarity: Vec<f32>,
    bins: usize,
}

impl Histograms {
    /// Those of samples.
    pub fn of(samples: &Codes) -> Histograms {
        let (n, len) = (samples.samples(), samples.len);
        let bins = ((n as f64).sqrt() as usize).clamp(BINS[0], BINS[1]);
        let mut ranges = vec![[f32::INFINITY, f32::NEG_INFINITY]; len];
        for row in samples.values.chunks_exact(len) {
            for ([low, high], x) in ranges.iter_mut().zip(row) {
                (*low, *high) = (low.min(*x), high.max(*x));
            }
        }
        let mut counts = vec![0_u32; len * bins];
        for row in samples.values.chunks_exact(len) {
            for (at, x) in row.iter().enumerate() {
                let bin = bin(ranges[at], bins, *x).unwrap_or(0);
                counts[at * bins + bin] += 1;
            }
        }
        let mut rarity = Vec::with_capacity(len * (bins + 1));
        for (counts, [low, high]) in counts.chunks_exact(bins).zip(&ranges) {
            // A feature that never varied has one bin.
            let filled = if low == high { 1 } else { bins };
            let count = |at: usize| f64::from(counts[at.min(filled - 1)]);
            let share = |count: f64| -((count + 1.0) / (n + filled) as f64).ln() as f32;
            rarity.extend((0..bins).map(|at| {
                share((count(at.saturating_sub(1)) + 2.0 * count(at) + count(at + 1)) / 4.0)
            }));
            rarity.push(share(0.0));
        }
        Histograms { ranges, rarity, bins }
    }

    /// The sum of the rarities of a sample's values.
    pub fn rarity(&self, sample: &[f32]) -> f64 {
        let rows = self.rarity.chunks_exact(self.bins + 1).zip(&self.ranges).zip(sample);
        rows.map(|((rarity, range), x)| {
            f64::from(rarity[bin(*range, self.bins, *x).unwrap_or(self.bins)])
        })
        .sum()
    }
}

/// The bin of a value; `None` out of the range.
fn bin([low, high]: [f32; 2], bins: usize, x: f32) -> Option<usize> {
    if !(low..=high).contains(&x) {
        return None;
    }
    if low == high {
        return Some(0);
    }
    let share = (f64::from(x) - f64::from(low)) / (f64::from(high) - f64::from(low));
    Some(((share * bins as f64) as usize).min(bins - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarities_are_those_of_counts_by_hand() {
        // Of 9 samples, 5 bins of width 1: counts 4, 2, 0, 0, 3. The second feature never varies.
        let values = [0.0, 0.1, 0.2, 0.9, 1.0, 1.5, 4.0, 4.5, 5.0];
        let samples = Codes { values: values.iter().flat_map(|x| [*x, 7.0]).collect(), len: 2 };
        let histograms = Histograms::of(&samples);
        // Smoothed: (4 + 2 4 + 2) / 4, (4 + 2 2) / 4, (2 + 0) / 4, 3 / 4, (3 + 2 3) / 4.
        for (x, count) in [(0.5, 3.5), (1.2, 2.0), (2.5, 0.5), (3.5, 0.75), (5.0, 2.25)] {
            let expected = -((count + 1.0) / 14.0_f64).ln();
            assert!((histograms.rarity(&[x, 7.0]) - expected).abs() < 1e-6, "{x}");
        }
        let beyond = -(1.0 / 14.0_f64).ln() - (1.0 / 10.0_f64).ln();
        assert!((histograms.rarity(&[-0.1, 7.5]) - beyond).abs() < 1e-6);
    }
}
