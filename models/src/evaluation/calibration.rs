//! Calibration: a classifier should be right as often as it is sure, which a temperature helps (Guo
//! et al., On Calibration of Modern Neural Networks, ICML 2017).

use super::argmax;

/// The bins of the expected calibration error (Guo et al., section 5).
pub const BINS: usize = 15;

/// The temperatures that can be fitted: beyond them, all that is right or all that is wrong is as
/// sure as can be.
const RANGE: [f64; 2] = [0.05, 20.0];

/// The confidence of a classifier beside its accuracy.
#[derive(Clone, Debug)]
pub struct Calibration {
    temperature: f64,
    /// By how sure it is, in equal parts of (0, 1]: samples, those classified correctly, and the
    /// sum of the confidences.
    bins: [(usize, usize, f64); BINS],
    loss: f64,
    /// The samples that have a loss.
    known: usize,
}

impl Calibration {
    /// No samples yet; logits are divided by `temperature`, which is 1 for those of a model as
    /// it is.
    pub fn new(temperature: f32) -> Calibration {
        Calibration {
            temperature: f64::from(temperature),
            bins: [(0, 0, 0.0); BINS],
            loss: 0.0,
            known: 0,
        }
    }

    /// Adds samples with the given logits, (samples, classes), and labels. One of a class that is
    /// none of these counts as classified wrongly, and has no loss.
    pub fn add(&mut self, logits: &[f32], labels: &[u32]) {
        let classes = logits.len() / labels.len().max(1);
        for (logits, &label) in logits.chunks_exact(classes.max(1)).zip(labels) {
            let predicted = argmax(logits);
            let largest = f64::from(logits[predicted]);
            let exponent = |z: f32| (f64::from(z) - largest) / self.temperature;
            let sum: f64 = logits.iter().map(|&z| exponent(z).exp()).sum();
            if let Some(&logit) = logits.get(label as usize) {
                self.loss += sum.ln() - exponent(logit);
                self.known += 1;
            }
            let confidence = 1.0 / sum;
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let (samples, correct, sure) = &mut self.bins[bin];
            *samples += 1;
            *correct += usize::from(predicted == label as usize);
            *sure += confidence;
        }
    }

    fn samples(&self) -> f64 {
        self.bins.iter().map(|(samples, ..)| samples).sum::<usize>() as f64
    }

    /// The expected calibration error: how far accuracy and confidence are apart in a bin, in the
    /// mean over the samples. NaN of none.
    pub fn error(&self) -> f64 {
        let apart = self.bins.iter().map(|&(_, correct, sure)| (correct as f64 - sure).abs());
        apart.sum::<f64>() / self.samples()
    }

    /// The mean confidence. NaN of none.
    pub fn confidence(&self) -> f64 {
        self.bins.iter().map(|(_, _, sure)| sure).sum::<f64>() / self.samples()
    }

    /// The mean cross-entropy of the samples that have one; `None` if none has.
    pub fn loss(&self) -> Option<f64> {
        (self.known > 0).then(|| self.loss / self.known as f64)
    }
}

/// The temperature T at which the cross-entropy of all `logits`, (samples, classes), plus
/// (ln T)^2 / 2 is smallest. To divide by it changes no prediction. 1 if there are no samples.
///
/// The second term is the prior that a temperature lies within a factor of e of 1: a handful of
/// samples that are all right, or all wrong, would otherwise make probabilities of 1 or of nothing.
/// Among hundreds of samples it counts for little. Halving finds where the derivative by the
/// inverse of the temperature is 0.
///
/// # Panics
/// If a label is no class.
pub fn fit_temperature(logits: &[f32], labels: &[u32]) -> f32 {
    if labels.is_empty() {
        return 1.0;
    }
    let classes = logits.len() / labels.len();
    // Derivative of the cross-entropy by the inverse temperature: the mean logit by the
    // probabilities, less the logit of the label.
    let derivative = |inverse: f64| -> f64 {
        let of_sample = |(logits, label): (&[f32], &u32)| {
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (mut sum, mut weighted) = (0.0, 0.0);
            for &z in logits {
                let z = f64::from(z - largest);
                let e = (z * inverse).exp();
                sum += e;
                weighted += e * z;
            }
            weighted / sum - f64::from(logits[*label as usize] - largest)
        };
        let of_samples: f64 = logits.chunks_exact(classes).zip(labels).map(of_sample).sum();
        of_samples + inverse.ln() / inverse
    };
    let [mut low, mut high] = [1.0 / RANGE[1], 1.0 / RANGE[0]];
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        match derivative(middle) > 0.0 {
            true => high = middle,
            false => low = middle,
        }
    }
    (1.0 / (low * high).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of two classes at which the first is that likely.
    fn likely(p: f64) -> [f32; 2] {
        [(p / (1.0 - p)).ln() as f32, 0.0]
    }

    #[test]
    fn the_error_is_that_by_hand() {
        let mut found = Calibration::new(1.0);
        // Two at 0.9, of which one is right; one at 0.7, right; one at 0.6 for the second class,
        // wrong.
        let logits = [likely(0.9), likely(0.9), likely(0.7), likely(0.4)].concat();
        found.add(&logits[..4], &[0, 1]);
        found.add(&logits[4..], &[0, 0]);
        // The bins of 0.9, 0.7 and 0.6 are (13/15, 14/15], (10/15, 11/15] and (8/15, 9/15].
        let by_hand = (2.0 * (0.9f64 - 0.5) + (1.0 - 0.7) + 0.6) / 4.0;
        assert!((found.error() - by_hand).abs() < 1e-6, "{}", found.error());
        assert!((found.confidence() - (0.9 + 0.9 + 0.7 + 0.6) / 4.0).abs() < 1e-6);
        let loss = -(0.9f64.ln() + 0.1f64.ln() + 0.7f64.ln() + 0.4f64.ln()) / 4.0;
        assert!((found.loss().unwrap() - loss).abs() < 1e-6, "{}", found.loss().unwrap());
    }

    #[test]
    fn the_least_sure_and_the_surest_have_a_bin() {
        let mut found = Calibration::new(1.0);
        // At a fifth each, the first class is predicted, and wrong.
        found.add(&[0.0; 5], &[1]);
        found.add(&[200.0, 0.0, 0.0, 0.0, 0.0], &[0]);
        assert!((found.error() - 0.1).abs() < 1e-9, "{}", found.error());
        assert!((found.loss().unwrap() - 5f64.ln() / 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_temperature_makes_confidence_the_accuracy() {
        // All are sure by the same logit z, and three in four are right: the minimum is where the
        // probability is 3/4, z / T = ln 3.
        for z in [0.5f32, 4.0, 11.0] {
            // So many that the prior does not count.
            let (logits, labels) = ([z, 0.0].repeat(400_000), [0, 0, 0, 1].repeat(100_000));
            let t = fit_temperature(&logits, &labels);
            let expected = f64::from(z) / 3f64.ln();
            assert!((f64::from(t) / expected - 1.0).abs() < 1e-4, "{z}: {t}");
            let mut fitted = Calibration::new(t);
            fitted.add(&logits, &labels);
            assert!(fitted.error() < 1e-4, "{}", fitted.error());
        }
    }

    #[test]
    fn the_temperature_has_the_smallest_loss_and_stays_in_range() {
        let logits: Vec<f32> =
            (0..300).map(|i| ((i * i * 31 + 7 * i) % 97) as f32 / 12.0).collect();
        // Two in three are right, so that the minimum lies within the range.
        let largest = |z: &[f32]| (1..3).fold(0, |best, c| if z[c] > z[best] { c } else { best });
        let label = |(i, z): (usize, &[f32])| ((largest(z) + usize::from(i % 3 == 0)) % 3) as u32;
        let labels: Vec<u32> = logits.chunks(3).enumerate().map(label).collect();
        let loss = |t: f32| {
            let mut of = Calibration::new(t);
            of.add(&logits, &labels);
            of.loss().unwrap() * labels.len() as f64 + f64::from(t).ln().powi(2) / 2.0
        };
        let t = fit_temperature(&logits, &labels);
        assert!((0.1..10.0).contains(&t), "{t}");
        assert!(loss(t) <= loss(t * 1.02) && loss(t) <= loss(t / 1.02), "{t}");
        // All right, and all wrong: the smallest sum by trying temperatures one after another.
        for (label, sign) in [(0, 1.0), (1, -1.0)] {
            let sum = |t: f64| (1.0 + (-3.0 * sign / t).exp()).ln() + t.ln().powi(2) / 2.0;
            let all = (0..200_000).map(|i| 0.05 * 400f64.powf(f64::from(i) / 200_000.0));
            let best = all.min_by(|a, b| sum(*a).total_cmp(&sum(*b))).unwrap();
            let found = f64::from(fit_temperature(&[3.0, 0.0], &[label]));
            assert!((found / best - 1.0).abs() < 1e-3, "{found} {best}");
        }
        assert_eq!(fit_temperature(&[], &[]), 1.0);
    }
}
