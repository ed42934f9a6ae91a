//! The first `kept` of the `n` values of each sample.

use super::{Reference, Values};

pub struct Narrow {
    pub n: usize,
    pub kept: usize,
}

impl Narrow {
    /// The row and the column in x of a place in y.
    fn from(&self, at: usize) -> usize {
        at / self.kept * self.n + at % self.kept
    }
}

impl Reference for Narrow {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        (0..x.len() / self.n * self.kept).map(|at| x[self.from(at)]).collect()
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut dx = vec![0.0; x.len()];
        dy.iter().enumerate().for_each(|(at, dy)| dx[self.from(at)] = *dy);
        (dx, Vec::new())
    }

    /// Copied.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        Values { y: vec![0.0; dy.len()], dx: vec![0.0; x.len()], grads: Vec::new() }
    }
}
