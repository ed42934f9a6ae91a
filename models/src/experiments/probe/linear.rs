//! The linear probe: multinomial logistic regression on scaled codes (Alain and Bengio, 2016,
//! arXiv:1610.01644).

use super::{Few, Probed, Space};
use crate::logistic::{Logistic, STRENGTHS};

/// By the strength that the validation labels choose. All values are scaled by the same factor,
/// that of all training samples.
pub(super) fn probe(space: &Space, few: &Few<'_>) -> Probed {
    let x = space.scaling.apply(&space.train.subset(few.train).values);
    let validation = space.scaling.apply(&space.train.subset(few.validation).values);
    let labels: Vec<u32> = few.train_labels.iter().map(|&label| label.into()).collect();
    let mut fitted = Logistic::new(space.train.len, few.classes);
    let mut best: Option<(f64, f64, Logistic)> = None;
    for strength in STRENGTHS {
        // From where the stronger pull left it.
        fitted.fit(&x, &labels, strength);
        let score = few.validated(&fitted.classify(&validation));
        if best.as_ref().is_none_or(|(other, ..)| score > *other) {
            best = Some((score, strength, fitted.clone()));
        }
    }
    let (validation, strength, fitted) = best.unwrap_or((f64::NAN, 0.0, fitted));
    // By blocks: the test samples in f64 would be twice as large as they are.
    const BLOCK: usize = 1024;
    let blocks = space.test.values.chunks(BLOCK * space.test.len);
    let predictions = blocks.flat_map(|values| fitted.classify(&space.scaling.apply(values)));
    Probed { predictions: predictions.collect(), validation, chosen: format!("l2 {strength}") }
}
