//! Layers whose output is a sum of products, each of one input and one weight, plus a bias for each
//! channel, and perhaps a ReLU. The products are a list of taps (index in y, index in x, index in
//! the weight), and forward and backward are three readings of it. Convolutions differ in the list
//! alone.

use super::{EPS, Reference, Values};

pub trait Taps {
    fn output_len(&self) -> usize;
    fn out_channels(&self) -> usize;
    fn bias(&self) -> bool;
    fn relu(&self) -> bool;

    /// Calls `tap` with (index in y, index in x, index in the weight) of each product.
    fn taps(&self, tap: impl FnMut(usize, usize, usize));

    /// The products that a layer may add and take away again, on its way to a sum in fewer
    /// multiplications. They count in the bounds: what is left of them is their rounding.
    fn detours(&self, _tap: impl FnMut(usize, usize, usize)) {}

    /// Splits the parameters into weight and bias, which may be empty.
    fn split<'a>(&self, params: &'a [f64]) -> (&'a [f64], &'a [f64]) {
        params.split_at(params.len() - if self.bias() { self.out_channels() } else { 0 })
    }

    /// z, before the ReLU
    fn affine(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let (weight, bias) = self.split(params);
        let mut z = vec![0.0; self.output_len()];
        self.taps(|o, i, w| z[o] += x[i] * weight[w]);
        if self.bias() {
            z.iter_mut().enumerate().for_each(|(o, z)| *z += bias[o % self.out_channels()]);
        }
        z
    }

    /// dx, and the gradients of weight and bias, from dz
    fn affine_backward(&self, x: &[f64], params: &[f64], dz: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (weight, bias) = self.split(params);
        let (mut dx, mut dw, mut db) =
            (vec![0.0; x.len()], vec![0.0; weight.len()], vec![0.0; bias.len()]);
        self.taps(|o, i, w| {
            dx[i] += dz[o] * weight[w];
            dw[w] += dz[o] * x[i];
        });
        if self.bias() {
            dz.iter().enumerate().for_each(|(o, dz)| db[o % self.out_channels()] += dz);
        }
        (dx, [dw, db].concat())
    }

    /// dy where the ReLU lets it through
    fn dz(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Vec<f64> {
        if !self.relu() {
            return dy.to_vec();
        }
        let z = self.affine(x, params);
        dy.iter().zip(z).map(|(&dy, z)| if z <= 0.0 { 0.0 } else { dy }).collect()
    }
}

fn abs(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| v.abs()).collect()
}

/// The bound on a sum of `terms` products whose sizes add up to `size`.
///
/// A weight's gradient sums over all positions of all samples. There `k u` is so far above what
/// rounding does that it would hide a term left out. So for many terms it is `8 sqrt k u`, which
/// holds with a probability of 1 - 2 k exp(-32), if roundings are independent and without a
/// preferred direction (Higham and Mary, A new approach to probabilistic rounding error analysis,
/// SIAM J. Sci. Comput. 41, 2019). `EPS` is 2 u.
fn bound(terms: f64, size: f64) -> f64 {
    terms.min(4.0 * terms.sqrt()) * EPS * size
}

impl<T: Taps> Reference for T {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        z.into_iter().map(|z| if self.relu() && z < 0.0 { 0.0 } else { z }).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.affine_backward(x, params, &self.dz(x, params, dy))
    }

    /// Inner products. With ones for all values they count their terms.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let ones = |v: &[f64]| vec![1.0; v.len()];
        let (x1, params1, dy1) = (ones(x), ones(params), ones(dy));
        let dz = abs(&self.dz(x, params, dy));
        let (x, params) = (abs(x), abs(params));
        let (dx, grads) = self.affine_backward(&x, &params, &dz);
        let (dx_terms, grads_terms) = self.affine_backward(&x1, &params1, &dy1);
        let (mut y, mut y_terms) = (self.affine(&x, &params), self.affine(&x1, &params1));
        let (mut dx, mut dx_terms, mut grads, mut grads_terms) = (dx, dx_terms, grads, grads_terms);
        self.detours(|o, i, w| {
            y[o] += x[i] * params[w];
            dx[i] += dz[o] * params[w];
            grads[w] += dz[o] * x[i];
            for terms in [&mut y_terms[o], &mut dx_terms[i], &mut grads_terms[w]] {
                *terms += 1.0;
            }
        });
        let bounds = |terms: Vec<f64>, size: Vec<f64>| {
            terms.into_iter().zip(size).map(|(t, s)| bound(t, s)).collect()
        };
        Values {
            y: bounds(y_terms, y),
            dx: bounds(dx_terms, dx),
            grads: bounds(grads_terms, grads),
        }
    }

    fn kink(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        if !self.relu() {
            return vec![f64::INFINITY; self.output_len()];
        }
        abs(&self.affine(x, params))
    }
}
