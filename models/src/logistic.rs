//! Multinomial logistic regression.

mod lbfgs;
mod scaling;

use crate::evaluation::argmax;
pub(crate) use lbfgs::minimise;
pub(crate) use scaling::Scaling;

/// The strengths of the pull towards 0 to choose from, the strongest first.
pub(crate) const STRENGTHS: [f64; 8] = [1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
/// Enough for a few hundred parameters; more would only polish the least regularised ones.
const STEPS: usize = 300;
const TOLERANCE: f64 = 1e-6;

/// Logits that are linear in the input.
#[derive(Clone, Debug)]
pub(crate) struct Logistic {
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
    pub fn fit(&mut self, x: &[f64], labels: &[u32], strength: f64) {
        let (inputs, classes) = (self.inputs, self.classes);
        let n = labels.len() as f64;
        let mut logits = vec![0.0; classes];
        minimise(&mut self.weights, STEPS, TOLERANCE, |weights, gradient| {
            gradient.fill(0.0);
            let mut value = 0.0;
            for (x, &label) in x.chunks_exact(inputs).zip(labels) {
                affine(weights, x, &mut logits);
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let own = logits[label as usize];
                let mut sum = 0.0;
                for z in &mut logits {
                    *z = (*z - largest).exp();
                    sum += *z;
                }
                value += (largest + sum.ln() - own) / n;
                for (class, (gradient, e)) in
                    gradient.chunks_exact_mut(inputs + 1).zip(&logits).enumerate()
                {
                    let d = (e / sum - f64::from(u8::from(class == label as usize))) / n;
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

    /// The mean cross-entropy.
    pub fn loss(&self, x: &[f64], labels: &[u32]) -> f64 {
        let mut logits = vec![0.0; self.classes];
        let mut sum = 0.0;
        for (x, &label) in x.chunks_exact(self.inputs).zip(labels) {
            affine(&self.weights, x, &mut logits);
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let exponentials = logits.iter().map(|z| (z - largest).exp());
            sum += largest + exponentials.sum::<f64>().ln() - logits[label as usize];
        }
        sum / labels.len() as f64
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
