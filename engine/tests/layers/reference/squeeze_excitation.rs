//! `y = x s`, with s for each channel of an image: the logistic function of linear layers, one
//! after another, of the image's mean.

use super::linear::Linear;
use super::residual::{chain, chain_backward};
use super::{EPS, Reference, Values, abs};

pub struct SqueezeExcitation {
    pub batch: usize,
    pub pixels: usize,
    pub channels: usize,
    /// Without ReLUs.
    pub layers: Vec<Linear>,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn times(v: Vec<f64>, factor: f64) -> Vec<f64> {
    v.into_iter().map(|v| v * factor).collect()
}

impl SqueezeExcitation {
    /// The place of image and channel of a value among (batch, channels).
    fn place(&self, i: usize) -> usize {
        i / (self.pixels * self.channels) * self.channels + i % self.channels
    }

    /// (batch, channels) from (batch, pixels, channels)
    fn sums(&self, v: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.batch * self.channels];
        v.enumerate().for_each(|(i, v)| sums[self.place(i)] += v);
        sums
    }

    fn means(&self, x: &[f64]) -> Vec<f64> {
        times(self.sums(x.iter().copied()), 1.0 / self.pixels as f64)
    }

    fn z(&self, means: &[f64], params: &[f64]) -> Vec<f64> {
        chain(&self.layers, means, params).pop().unwrap()
    }

    /// dx by way of the factors, and the gradients, for dz.
    fn of_gate(&self, means: &[f64], params: &[f64], dz: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (dmeans, grads) = chain_backward(&self.layers, means, params, dz);
        let values = 0..self.batch * self.pixels * self.channels;
        (values.map(|i| dmeans[self.place(i)] / self.pixels as f64).collect(), grads)
    }
}

impl Reference for SqueezeExcitation {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.z(&self.means(x), params);
        x.iter().enumerate().map(|(i, x)| x * sigmoid(z[self.place(i)])).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let means = self.means(x);
        let z = self.z(&means, params);
        let ds = self.sums(x.iter().zip(dy).map(|(x, dy)| x * dy));
        let dz: Vec<f64> =
            ds.iter().zip(&z).map(|(ds, z)| ds * sigmoid(*z) * sigmoid(-z)).collect();
        let (of_gate, grads) = self.of_gate(&means, params, &dz);
        let dx = |(i, dy): (usize, &f64)| dy * sigmoid(z[self.place(i)]) + of_gate[i];
        (dy.iter().enumerate().map(dx).collect(), grads)
    }

    /// The layers are inner products, whose errors add up relative to what a pass makes of absolute
    /// values. The logistic function has a slope of at most 1/4, and 3 ulp. So a factor is off by
    /// `ds_error`, the slope times its gradient by that times the gradient and 5 roundings.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let pixels = self.pixels as f64;
        let z = self.z(&self.means(x), params);
        let inputs: usize = self.layers.iter().map(|layer| layer.inputs + 1).sum();
        let outputs: usize = self.layers.iter().map(|layer| layer.outputs + 1).sum();
        let (forward, backward) = (pixels + 2.0 + inputs as f64, outputs as f64 + 3.0);
        let (means, params) = (self.means(&abs(x)), abs(params));
        let z_error = times(self.z(&means, &params), forward * EPS);
        let s_error: Vec<f64> =
            z.iter().zip(z_error).map(|(z, error)| error / 4.0 + 3.0 * EPS * sigmoid(*z)).collect();
        let ds = self.sums(x.iter().zip(dy).map(|(x, dy)| (x * dy).abs()));
        let dz: Vec<f64> =
            ds.iter().zip(&z).map(|(ds, z)| ds * sigmoid(*z) * sigmoid(-z)).collect();
        let dz_error: Vec<f64> =
            (0..ds.len()).map(|i| dz[i] * (pixels + 5.0) * EPS + ds[i] * s_error[i]).collect();
        let (of_gate, grads) = self.of_gate(&means, &params, &dz);
        let (of_error, grads_error) = self.of_gate(&means, &params, &dz_error);
        let y = |(i, x): (usize, &f64)| {
            let i = self.place(i);
            x.abs() * (s_error[i] + EPS * sigmoid(z[i]))
        };
        let dx = |(i, dy): (usize, &f64)| {
            let at = self.place(i);
            let own = dy.abs() * (s_error[at] + 2.0 * EPS * sigmoid(z[at]));
            own + of_error[i] + (backward + 1.0) * EPS * of_gate[i]
        };
        let all = forward + backward + self.batch as f64;
        Values {
            y: x.iter().enumerate().map(y).collect(),
            dx: dy.iter().enumerate().map(dx).collect(),
            grads: grads.iter().zip(grads_error).map(|(g, error)| all * EPS * g + error).collect(),
        }
    }
}

#[test]
fn the_reference_computes_a_block_done_by_hand() {
    let layers = vec![Linear { batch: 1, inputs: 1, outputs: 1, bias: true, relu: false }];
    let block = SqueezeExcitation { batch: 1, pixels: 2, channels: 1, layers };
    // The mean is 2, times 3 less 6 is 0, and the factor 1/2.
    assert_eq!(block.forward(&[1.0, 3.0], &[3.0, -6.0]), [0.5, 1.5]);
    // The factor's gradient is 1 + 2 3 = 7, a quarter of which goes on, the mean's is 3 times that.
    let (dx, grads) = block.backward(&[1.0, 3.0], &[3.0, -6.0], &[1.0, 2.0]);
    assert_eq!((dx, grads), (vec![0.5 + 2.625, 1.0 + 2.625], vec![3.5, 1.75]));
}
