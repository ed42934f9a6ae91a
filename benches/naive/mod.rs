//! What one writes first: a loop for each formula, f32, one thread, nothing fused. The compiler
//! optimises it as it likes.

#![allow(dead_code)] // each benchmark uses a part

mod convolution;

pub use convolution::Convolution;

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

/// What a layer does to its input, by weights and without a bias.
enum Map {
    /// weight: (out, in)
    Linear {
        inputs: usize,
        outputs: usize,
    },
    Convolution(Convolution),
    /// From the convolution's maps to its images.
    Transposed(Convolution),
}

/// A layer with its weights, and all that Adam and the layers beside it want of it.
struct Layer {
    map: Map,
    weight: Vec<f32>,
    grad: Vec<f32>,
    moments: [Vec<f32>; 2],
    y: Vec<f32>,
    dx: Vec<f32>,
}

impl Layer {
    fn new(batch: usize, map: Map) -> Self {
        let (weights, x, y) = match &map {
            Map::Linear { inputs, outputs } => (inputs * outputs, batch * inputs, batch * outputs),
            Map::Convolution(c) => (c.weight_len(), c.image_len(), c.map_len()),
            Map::Transposed(c) => (c.weight_len(), c.map_len(), c.image_len()),
        };
        let weight: Vec<f32> =
            (0..weights).map(|i| ((i * 7919 % 1013) as f32 / 1013.0 - 0.5) * 0.1).collect();
        let zeros = vec![0.0; weights];
        Layer {
            map,
            grad: zeros.clone(),
            moments: [zeros.clone(), zeros],
            weight,
            y: vec![0.0; y],
            dx: vec![0.0; x],
        }
    }

    fn forward(&mut self, x: &[f32]) {
        let (inputs, outputs) = match &self.map {
            Map::Linear { inputs, outputs } => (*inputs, *outputs),
            Map::Convolution(c) => return c.forward(x, &self.weight, &mut self.y),
            Map::Transposed(c) => return c.image_gradient(x, &self.weight, &mut self.y),
        };
        for (x, y) in x.chunks_exact(inputs).zip(self.y.chunks_exact_mut(outputs)) {
            for (y, w) in y.iter_mut().zip(self.weight.chunks_exact(inputs)) {
                *y = x.iter().zip(w).map(|(x, w)| x * w).sum();
            }
        }
    }

    fn backward(&mut self, x: &[f32], dy: &[f32]) {
        let (inputs, outputs) = match &self.map {
            Map::Linear { inputs, outputs } => (*inputs, *outputs),
            Map::Convolution(c) => {
                c.weight_gradient(x, dy, &mut self.grad);
                return c.image_gradient(dy, &self.weight, &mut self.dx);
            }
            Map::Transposed(c) => {
                c.weight_gradient(dy, x, &mut self.grad);
                return c.forward(dy, &self.weight, &mut self.dx);
            }
        };
        self.grad.fill(0.0);
        self.dx.fill(0.0);
        let rows = x.chunks_exact(inputs).zip(dy.chunks_exact(outputs));
        for ((x, dy), dx) in rows.zip(self.dx.chunks_exact_mut(inputs)) {
            for (o, dy) in dy.iter().enumerate() {
                let range = o * inputs..(o + 1) * inputs;
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
            self.weight[i] -=
                1e-3 * (self.moments[0][i] / c1) / ((self.moments[1][i] / c2).sqrt() + 1e-8);
        }
    }
}

/// What follows a layer.
enum After {
    Nothing,
    Relu,
    BatchNormRelu(Box<BatchNormRelu>),
}

/// An autoencoder without biases.
pub struct Autoencoder {
    layers: Vec<(Layer, After)>,
    step: i32,
}

impl Autoencoder {
    /// Linear layers of those widths: batch norm and ReLU behind each layer but the bottleneck and
    /// the last.
    pub fn new(batch: usize, widths: &[usize], bottleneck: usize) -> Self {
        let last = widths.len() - 2;
        let layer = |(i, pair): (usize, &[usize])| {
            let after = match i == bottleneck || i == last {
                true => After::Nothing,
                false => After::BatchNormRelu(Box::new(BatchNormRelu::new(batch, pair[1]))),
            };
            (Layer::new(batch, Map::Linear { inputs: pair[0], outputs: pair[1] }), after)
        };
        Autoencoder { layers: widths.windows(2).enumerate().map(layer).collect(), step: 0 }
    }

    /// Convolutions of images with `channels[0]` channels to those that follow, down to maps of
    /// `side` x `side`, a linear layer to a code of that length, and the mirror image. ReLU behind
    /// each layer but the bottleneck and the last, and batch norm before it where there is a
    /// convolution.
    pub fn convolutional(batch: usize, channels: &[usize], side: usize, code: usize) -> Self {
        let depth = channels.len() - 1;
        let convolution = |i: usize| Convolution {
            batch,
            side: side << (depth - 1 - i),
            image_channels: channels[i],
            map_channels: channels[i + 1],
        };
        let norm = |rows: usize, channels: usize| {
            After::BatchNormRelu(Box::new(BatchNormRelu::new(rows / channels, channels)))
        };
        let bottom = channels[depth] * side * side;
        let mut layers = Vec::new();
        for i in 0..depth {
            let convolution = convolution(i);
            let after = norm(convolution.map_len(), channels[i + 1]);
            layers.push((Layer::new(batch, Map::Convolution(convolution)), after));
        }
        layers.push((
            Layer::new(batch, Map::Linear { inputs: bottom, outputs: code }),
            After::Nothing,
        ));
        layers
            .push((Layer::new(batch, Map::Linear { inputs: code, outputs: bottom }), After::Relu));
        for i in (0..depth).rev() {
            let convolution = convolution(i);
            let after =
                if i == 0 { After::Nothing } else { norm(convolution.image_len(), channels[i]) };
            layers.push((Layer::new(batch, Map::Transposed(convolution)), after));
        }
        Autoencoder { layers, step: 0 }
    }

    /// One step towards reconstructing `x`, and the loss before it.
    pub fn step(&mut self, x: &[f32]) -> f32 {
        let mut input = x.to_vec();
        let mut inputs = Vec::new();
        for (layer, after) in &mut self.layers {
            layer.forward(&input);
            inputs.push(input);
            input = match after {
                After::Nothing => layer.y.clone(),
                After::Relu => layer.y.iter().map(|y| y.max(0.0)).collect(),
                After::BatchNormRelu(norm) => {
                    norm.forward(&layer.y);
                    norm.y.clone()
                }
            };
        }
        let n = x.len() as f32;
        let loss = input.iter().zip(x).map(|(y, x)| (y - x).powi(2)).sum::<f32>() / n;
        let mut dy: Vec<f32> = input.iter().zip(x).map(|(y, x)| 2.0 * (y - x) / n).collect();
        self.step += 1;
        for ((layer, after), input) in self.layers.iter_mut().zip(&inputs).rev() {
            match after {
                After::Nothing => {}
                After::Relu => dy
                    .iter_mut()
                    .zip(&layer.y)
                    .filter(|(_, y)| **y <= 0.0)
                    .for_each(|(dy, _)| *dy = 0.0),
                After::BatchNormRelu(norm) => {
                    norm.backward(&layer.y, &dy);
                    dy = norm.dx.clone();
                }
            }
            layer.backward(input, &dy);
            dy = layer.dx.clone();
            layer.update(self.step);
        }
        loss
    }
}
