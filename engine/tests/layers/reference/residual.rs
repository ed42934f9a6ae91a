//! `y = f(x) + g(x)` of linear layers one after another, and the ReLU of it.

use super::linear::Linear;
use super::{EPS, Reference, Values, abs};

pub struct Residual {
    /// Without ReLUs.
    pub body: Vec<Linear>,
    /// The identity, if there are none.
    pub shortcut: Vec<Linear>,
    pub relu: bool,
}

fn params_len(layer: &Linear) -> usize {
    layer.outputs * (layer.inputs + usize::from(layer.bias))
}

/// The input of each layer, and the output.
pub fn chain(layers: &[Linear], x: &[f64], mut params: &[f64]) -> Vec<Vec<f64>> {
    let mut values = vec![x.to_vec()];
    for layer in layers {
        let (own, rest) = params.split_at(params_len(layer));
        values.push(layer.forward(values.last().unwrap(), own));
        params = rest;
    }
    values
}

/// dx and the gradients of all layers.
pub fn chain_backward(
    layers: &[Linear],
    x: &[f64],
    params: &[f64],
    dy: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let values = chain(layers, x, params);
    let (mut dy, mut grads, mut end) = (dy.to_vec(), Vec::new(), params.len());
    for (layer, x) in layers.iter().zip(&values).rev() {
        let start = end - params_len(layer);
        let (dx, own) = layer.backward(x, &params[start..end], &dy);
        grads.splice(0..0, own);
        (dy, end) = (dx, start);
    }
    (dy, grads)
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

impl Residual {
    fn split<'a>(&self, params: &'a [f64]) -> (&'a [f64], &'a [f64]) {
        params.split_at(self.body.iter().map(params_len).sum())
    }

    fn sum(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let (body, shortcut) = self.split(params);
        let last = |mut values: Vec<Vec<f64>>| values.pop().unwrap();
        add(&last(chain(&self.body, x, body)), &last(chain(&self.shortcut, x, shortcut)))
    }

    /// The gradients for those of the sum.
    fn of_sum(&self, x: &[f64], params: &[f64], dz: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (body, shortcut) = self.split(params);
        let (dx, grads) = chain_backward(&self.body, x, body, dz);
        let (shortcut_dx, shortcut_grads) = chain_backward(&self.shortcut, x, shortcut, dz);
        (add(&dx, &shortcut_dx), [grads, shortcut_grads].concat())
    }

    fn dz(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Vec<f64> {
        let open = |z: f64| !self.relu || z > 0.0;
        self.sum(x, params).iter().zip(dy).map(|(z, dy)| if open(*z) { *dy } else { 0.0 }).collect()
    }
}

impl Reference for Residual {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        self.sum(x, params).into_iter().map(|z| if self.relu { z.max(0.0) } else { z }).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.of_sum(x, params, &self.dz(x, params, dy))
    }

    /// Each layer is an inner product, whose error grows with its terms; those of one pass add up,
    /// relative to what the pass makes of absolute values.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let layers = || self.body.iter().chain(&self.shortcut);
        let forward: usize = layers().map(|layer| layer.inputs + 1).sum::<usize>() + 1;
        let backward: usize = layers().map(|layer| layer.outputs + 1).sum::<usize>() + 1;
        let batch = layers().map(|layer| layer.batch).max().unwrap_or(0);
        let (x, params, dz) = (abs(x), abs(params), abs(&self.dz(x, params, dy)));
        let (dx, grads) = self.of_sum(&x, &params, &dz);
        let times =
            |v: Vec<f64>, terms: usize| v.into_iter().map(|v| terms as f64 * EPS * v).collect();
        Values {
            y: times(self.sum(&x, &params), forward),
            dx: times(dx, backward),
            grads: times(grads, forward + backward + batch),
        }
    }

    fn kink(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let distance = |z: f64| if self.relu { z.abs() } else { f64::INFINITY };
        self.sum(x, params).into_iter().map(distance).collect()
    }
}
