//! y = x, and a penalty: for each sample the sum of sizes over the root of n times the sum of
//! squares.

use super::{EPS, Reference, Values};

pub struct Sparsity {
    pub n: usize,
    /// What the ratio of a sample counts, divided by the samples.
    pub weight: f64,
}

impl Sparsity {
    /// The L1 norm and the L2 norm of the sample that a place belongs to; the second at least
    /// 1e-12.
    fn norms(&self, x: &[f64], at: usize) -> (f64, f64) {
        let row = &x[at / self.n * self.n..][..self.n];
        let (l1, squares): (f64, f64) =
            (row.iter().map(|x| x.abs()).sum(), row.iter().map(|x| x * x).sum());
        (l1, squares.sqrt().max(1e-12))
    }

    fn each_row(&self, x: &[f64]) -> f64 {
        let ratio = |row| {
            let (l1, l2) = self.norms(x, row * self.n);
            l1 / (l2 * (self.n as f64).sqrt())
        };
        (0..x.len() / self.n).map(ratio).sum()
    }

    /// What is added to dx: of the L1 norm, and of the L2 norm.
    fn slopes(&self, x: &[f64], at: usize) -> (f64, f64) {
        let (l1, l2) = self.norms(x, at);
        let sign = if x[at] == 0.0 { 0.0 } else { x[at].signum() };
        let weight = self.weight / (self.n as f64).sqrt();
        (weight * sign / l2, -weight * l1 * x[at] / (l2 * l2 * l2))
    }
}

impl Reference for Sparsity {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        x.to_vec()
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        self.weight * self.each_row(x)
    }

    /// Two sums of n terms.
    fn penalty_bound(&self, x: &[f64]) -> f64 {
        self.weight * self.each_row(x) * (self.n + 3) as f64 * EPS
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let dx = |(at, dy): (usize, &f64)| {
            let (of_l1, of_l2) = self.slopes(x, at);
            dy + of_l1 + of_l2
        };
        (dy.iter().enumerate().map(dx).collect(), Vec::new())
    }

    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let sums = (self.n + 3) as f64;
        let bound = |(at, dy): (usize, &f64)| {
            let (of_l1, of_l2) = self.slopes(x, at);
            EPS * (dy.abs() + sums * of_l1.abs() + 3.0 * sums * of_l2.abs())
        };
        Values {
            y: vec![0.0; x.len()],
            dx: dy.iter().enumerate().map(bound).collect(),
            grads: Vec::new(),
        }
    }
}
