//! What inputs are scaled by.

use super::Logistic;

/// Values about 0 and of a size of about 1: each by its own mean, and all by the same factor, so
/// that those that hardly ever differ stay small.
#[derive(Clone, Debug)]
pub(crate) struct Scaling {
    means: Vec<f64>,
    factor: f64,
}

impl Scaling {
    /// That of `values`: (samples, len).
    pub fn of(values: &[f32], len: usize) -> Scaling {
        let samples = (values.len() / len) as f64;
        let mut means = vec![0.0; len];
        for row in values.chunks_exact(len) {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x));
        }
        means.iter_mut().for_each(|mean| *mean /= samples);
        let rows = values.chunks_exact(len).flat_map(|row| row.iter().zip(&means));
        let squares: f64 = rows.map(|(x, mean)| (f64::from(*x) - mean).powi(2)).sum();
        let size = (squares / values.len() as f64).sqrt();
        Scaling { means, factor: if size > 0.0 { 1.0 / size } else { 1.0 } }
    }

    /// `values`, scaled.
    pub fn apply(&self, values: &[f32]) -> Vec<f64> {
        let rows =
            values.chunks_exact(self.means.len()).flat_map(|row| row.iter().zip(&self.means));
        rows.map(|(x, mean)| (f64::from(*x) - mean) * self.factor).collect()
    }

    /// The weights and the bias of each class that make of values as they are what `fitted` makes
    /// of scaled ones.
    pub fn undo(&self, fitted: &Logistic) -> impl Iterator<Item = (Vec<f32>, f32)> {
        fitted.weights.chunks_exact(self.means.len() + 1).map(|row| {
            let [weights @ .., bias] = row else { return (Vec::new(), 0.0) };
            let products = weights.iter().zip(&self.means).map(|(w, mean)| w * mean);
            let bias = bias - self.factor * products.sum::<f64>();
            (weights.iter().map(|w| (w * self.factor) as f32).collect(), bias as f32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_of_values_as_they_are_are_those_of_scaled_ones() {
        let values = [3.0, 10.0, -1.0, 10.5, 4.0, 9.0, 2.0, 12.5];
        let scaling = Scaling::of(&values, 2);
        let scaled = scaling.apply(&values);
        assert!(scaled.chunks(2).map(|row| row[0]).sum::<f64>().abs() < 1e-9);
        assert!((scaled.iter().map(|x| x * x).sum::<f64>() - 8.0).abs() < 1e-9);
        let mut fitted = Logistic::new(2, 3);
        fitted.weights = vec![0.5, -2.0, 0.1, 1.0, 0.0, -3.0, 0.0, 4.0, 2.0];
        let rows: Vec<_> = scaling.undo(&fitted).collect();
        for (x, scaled) in values.chunks(2).zip(scaled.chunks(2)) {
            for (row, (weights, bias)) in fitted.weights.chunks(3).zip(&rows) {
                let expected = row[0] * scaled[0] + row[1] * scaled[1] + row[2];
                let found = weights[0] * x[0] + weights[1] * x[1] + bias;
                assert!((f64::from(found) - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    /// Samples that are all alike have no size.
    #[test]
    fn equal_samples_stay_finite() {
        assert_eq!(Scaling::of(&[3.0; 6], 2).apply(&[3.0, 4.0]), [0.0, 1.0]);
    }
}
