//! y = m + exp(v / 2) e of x = (m, v), with the noise written out from what
//! `layers/gaussian_sample.rs` promises: normal numbers keyed by (seed, position, step, row,
//! column). The penalty is the closed form of the divergence, from Kingma and Welling 2014,
//! appendix B.

use super::{EPS, Reference, Values};
use narrows_engine::random::Random;

pub struct GaussianSample {
    pub n: usize,
    /// (batch, n); 0 in evaluation
    pub noise: Vec<f64>,
    /// What the divergence of a sample counts, divided by the samples.
    pub weight: f64,
}

impl GaussianSample {
    pub fn noise(seed: u64, position: u64, step: u64, batch: usize, n: usize) -> Vec<f64> {
        let random = Random::new(seed, position);
        let row = |row| {
            let mut noise = vec![0.0; n];
            random.fill_normal(step, row as u32, &mut noise);
            noise
        };
        (0..batch).flat_map(row).map(f64::from).collect()
    }

    /// (m, v, e) of a place in y, and where m and v stand in x.
    fn at(&self, x: &[f64], at: usize) -> (f64, f64, f64, [usize; 2]) {
        let m = at / self.n * 2 * self.n + at % self.n;
        (x[m], x[m + self.n], self.noise[at], [m, m + self.n])
    }
}

impl Reference for GaussianSample {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        let y = |at| {
            let (m, v, e, _) = self.at(x, at);
            m + (v / 2.0).exp() * e
        };
        (0..self.noise.len()).map(y).collect()
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        let divergence = |at| {
            let (m, v, _, _) = self.at(x, at);
            -0.5 * (1.0 + v - m * m - v.exp())
        };
        self.weight * (0..self.noise.len()).map(divergence).sum::<f64>()
    }

    /// Sums of n terms in f32, of which the exponential is off by 2 ulp.
    fn penalty_bound(&self, x: &[f64]) -> f64 {
        let terms = |at| {
            let (m, v, _, _) = self.at(x, at);
            m * m + 3.0 * v.exp() + 1.0 + v.abs()
        };
        self.weight * self.n as f64 * EPS * (0..self.noise.len()).map(terms).sum::<f64>()
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut dx = vec![0.0; x.len()];
        for (at, dy) in dy.iter().enumerate() {
            let (m, v, e, places) = self.at(x, at);
            dx[places[0]] = dy + self.weight * m;
            dx[places[1]] = 0.5 * (dy * e * (v / 2.0).exp() + self.weight * (v.exp() - 1.0));
        }
        (dx, Vec::new())
    }

    /// The exponential is off by 2 ulp; what follows rounds a few times.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
        for (at, dy) in dy.iter().enumerate() {
            let (m, v, e, places) = self.at(x, at);
            let deviation = (v / 2.0).exp();
            y.push(EPS * (m.abs() + 3.0 * (deviation * e).abs()));
            dx[places[0]] = EPS * (dy.abs() + 3.0 * (self.weight * m).abs());
            let of_divergence = self.weight * (6.0 * v.exp() + 3.0);
            dx[places[1]] = EPS * (5.0 * (dy * e * deviation).abs() + of_divergence);
        }
        Values { y, dx, grads: Vec::new() }
    }
}
