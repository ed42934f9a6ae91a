//! burn on the CPU, by its own backend, flex.

use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::{TensorData, activation::relu};
use protocol::{
    Batches, Convolutional, INPUTS, Job, LR, MANY, W1, W1_NORMS, W1B, W1B_NORMS, W2, W3, W4,
    W4_NORMS, W4_SAMPLES, W4_STEPS,
};
use std::hint::black_box;

const NAME: &str = "burn";
const VERSION: &str = "0.22.1";

#[derive(Module, Debug)]
struct Dense {
    linear: Vec<Linear>,
    norms: Vec<BatchNorm>,
    has_norm: Vec<bool>,
}

impl Dense {
    fn new(widths: &[usize], has_norm: &[bool], device: &Device) -> Dense {
        let linear = widths
            .windows(2)
            .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device))
            .collect();
        let norms = widths[1..].iter().zip(has_norm).filter(|(_, norm)| **norm);
        let norms = norms.map(|(&width, _)| BatchNormConfig::new(width).init(device)).collect();
        Dense { linear, norms, has_norm: has_norm.to_vec() }
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        let mut norms = self.norms.iter();
        for (linear, &norm) in self.linear.iter().zip(&self.has_norm) {
            x = linear.forward(x);
            if norm {
                x = relu(norms.next().expect("as many as wanted").forward(x));
            }
        }
        x
    }
}

#[derive(Module, Debug)]
struct Images {
    convolutions: Vec<Conv2d>,
    linear: Vec<Linear>,
    transposed: Vec<ConvTranspose2d>,
    /// Those of the convolutions, and those of the transposed ones.
    norms: Vec<BatchNorm>,
}

impl Images {
    fn new(shape: &Convolutional, device: &Device) -> Images {
        let mirrored = shape.mirrored();
        let last = mirrored.len() - 2;
        let convolution = |pair: &[usize]| {
            let config =
                Conv2dConfig::new([pair[0], pair[1]], [3, 3]).with_stride([2, 2]).with_bias(false);
            config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        let transposed = |(i, pair): (usize, &[usize])| {
            let config = ConvTranspose2dConfig::new([pair[0], pair[1]], [3, 3]).with_stride([2, 2]);
            config.with_padding([1, 1]).with_padding_out([1, 1]).with_bias(i == last).init(device)
        };
        let norms = shape.channels[1..].iter().chain(&mirrored[1..=last]);
        Images {
            convolutions: shape.channels.windows(2).map(convolution).collect(),
            linear: [(shape.bottom(), shape.code), (shape.code, shape.bottom())]
                .map(|(inputs, outputs)| LinearConfig::new(inputs, outputs).init(device))
                .into(),
            transposed: mirrored.windows(2).enumerate().map(transposed).collect(),
            norms: norms.map(|&channels| BatchNormConfig::new(channels).init(device)).collect(),
        }
    }

    fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        let mut norms = self.norms.iter();
        for convolution in &self.convolutions {
            x = relu(norms.next().expect("one each").forward(convolution.forward(x)));
        }
        let [batch, channels, height, width] = x.dims();
        let mut row = x.reshape([batch, channels * height * width]);
        for linear in &self.linear {
            row = linear.forward(row);
        }
        x = relu(row).reshape([batch, channels, height, width]);
        for transposed in &self.transposed {
            x = transposed.forward(x);
            if let Some(norm) = norms.next() {
                x = relu(norm.forward(x));
            }
        }
        x
    }
}

fn floats(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let rows = values.len() / INPUTS;
    Tensor::from_data(TensorData::new(values, [rows, INPUTS]), device)
}

/// Trains `network`, whose inputs have the shape `shape`.
fn train<M: Module, const D: usize>(
    job: &Job,
    network: M,
    forward: impl Fn(&M, Tensor<D>) -> Tensor<D>,
    shape: [usize; D],
    device: &Device,
) {
    let mut network = Some(network);
    let mut optimizer = AdamConfig::new().init();
    let mut batches = Batches::read(job, None);
    job.training(NAME, VERSION, || {
        let before = network.take().expect("a network");
        let x = Tensor::from_data(TensorData::new(batches.next(job.batch()).0, shape), device);
        let loss = MseLoss::new().forward(forward(&before, x.clone()), x, Reduction::Mean);
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        network = Some(optimizer.step(LR, before, gradients));
        device.sync().expect("a step");
    });
}

fn train_rows(job: &Job, widths: &[usize], norms: &[bool], device: &Device) {
    train(job, Dense::new(widths, norms, device), Dense::forward, [job.batch(), INPUTS], device);
}

fn train_images(job: &Job, shape: &Convolutional, device: &Device) {
    let side = shape.image_side();
    let images = [job.batch(), shape.channels[0], side, side];
    train(job, Images::new(shape, device), Images::forward, images, device);
}

fn fine_tune(job: &Job, device: &Device) {
    let mut batches = Batches::read(job, Some(W4_SAMPLES));
    let classes: Vec<i32> = (0..W4_SAMPLES).map(|_| (batches.random() % 10) as i32).collect();
    job.fine_tuning(NAME, VERSION, || {
        let mut network = Dense::new(&W4, &W4_NORMS, device);
        let mut optimizer = AdamConfig::new().init();
        let cross_entropy = CrossEntropyLossConfig::new().init(device);
        for _ in 0..W4_STEPS {
            let (x, rows) = batches.next(job.batch());
            let targets: Vec<i32> = rows.iter().map(|&row| classes[row as usize]).collect();
            let targets =
                Tensor::<1, Int>::from_data(TensorData::new(targets, [rows.len()]), device);
            let loss = cross_entropy.forward(network.forward(floats(x, device)), targets);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(LR, network, gradients);
        }
        device.sync().expect("a run");
    });
}

fn predict(job: &Job, device: &Device) {
    let network = Dense::new(&W4[..4], &W4_NORMS[..3], device);
    let mut batches = Batches::read(job, None);
    let (one, many) = (floats(batches.rows(1), device), floats(batches.rows(MANY), device));
    let forward = |x: &Tensor<2>| {
        black_box(network.forward(x.clone()).into_data());
    };
    job.prediction(NAME, VERSION, || forward(&one), || forward(&many));
}

fn main() {
    let job = Job::from_args();
    let inference = Device::flex();
    let device = inference.clone().autodiff();
    match job.workload.as_str() {
        "W1" => train_rows(&job, &W1, &W1_NORMS, &device),
        "W1b" => train_rows(&job, &W1B, &W1B_NORMS, &device),
        "W2" => train_images(&job, &W2, &device),
        "W3" => train_images(&job, &W3, &device),
        "W4" => fine_tune(&job, &device),
        _ => predict(&job, &inference),
    }
}
