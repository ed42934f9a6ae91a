//! burn on the CPU, by its own backend, flex.

use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::{TensorData, activation::relu};
use protocol::{
    Batches, INPUTS, Job, LR, MANY, W1, W1_NORMS, W1B, W1B_NORMS, W4, W4_NORMS, W4_SAMPLES, W4_STEPS,
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
        let linear = widths.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(device)).collect();
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

fn floats(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let rows = values.len() / INPUTS;
    Tensor::from_data(TensorData::new(values, [rows, INPUTS]), device)
}

fn train(job: &Job, widths: &[usize], norms: &[bool], device: &Device) {
    let mut network = Some(Dense::new(widths, norms, device));
    let mut optimizer = AdamConfig::new().init();
    let mut batches = Batches::read(job, None);
    job.training(NAME, VERSION, || {
        let before = network.take().expect("a network");
        let x = floats(batches.next(job.batch()).0, device);
        let loss = MseLoss::new().forward(before.forward(x.clone()), x, Reduction::Mean);
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        network = Some(optimizer.step(LR, before, gradients));
        device.sync().expect("a step");
    });
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
            let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows.len()]), device);
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
        "W1" => train(&job, &W1, &W1_NORMS, &device),
        "W1b" => train(&job, &W1B, &W1B_NORMS, &device),
        "W4" => fine_tune(&job, &device),
        _ => predict(&job, &inference),
    }
}
