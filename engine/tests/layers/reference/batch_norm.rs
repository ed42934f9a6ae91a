//! y = gamma (x - mean) / sqrt(var + eps) + beta, or its ReLU, for each channel.

use super::{EPS, Reference, Values};

/// Parameters: gamma, beta, running mean, running variance, each (channels).
pub struct BatchNorm {
    pub rows: usize,
    pub channels: usize,
    pub eps: f64,
    pub train: bool,
    pub relu: bool,
}

/// One channel: its column of x, and what it is normalised with.
struct Channel {
    x: Vec<f64>,
    gamma: f64,
    beta: f64,
    mean: f64,
    var: f64,
}

impl BatchNorm {
    fn channel(&self, x: &[f64], params: &[f64], j: usize) -> Channel {
        let c = self.channels;
        let x: Vec<f64> = (0..self.rows).map(|i| x[i * c + j]).collect();
        let (mut mean, mut var) = (params[2 * c + j], params[3 * c + j]);
        if self.train {
            let n = self.rows as f64;
            mean = x.iter().sum::<f64>() / n;
            var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        }
        Channel { x, gamma: params[j], beta: params[c + j], mean, var }
    }

    /// Before the ReLU.
    fn affine(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; x.len()];
        for j in 0..self.channels {
            let channel = self.channel(x, params, j);
            for i in 0..self.rows {
                z[i * self.channels + j] =
                    channel.gamma * channel.x_hat(i, self.eps) + channel.beta;
            }
        }
        z
    }

    /// Column j of dy, where the ReLU lets it through.
    fn dz(&self, channel: &Channel, j: usize, dy: &[f64]) -> Vec<f64> {
        let z = |i| channel.gamma * channel.x_hat(i, self.eps) + channel.beta;
        let through = |i| !self.relu || z(i) > 0.0;
        (0..self.rows).map(|i| if through(i) { dy[i * self.channels + j] } else { 0.0 }).collect()
    }
}

impl Channel {
    fn x_hat(&self, i: usize, eps: f64) -> f64 {
        (self.x[i] - self.mean) / (self.var + eps).sqrt()
    }
}

impl Reference for BatchNorm {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        z.into_iter().map(|z| if self.relu && z < 0.0 { 0.0 } else { z }).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (c, n) = (self.channels, self.rows as f64);
        let (mut dx, mut grads) = (vec![0.0; x.len()], vec![0.0; params.len()]);
        for j in 0..c {
            let channel = self.channel(x, params, j);
            let dz = self.dz(&channel, j, dy);
            for (i, dz) in dz.iter().enumerate() {
                grads[j] += dz * channel.x_hat(i, self.eps);
                grads[c + j] += dz;
            }
            for i in 0..self.rows {
                let through_statistics = if self.train {
                    (grads[c + j] + channel.x_hat(i, self.eps) * grads[j]) / n
                } else {
                    0.0
                };
                dx[i * c + j] =
                    channel.gamma / (channel.var + self.eps).sqrt() * (dz[i] - through_statistics);
            }
        }
        (dx, grads)
    }

    /// With d = x - x[0], q = mean d^2 and mean |d| <= sqrt q, the mean is a sum of n terms, off by
    /// (n + 2) EPS sqrt q, and rounded when x[0] comes back. The variance, mean d^2 - (mean d)^2,
    /// is off by n + 3 for its first term and 2 (n + 2) + 3 for its second, times EPS q. Half of
    /// that, relative to var + eps, is the relative error of the inverse root. From there on errors
    /// add up term by term.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let (c, n) = (self.channels, self.rows as f64);
        let mut e = Values {
            y: vec![0.0; x.len()],
            dx: vec![0.0; x.len()],
            grads: vec![0.0; params.len()],
        };
        let (_, grads) = self.backward(x, params, dy);
        for j in 0..c {
            let channel = self.channel(x, params, j);
            let dz = self.dz(&channel, j, dy);
            let x_hat: Vec<f64> = (0..self.rows).map(|i| channel.x_hat(i, self.eps)).collect();
            let inv_std = 1.0 / (channel.var + self.eps).sqrt();
            let (gamma, beta) = (channel.gamma.abs(), channel.beta.abs());
            let (mut e_mean, mut e_inv_std) = (0.0, 2.0 * EPS);
            if self.train {
                let q = channel.x.iter().map(|x| (x - channel.x[0]).powi(2)).sum::<f64>() / n;
                e_mean = EPS * ((n + 2.0) * q.sqrt() + channel.mean.abs());
                e_inv_std += 0.5 * EPS * (3.0 * n + 10.0) * q / (channel.var + self.eps);
                assert!(e_inv_std < 0.01, "too ill-conditioned for a bound to first order");
            }
            let e_x_hat = |i: usize| {
                (e_mean + EPS * (channel.x[i] - channel.mean).abs()) * inv_std
                    + x_hat[i].abs() * e_inv_std
            };
            let (dgamma, dbeta) = (grads[j].abs(), grads[c + j].abs());
            let (mut e_dgamma, mut e_dbeta) = (0.0, 0.0);
            for i in 0..self.rows {
                e_dbeta += n * EPS * dz[i].abs();
                e_dgamma += dz[i].abs() * (e_x_hat(i) + (n + 3.0) * EPS * x_hat[i].abs());
            }
            (e.grads[j], e.grads[c + j]) = (e_dgamma, e_dbeta);
            for i in 0..self.rows {
                let x_hat = x_hat[i].abs();
                e.y[i * c + j] = gamma * e_x_hat(i) + EPS * (2.0 * gamma * x_hat + beta);
                let (mut inner, mut e_inner) = (dz[i].abs(), EPS * dz[i].abs());
                if self.train {
                    inner += (dbeta + x_hat * dgamma) / n;
                    e_inner +=
                        (e_dbeta + x_hat * e_dgamma + dgamma * e_x_hat(i)) / n + 3.0 * EPS * inner;
                }
                e.dx[i * c + j] = gamma * inv_std * (e_inner + inner * (e_inv_std + 2.0 * EPS));
            }
        }
        e
    }

    fn kink(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        z.into_iter().map(|z| if self.relu { z.abs() } else { f64::INFINITY }).collect()
    }
}
