//! `y = (x - mean) / std` and `y = gamma x`, in each channel.

use super::{EPS, Reference, Values, abs};

/// Without parameters.
pub struct Normalize {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
    pub relu: bool,
}

impl Normalize {
    fn z(&self, x: &[f64]) -> Vec<f64> {
        let c = self.mean.len();
        x.iter().enumerate().map(|(i, x)| (x - self.mean[i % c]) / self.std[i % c]).collect()
    }
}

impl Reference for Normalize {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        self.z(x).into_iter().map(|z| if self.relu { z.max(0.0) } else { z }).collect()
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let z = self.z(x);
        let open = |i: usize| !self.relu || z[i] > 0.0;
        let dx = |(i, dy): (usize, &f64)| {
            if open(i) { dy / self.std[i % self.std.len()] } else { 0.0 }
        };
        (dy.iter().enumerate().map(dx).collect(), Vec::new())
    }

    /// The difference, the inverse and the product round.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let y = self.z(x).iter().map(|z| 2.0 * EPS * z.abs()).collect();
        let dx = self.backward(x, &[], &abs(dy)).0.iter().map(|dx| 2.0 * EPS * dx).collect();
        Values { y, dx, grads: Vec::new() }
    }

    fn kink(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        let distance = |z: f64| if self.relu { z.abs() } else { f64::INFINITY };
        self.z(x).into_iter().map(distance).collect()
    }
}
