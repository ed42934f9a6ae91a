//! y = x W^T + b, or its ReLU.

use super::{EPS, Reference, Values, abs, away_from_kinks};

pub struct Linear {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
    pub relu: bool,
}

impl Linear {
    /// z = x W^T + b: (batch, outputs)
    fn affine(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let (weight, bias) = params.split_at(self.outputs * self.inputs);
        let mut z = Vec::new();
        for i in 0..self.batch {
            for o in 0..self.outputs {
                let mut sum = if self.bias { bias[o] } else { 0.0 };
                for k in 0..self.inputs {
                    sum += x[i * self.inputs + k] * weight[o * self.inputs + k];
                }
                z.push(sum);
            }
        }
        z
    }

    /// dx: (batch, inputs) and grads: (outputs, inputs) then (outputs), from dz: (batch, outputs)
    fn affine_backward(&self, x: &[f64], params: &[f64], dz: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut dx = vec![0.0; x.len()];
        let mut grads = vec![0.0; params.len()];
        for i in 0..self.batch {
            for o in 0..self.outputs {
                let dz = dz[i * self.outputs + o];
                for k in 0..self.inputs {
                    dx[i * self.inputs + k] += dz * params[o * self.inputs + k];
                    grads[o * self.inputs + k] += dz * x[i * self.inputs + k];
                }
                if self.bias {
                    grads[self.outputs * self.inputs + o] += dz;
                }
            }
        }
        (dx, grads)
    }

    /// dy where the ReLU lets it through
    fn dz(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        dy.iter().zip(z).map(|(&dy, z)| if self.relu && z <= 0.0 { 0.0 } else { dy }).collect()
    }
}

impl Reference for Linear {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        z.into_iter().map(|z| if self.relu && z < 0.0 { 0.0 } else { z }).collect()
    }

    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.affine_backward(x, params, &self.dz(x, params, dy))
    }

    /// Inner products, over inputs (and the bias), outputs, and the batch: k EPS sum |a| |b|.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values {
        let scaled = |k: usize, v: Vec<f64>| v.iter().map(|v| k as f64 * EPS * v).collect();
        let y = scaled(self.inputs + 1, self.affine(&abs(x), &abs(params)));
        let (dx, grads) =
            self.affine_backward(&abs(x), &abs(params), &abs(&self.dz(x, params, dy)));
        Values { y, dx: scaled(self.outputs, dx), grads: scaled(self.batch, grads) }
    }

    fn kink(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        let z = self.affine(x, params);
        z.into_iter().map(|z| if self.relu { z.abs() } else { f64::INFINITY }).collect()
    }
}

#[test]
fn the_reference_computes_a_product_done_by_hand() {
    let layer = Linear { batch: 1, inputs: 2, outputs: 2, bias: true, relu: true };
    // W = [1 2; 3 4], b = [10, -20], x = [1, 2]: z = [15, -9]
    let (x, params) = ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0, 10.0, -20.0]);
    assert_eq!(layer.forward(&x, &params), [15.0, 0.0]);
    let (dx, grads) = layer.backward(&x, &params, &[1.0, 1.0]);
    assert_eq!((dx, grads), (vec![1.0, 2.0], vec![1.0, 2.0, 0.0, 0.0, 1.0, 0.0]));
    let dy = away_from_kinks(&layer.kink(&x, &params), |_| 10.0, &[1.0, 1.0]);
    assert_eq!(dy, [1.0, 0.0]);
}
