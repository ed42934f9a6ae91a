//! Multinomial logistic regression, by matrix products: samples may have thousands of values.

use super::{Best, Few, Fitted, Predictor};
use crate::codes::Codes;
use crate::error::Error;
use crate::evaluation::argmax;
use crate::event::Observer;
use crate::logistic::{STRENGTHS, Scaling, minimise};
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};

/// Enough for the class of the largest logit, which is all that is asked for.
const STEPS: usize = 100;
const TOLERANCE: f64 = 1e-4;

/// Logits that are linear in scaled samples.
#[derive(Clone, Debug)]
struct Linear {
    scaling: Scaling,
    /// (classes, values + 1), the bias last.
    weights: Vec<f64>,
    classes: usize,
}

impl Linear {
    /// The logits of scaled samples `x`, (samples, values + 1), the last of which is 1.
    fn logits(&self, cx: &Context, x: &[f32]) -> Vec<f32> {
        logits(cx, &self.weights, self.classes, x)
    }
}

fn logits(cx: &Context, weights: &[f64], classes: usize, x: &[f32]) -> Vec<f32> {
    let columns = weights.len() / classes;
    let rows = x.len() / columns;
    let weights: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
    let mut y = vec![0.0; rows * classes];
    let weights = MatRef::new(&weights, classes, columns).transposed();
    let x = MatRef::new(x, rows, columns);
    gemm(cx, 1.0, x, weights, 0.0, MatMut::new(&mut y, rows, classes));
    y
}

impl Predictor for Linear {
    fn classify(&self, cx: &Context, x: &Codes) -> Vec<u16> {
        let logits = self.logits(cx, &scaled(&self.scaling, x));
        logits.chunks_exact(self.classes).map(|z| argmax(z) as u16).collect()
    }
}

/// Scaled samples with a 1 behind each.
fn scaled(scaling: &Scaling, x: &Codes) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.samples() * (x.len + 1));
    for row in x.values.chunks_exact(x.len) {
        out.extend(scaling.apply(row).into_iter().map(|x| x as f32));
        out.push(1.0);
    }
    out
}

pub(super) fn fit(
    cx: &Context,
    few: &Few,
    observer: &dyn Observer,
) -> Result<Option<Fitted>, Error> {
    let (classes, columns) = (few.classes, few.train.len + 1);
    let scaling = Scaling::of(&few.train.values, few.train.len);
    let x = scaled(&scaling, &few.train);
    let validation = scaled(&scaling, &few.validation);
    let rows = few.labels.len();
    let matrix = MatRef::new(&x, rows, columns);
    let mut linear = Linear { scaling, weights: vec![0.0; classes * columns], classes };
    let mut best = Best::new(few);
    let mut products = vec![0.0; classes * columns];
    for strength in STRENGTHS {
        observer.go_on()?;
        // From where the stronger pull left it.
        minimise(&mut linear.weights, STEPS, TOLERANCE, |weights, gradient| {
            let mut y = logits(cx, weights, classes, &x);
            let mut value = 0.0;
            for (z, &label) in y.chunks_exact_mut(classes).zip(&few.labels) {
                value += cross_entropy(z, label.into()) / rows as f64;
            }
            let d = MatRef::new(&y, rows, classes).transposed();
            let out = MatMut::new(&mut products, classes, columns);
            gemm(cx, 1.0 / rows as f32, d, matrix, 0.0, out);
            let each = gradient.chunks_exact_mut(columns).zip(weights.chunks_exact(columns));
            for ((gradient, weights), product) in each.zip(products.chunks_exact(columns)) {
                for (i, (g, w)) in gradient.iter_mut().zip(weights).enumerate() {
                    let pull = if i + 1 < columns { strength * w } else { 0.0 };
                    *g = f64::from(product[i]) + pull;
                    value += 0.5 * pull * w;
                }
            }
            value
        });
        let predictions: Vec<u16> = linear
            .logits(cx, &validation)
            .chunks_exact(classes)
            .map(|z| argmax(z) as u16)
            .collect();
        best.offer(linear.clone(), &predictions, format!("L2 {strength}"));
    }
    Ok(best.into_fitted())
}

/// The cross-entropy of logits `z`, which become its slope.
fn cross_entropy(z: &mut [f32], label: usize) -> f64 {
    let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = z[label];
    let mut sum = 0.0;
    for z in &mut *z {
        *z = (*z - largest).exp();
        sum += f64::from(*z);
    }
    z.iter_mut().for_each(|z| *z = (f64::from(*z) / sum) as f32);
    z[label] -= 1.0;
    f64::from(largest) + sum.ln() - f64::from(own)
}
