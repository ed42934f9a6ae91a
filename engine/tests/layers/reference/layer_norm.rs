//! Layer normalisation of rows, each by itself.

use super::{EPS, Reference, Values};

pub struct LayerNorm {
    pub channels: usize,
    pub eps: f64,
}

fn mean(v: impl Iterator<Item = f64>, count: usize) -> f64 {
    v.sum::<f64>() / count as f64
}

impl LayerNorm {
    /// `1 / sqrt(var + eps)` of a row, and its normalised values.
    fn normalised(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let c = self.channels;
        let center = mean(x.iter().copied(), c);
        let variance = mean(x.iter().map(|x| (x - center).powi(2)), c);
        let inv_std = 1.0 / (variance + self.eps).sqrt();
        (inv_std, x.iter().map(|x| (x - center) * inv_std).collect())
    }
}

impl Reference for LayerNorm {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let (gamma, beta) = params.split_at(self.channels);
        let row = |x: &[f64]| -> Vec<f64> {
            let (_, values) = self.normalised(x);
            values.iter().zip(gamma).zip(beta).map(|((x, gamma), beta)| gamma * x + beta).collect()
        };
        x.chunks_exact(self.channels).flat_map(row).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (c, mut dx, mut grads) = (self.channels, Vec::new(), vec![0.0; params.len()]);
        for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
            let (inv_std, values) = self.normalised(x);
            let g: Vec<f64> = (0..c).map(|i| params[i] * dy[i]).collect();
            let center = mean(g.iter().copied(), c);
            let along = mean((0..c).map(|i| g[i] * values[i]), c);
            for i in 0..c {
                dx.push(inv_std * (g[i] - center - values[i] * along));
                grads[i] += dy[i] * values[i];
                grads[c + i] += dy[i];
            }
        }
        (dx, grads)
    }

    /// The mean is a sum of c terms. Around the mean itself the first power of its error cancels in
    /// the variance. All errors then go the way of the values.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let (c, rows) = (self.channels, (x.len() / self.channels) as f64);
        let terms = c as f64 + 4.0;
        let (gamma, beta) = params.split_at(c);
        let (mut y, mut dx, mut grads) = (Vec::new(), Vec::new(), vec![0.0; 2 * c]);
        for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
            let (inv_std, values) = self.normalised(x);
            let values: Vec<f64> = values.iter().map(|v| v.abs()).collect();
            let mean_error = terms * EPS * mean(x.iter().map(|x| x.abs()), c);
            // Of the inverse deviation, relative to it.
            let relative = terms * EPS + (mean_error * inv_std).powi(2);
            let error: Vec<f64> =
                values.iter().map(|v| mean_error * inv_std + v * (relative + EPS)).collect();
            let g: Vec<f64> = (0..c).map(|i| (gamma[i] * dy[i]).abs()).collect();
            let center = mean(g.iter().copied(), c);
            let along = mean((0..c).map(|i| g[i] * values[i]), c);
            let along_error = terms * EPS * along + mean((0..c).map(|i| g[i] * error[i]), c);
            for i in 0..c {
                let z = (gamma[i] * values[i]).abs();
                y.push(gamma[i].abs() * error[i] + 3.0 * EPS * (z + beta[i].abs()));
                let size = g[i] + center + values[i] * along;
                let inner =
                    terms * EPS * (g[i] + center) + values[i] * along_error + error[i] * along;
                dx.push(inv_std * (inner + size * (relative + 4.0 * EPS)));
                grads[i] += dy[i].abs() * (error[i] + (rows + 2.0) * EPS * values[i]);
                grads[c + i] += dy[i].abs() * (rows + 1.0) * EPS;
            }
        }
        Values { y, dx, grads }
    }
}

#[test]
fn the_reference_normalises_a_row_done_by_hand() {
    let layer = LayerNorm { channels: 2, eps: 3.0 };
    // The mean is 4, the variance 1, with eps 4.
    assert_eq!(layer.forward(&[3.0, 5.0], &[2.0, 4.0, 0.5, 1.0]), [-0.5, 3.0]);
    let (dx, grads) = layer.backward(&[3.0, 5.0], &[2.0, 4.0, 0.5, 1.0], &[1.0, 2.0]);
    // g = 2, 8: less their mean of 5, and less x_hat times (8 - 2) / 4 = 1.5
    assert_eq!(dx, [0.5 * (-3.0 + 0.75), 0.5 * (3.0 - 0.75)]);
    assert_eq!(grads, [-0.5, 1.0, 1.0, 2.0]);
}
