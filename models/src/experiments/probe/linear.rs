//! The linear probe: multinomial logistic regression on standardised codes (Alain and Bengio, 2016,
//! arXiv:1610.01644).

use super::lbfgs::minimise;
use super::space::Codes;
use super::{Few, Probed, Space};
use crate::evaluation::argmax;

/// The strengths of the pull towards 0 to choose from, the strongest first.
const STRENGTHS: [f64; 6] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
/// Enough for a few hundred parameters; more would only polish the least regularised ones.
const STEPS: usize = 300;
const TOLERANCE: f64 = 1e-6;

/// By the strength that the validation labels choose. Values are standardised by all training
/// samples.
pub(super) fn probe(space: &Space, few: &Few<'_>) -> Probed {
    let scaled = |codes: &Codes| -> Vec<f64> {
        let rows = codes.values.chunks_exact(codes.len);
        let scaled = rows.flat_map(|row| row.iter().zip(&space.scale));
        scaled.map(|(x, (mean, inverse))| (f64::from(*x) - mean) * inverse).collect()
    };
    let x = scaled(&space.train.subset(few.train));
    let validation = scaled(&space.train.subset(few.validation));
    let mut fitted = Logistic::new(space.train.len, few.classes);
    let mut best: Option<(f64, f64, Logistic)> = None;
    for strength in STRENGTHS {
        // From where the stronger pull left it.
        fitted.fit(&x, &few.train_labels, strength);
        let score = few.validated(&fitted.classify(&validation));
        if best.as_ref().is_none_or(|(other, ..)| score > *other) {
            best = Some((score, strength, fitted.clone()));
        }
    }
    let (validation, strength, fitted) = best.unwrap_or((f64::NAN, 0.0, fitted));
    // By blocks: the test samples in f64 would be twice as large as they are.
    const BLOCK: usize = 1024;
    let blocks = space.test.values.chunks(BLOCK * space.test.len);
    let predictions = blocks.flat_map(|values| {
        fitted.classify(&scaled(&Codes { values: values.to_vec(), len: space.test.len }))
    });
    Probed { predictions: predictions.collect(), validation, chosen: format!("l2 {strength}") }
}

/// Logits that are linear in the input.
#[derive(Clone, Debug)]
pub(super) struct Logistic {
    inputs: usize,
    classes: usize,
    /// (classes, inputs + 1), the bias last.
    pub weights: Vec<f64>,
}

impl Logistic {
    pub fn new(inputs: usize, classes: usize) -> Logistic {
        Logistic { inputs, classes, weights: vec![0.0; classes * (inputs + 1)] }
    }

    /// The minimum of the mean cross-entropy plus half of `strength` times the sum of the squared
    /// weights, without the biases, of `x`: (samples, inputs).
    pub fn fit(&mut self, x: &[f64], labels: &[u16], strength: f64) {
        let (inputs, classes) = (self.inputs, self.classes);
        let n = labels.len() as f64;
        let mut logits = vec![0.0; classes];
        minimise(&mut self.weights, STEPS, TOLERANCE, |weights, gradient| {
            gradient.fill(0.0);
            let mut value = 0.0;
            for (x, &label) in x.chunks_exact(inputs).zip(labels) {
                affine(weights, x, &mut logits);
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let own = logits[usize::from(label)];
                let mut sum = 0.0;
                for z in &mut logits {
                    *z = (*z - largest).exp();
                    sum += *z;
                }
                value += (largest + sum.ln() - own) / n;
                for (class, (gradient, e)) in
                    gradient.chunks_exact_mut(inputs + 1).zip(&logits).enumerate()
                {
                    let d = (e / sum - f64::from(u8::from(class == usize::from(label)))) / n;
                    gradient.iter_mut().zip(x).for_each(|(g, x)| *g += d * x);
                    gradient[inputs] += d;
                }
            }
            for (gradient, weights) in
                gradient.chunks_exact_mut(inputs + 1).zip(weights.chunks_exact(inputs + 1))
            {
                for (g, w) in gradient.iter_mut().zip(weights).take(inputs) {
                    *g += strength * w;
                    value += 0.5 * strength * w * w;
                }
            }
            value
        });
    }

    /// The class of the largest logit of each of `x`.
    pub fn classify(&self, x: &[f64]) -> Vec<u16> {
        let mut logits = vec![0.0; self.classes];
        let classify = |x| {
            affine(&self.weights, x, &mut logits);
            argmax(&logits) as u16
        };
        x.chunks_exact(self.inputs).map(classify).collect()
    }
}

fn affine(weights: &[f64], x: &[f64], y: &mut [f64]) {
    for (y, row) in y.iter_mut().zip(weights.chunks_exact(x.len() + 1)) {
        *y = row[x.len()] + row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the minimum has a closed form: one input that is always 0 leaves the biases alone, and
    /// those give each class its frequency.
    #[test]
    fn the_biases_are_the_frequencies() {
        let labels = [0, 0, 0, 1, 2, 2];
        let mut fitted = Logistic::new(1, 3);
        fitted.fit(&[0.0; 6], &labels, 0.1);
        let e: Vec<f64> = [1, 3, 5].iter().map(|&i| fitted.weights[i].exp()).collect();
        let sum: f64 = e.iter().sum();
        for (found, expected) in e.iter().map(|e| e / sum).zip([0.5, 1.0 / 6.0, 1.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    /// Two classes at +1 and -1: by symmetry w and -w, and the derivative of ln(1 + exp(-2w)) +
    /// strength w^2 is 0 at the minimum.
    #[test]
    fn the_strength_is_that_of_the_formula() {
        for strength in [0.01, 0.3] {
            let mut fitted = Logistic::new(1, 2);
            fitted.fit(&[1.0, -1.0], &[0, 1], strength);
            let w = fitted.weights[0];
            assert!((fitted.weights[2] + w).abs() < 1e-5 && fitted.weights[1].abs() < 1e-5);
            let derivative = -2.0 / (1.0 + (2.0 * w).exp()) + 2.0 * strength * w;
            assert!(derivative.abs() < 1e-5, "{strength}: {w}");
        }
    }
}
