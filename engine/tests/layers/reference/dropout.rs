//! y = x mask / (1 - p), with the mask written out from what `layers/dropout.rs` promises: a value
//! is dropped if its random word, keyed by (seed, position, step, row, column), is below p 2^32.

use super::{EPS, Reference, Values};
use narrows_engine::random::Random;

pub struct Dropout {
    pub p: f64,
    /// 1 for what is kept, 0 for what is dropped.
    pub mask: Vec<f64>,
}

impl Dropout {
    pub fn train(
        p: f32,
        seed: u64,
        position: u64,
        step: u64,
        batch: usize,
        features: usize,
    ) -> Dropout {
        let random = Random::new(seed, position);
        let mut mask = Vec::new();
        for row in 0..batch {
            for column in 0..features {
                let word = random.words(step, row as u32, column as u32 / 4)[column % 4];
                mask.push(if f64::from(word) < f64::from(p) * 2f64.powi(32) { 0.0 } else { 1.0 });
            }
        }
        Dropout { p: f64::from(p), mask }
    }

    pub fn evaluate(batch: usize, features: usize) -> Dropout {
        Dropout { p: 0.0, mask: vec![1.0; batch * features] }
    }

    fn apply(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.mask).map(|(x, mask)| x * mask / (1.0 - self.p)).collect()
    }
}

impl Reference for Dropout {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        self.apply(x)
    }

    fn backward(&self, _: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (self.apply(dy), Vec::new())
    }

    /// 1 - p, its inverse and the product round once each; p = 0 changes nothing.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let c = if self.p == 0.0 { 0.0 } else { 1.5 * EPS };
        let bound = |v: &[f64]| self.apply(v).iter().map(|v| c * v.abs()).collect();
        Values { y: bound(x), dx: bound(dy), grads: Vec::new() }
    }
}
