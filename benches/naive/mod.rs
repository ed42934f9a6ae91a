//! What one writes first: a loop for each formula, f32, one thread, nothing fused. The compiler optimises it
//! as it likes.

#![allow(dead_code)] // each benchmark uses a part

/// Batch norm and ReLU, a pass for each line.
pub struct BatchNormRelu {
    rows: usize,
    features: usize,
    mean: Vec<f32>,
    var: Vec<f32>,
    x_hat: Vec<f32>,
    z: Vec<f32>,
    pub y: Vec<f32>,
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub dgamma: Vec<f32>,
    pub dbeta: Vec<f32>,
    dz: Vec<f32>,
    pub dx: Vec<f32>,
}

impl BatchNormRelu {
    pub fn new(rows: usize, features: usize) -> Self {
        let (all, one) = (vec![0.0; rows * features], vec![0.0; features]);
        BatchNormRelu {
            rows,
            features,
            mean: one.clone(),
            var: one.clone(),
            x_hat: all.clone(),
            z: all.clone(),
            y: all.clone(),
            gamma: vec![1.0; features],
            beta: one.clone(),
            dgamma: one.clone(),
            dbeta: one,
            dz: all.clone(),
            dx: all,
        }
    }

    pub fn forward(&mut self, x: &[f32]) {
        let (n, f) = (self.rows as f32, self.features);
        self.mean.fill(0.0);
        for row in x.chunks_exact(f) {
            (0..f).for_each(|j| self.mean[j] += row[j]);
        }
        self.mean.iter_mut().for_each(|mean| *mean /= n);
        self.var.fill(0.0);
        for row in x.chunks_exact(f) {
            (0..f).for_each(|j| self.var[j] += (row[j] - self.mean[j]).powi(2));
        }
        self.var.iter_mut().for_each(|var| *var /= n);
        for (row, x_hat) in x.chunks_exact(f).zip(self.x_hat.chunks_exact_mut(f)) {
            (0..f).for_each(|j| x_hat[j] = (row[j] - self.mean[j]) / (self.var[j] + 1e-5).sqrt());
        }
        for (x_hat, z) in self.x_hat.chunks_exact(f).zip(self.z.chunks_exact_mut(f)) {
            (0..f).for_each(|j| z[j] = self.gamma[j] * x_hat[j] + self.beta[j]);
        }
        self.y.iter_mut().zip(&self.z).for_each(|(y, z)| *y = z.max(0.0));
    }

    pub fn backward(&mut self, x: &[f32], dy: &[f32]) {
        let (n, f) = (self.rows as f32, self.features);
        for ((dz, z), dy) in self.dz.iter_mut().zip(&self.z).zip(dy) {
            *dz = if *z > 0.0 { *dy } else { 0.0 };
        }
        self.dbeta.fill(0.0);
        for dz in self.dz.chunks_exact(f) {
            (0..f).for_each(|j| self.dbeta[j] += dz[j]);
        }
        self.dgamma.fill(0.0);
        for (dz, x_hat) in self.dz.chunks_exact(f).zip(self.x_hat.chunks_exact(f)) {
            (0..f).for_each(|j| self.dgamma[j] += dz[j] * x_hat[j]);
        }
        for (i, dx) in self.dx[..x.len()].iter_mut().enumerate() {
            let j = i % f;
            let inner = self.dz[i] - (self.dbeta[j] + self.x_hat[i] * self.dgamma[j]) / n;
            *dx = self.gamma[j] / (self.var[j] + 1e-5).sqrt() * inner;
        }
    }
}

/// A linear layer without bias: weight (out, in).
struct Linear {
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    grad: Vec<f32>,
    moments: [Vec<f32>; 2],
    y: Vec<f32>,
    dx: Vec<f32>,
}

impl Linear {
    fn new(batch: usize, inputs: usize, outputs: usize) -> Self {
        let weight: Vec<f32> =
            (0..inputs * outputs).map(|i| ((i * 7919 % 1013) as f32 / 1013.0 - 0.5) * 0.1).collect();
        let zeros = vec![0.0; weight.len()];
        Linear {
            inputs,
            outputs,
            grad: zeros.clone(),
            moments: [zeros.clone(), zeros],
            weight,
            y: vec![0.0; batch * outputs],
            dx: vec![0.0; batch * inputs],
        }
    }

    fn forward(&mut self, x: &[f32]) {
        for (x, y) in x.chunks_exact(self.inputs).zip(self.y.chunks_exact_mut(self.outputs)) {
            for (y, w) in y.iter_mut().zip(self.weight.chunks_exact(self.inputs)) {
                *y = x.iter().zip(w).map(|(x, w)| x * w).sum();
            }
        }
    }

    fn backward(&mut self, x: &[f32], dy: &[f32]) {
        self.grad.fill(0.0);
        self.dx.fill(0.0);
        let rows = x.chunks_exact(self.inputs).zip(dy.chunks_exact(self.outputs));
        for ((x, dy), dx) in rows.zip(self.dx.chunks_exact_mut(self.inputs)) {
            for (o, dy) in dy.iter().enumerate() {
                let range = o * self.inputs..(o + 1) * self.inputs;
                self.grad[range.clone()].iter_mut().zip(x).for_each(|(g, x)| *g += dy * x);
                dx.iter_mut().zip(&self.weight[range]).for_each(|(dx, w)| *dx += dy * w);
            }
        }
    }

    /// Adam, as published.
    fn update(&mut self, step: i32) {
        let (c1, c2) = (1.0 - 0.9f32.powi(step), 1.0 - 0.999f32.powi(step));
        for i in 0..self.weight.len() {
            let g = self.grad[i];
            self.moments[0][i] = 0.9 * self.moments[0][i] + 0.1 * g;
            self.moments[1][i] = 0.999 * self.moments[1][i] + 0.001 * g * g;
            self.weight[i] -= 1e-3 * (self.moments[0][i] / c1) / ((self.moments[1][i] / c2).sqrt() + 1e-8);
        }
    }
}

/// An autoencoder of those widths: batch norm and ReLU behind each layer but the bottleneck and the last.
pub struct Autoencoder {
    linears: Vec<Linear>,
    norms: Vec<Option<BatchNormRelu>>,
    step: i32,
}

impl Autoencoder {
    pub fn new(batch: usize, widths: &[usize], bottleneck: usize) -> Self {
        let last = widths.len() - 2;
        let linears: Vec<Linear> = widths.windows(2).map(|w| Linear::new(batch, w[0], w[1])).collect();
        let norms = (0..linears.len())
            .map(|i| (i != bottleneck && i != last).then(|| BatchNormRelu::new(batch, widths[i + 1])))
            .collect();
        Autoencoder { linears, norms, step: 0 }
    }

    /// One step towards reconstructing `x`, and the loss before it.
    pub fn step(&mut self, x: &[f32]) -> f32 {
        let mut input = x.to_vec();
        let mut inputs = Vec::new();
        for (linear, norm) in self.linears.iter_mut().zip(&mut self.norms) {
            linear.forward(&input);
            inputs.push(input);
            input = match norm {
                Some(norm) => {
                    norm.forward(&linear.y);
                    norm.y.clone()
                }
                None => linear.y.clone(),
            };
        }
        let n = x.len() as f32;
        let loss = input.iter().zip(x).map(|(y, x)| (y - x).powi(2)).sum::<f32>() / n;
        let mut dy: Vec<f32> = input.iter().zip(x).map(|(y, x)| 2.0 * (y - x) / n).collect();
        self.step += 1;
        for ((linear, norm), input) in self.linears.iter_mut().zip(&mut self.norms).zip(&inputs).rev() {
            if let Some(norm) = norm {
                norm.backward(&linear.y, &dy);
                dy = norm.dx.clone();
            }
            linear.backward(input, &dy);
            dy = linear.dx.clone();
            linear.update(self.step);
        }
        loss
    }
}
