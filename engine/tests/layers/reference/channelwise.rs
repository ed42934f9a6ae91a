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

/// y = gamma x
pub struct LayerScale {
    pub channels: usize,
    pub relu: bool,
}

impl Reference for LayerScale {
    fn forward(&self, x: &[f64], gamma: &[f64]) -> Vec<f64> {
        let z = x.iter().enumerate().map(|(i, x)| gamma[i % self.channels] * x);
        z.map(|z| if self.relu { z.max(0.0) } else { z }).collect()
    }

    fn backward(&self, x: &[f64], gamma: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut dx, mut dgamma) = (Vec::new(), vec![0.0; self.channels]);
        for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
            let c = i % self.channels;
            let dz = if self.relu && gamma[c] * x <= 0.0 { 0.0 } else { *dy };
            dx.push(gamma[c] * dz);
            dgamma[c] += x * dz;
        }
        (dx, dgamma)
    }

    /// Products, and sums over the rows.
    fn bounds(&self, x: &[f64], gamma: &[f64], dy: &[f64]) -> Values {
        let rows = (x.len() / self.channels) as f64;
        let y = self.forward(x, gamma).iter().map(|y| EPS * y.abs()).collect();
        let (dx, _) = self.backward(x, gamma, dy);
        let (_, grads) = self.backward(&abs(x), &abs(gamma), &abs(dy));
        Values {
            y,
            dx: dx.iter().map(|dx| EPS * dx.abs()).collect(),
            grads: grads.iter().map(|g| (rows + 1.0) * EPS * g).collect(),
        }
    }

    fn kink(&self, x: &[f64], gamma: &[f64]) -> Vec<f64> {
        let z = x.iter().enumerate().map(|(i, x)| gamma[i % self.channels] * x);
        z.map(|z| if self.relu { z.abs() } else { f64::INFINITY }).collect()
    }
}
