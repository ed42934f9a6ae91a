//! The work to measure: matrix products, batch norm with ReLU, whole training steps, predictions.

use super::Measurement;
use crate::error::Error;
use narrows_datasets::{Dataset, shuffled};
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::layers::{BatchNorm, Relu};
use narrows_engine::predictor::Workspace;
use narrows_engine::{
    Context, Gradients, Loss, Network, Params, Pass, PassMemory, Predictor, Target, Trainer,
    TrainerSettings,
};
use narrows_models::{Activation, Architecture, Model};
use std::hint::black_box;

/// The number of measurements that [`measure`] makes.
pub const COUNT: usize = 9;

const INPUTS: usize = 784;
const SAMPLES: usize = 2048;
const LATENT: usize = 64;

/// An autoencoder: its widths between the inputs and the bottleneck, and its batch.
const W1: (&str, &[usize], usize) = ("training, 784-512-256-64, batch 256", &[512, 256], 256);
const W1B: (&str, &[usize], usize) = ("training, 784-256-64, batch 64", &[256], 64);

/// The layouts of A and B.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Both by rows.
    Plain,
    /// The second by columns, as the weights of a layer forward.
    Forward,
    /// The first by columns, as for the gradient of the weights.
    Gradient,
}

const PRODUCTS: [(usize, usize, usize, Layout); 4] = [
    (512, 512, 512, Layout::Plain),
    (256, 512, 784, Layout::Forward),
    (512, 784, 256, Layout::Gradient),
    (64, 256, 784, Layout::Forward),
];

/// Hands each piece of work to `measured`, with what it does and one call of it.
pub fn measure(
    cx: &Context,
    mut measured: impl FnMut(Measurement, &mut (dyn FnMut() + Send)),
) -> Result<(), Error> {
    for (m, n, k, layout) in PRODUCTS {
        let (a, b) = (ramp(m * k), ramp(k * n));
        let mut c = vec![0.0; m * n];
        let kind = match layout {
            Layout::Plain => "",
            Layout::Forward => ", forward",
            Layout::Gradient => ", gradient",
        };
        let bytes = 4 * (m * k + k * n + m * n);
        let name = format!("matrix product, {m}x{n}x{k}{kind}");
        measured(work(name, 1, "products", 2 * m * n * k, bytes, false), &mut || {
            let a = if layout == Layout::Gradient {
                MatRef::new(&a, k, m).transposed()
            } else {
                MatRef::new(&a, m, k)
            };
            let b = if layout == Layout::Forward {
                MatRef::new(&b, n, k).transposed()
            } else {
                MatRef::new(&b, k, n)
            };
            gemm(cx, 1.0, a, b, 0.0, MatMut::new(&mut c, m, n));
        });
    }
    batch_norm(cx, &mut measured)?;
    for (name, widths, batch) in [W1, W1B] {
        training(cx, (name, widths, batch), &mut measured)?;
    }
    predictions(cx, &mut measured)
}

/// Batch norm and ReLU behind it, forward and backward, without the gradient of the inputs.
fn batch_norm(
    cx: &Context,
    measured: &mut impl FnMut(Measurement, &mut (dyn FnMut() + Send)),
) -> Result<(), Error> {
    let (batch, features) = (256, 512);
    let network = Network::builder(features).layer(BatchNorm::default()).layer(Relu).build()?;
    let params = Params::new(&network, 1);
    let mut memory = PassMemory::new(&network, batch)?;
    let mut grads = vec![0.0; params.values().len()];
    let x = ramp(batch * features);
    let pass = Pass::train(1, 0);
    network.forward(cx, &params, &mut memory, &x, pass)?;
    // x and y forward; the gradient of y written; that and x backward.
    let bytes = 5 * 4 * batch * features;
    let name = format!("batch norm + ReLU, {batch}x{features}");
    measured(work(name, batch, "rows", 10 * batch * features, bytes, true), &mut || {
        network.forward(cx, &params, &mut memory, &x, pass).expect("it did fit");
        memory.output_and_gradient().1.fill(0.5);
        network
            .backward(cx, &params, &mut memory, &x, Gradients::added_to(&mut grads))
            .expect("a pass went before");
    });
    Ok(())
}

fn architecture(widths: &[usize]) -> Architecture {
    Architecture {
        widths: widths.to_vec(),
        latent: LATENT,
        output: Activation::None,
        ..Architecture::new(Model::Dense, INPUTS)
    }
}

/// Random pixels, four fifths of them 0, as in pictures of digits.
fn pictures() -> Result<Dataset, Error> {
    let values = (0..SAMPLES * INPUTS).map(|i| (i as u32).wrapping_mul(2_654_435_761));
    let values = values.map(|r| if r % 5 == 0 { (r >> 24) as u8 } else { 0 }).collect();
    Ok(Dataset::from_values("random", values, &[28, 28], 255, None)?)
}

/// Everything up to the end of W1's first step.
pub fn first_step(cx: &Context) -> Result<(), Error> {
    let (_, widths, batch) = W1;
    let (data, network) = (pictures()?, architecture(widths).autoencoder()?);
    let mut trainer =
        Trainer::new(&network, Params::new(&network, 1), TrainerSettings::new(Loss::L2, batch))?;
    let mut x = vec![0.0; batch * INPUTS];
    data.gather(&shuffled(SAMPLES, 1, 1)[..batch], &mut x)?;
    cx.install(|| trainer.step(cx, &x, Target::Values(&x), 1e-3))?;
    Ok(())
}

/// The multiply-adds of one sample: the widths of a network, pair by pair.
fn multiply_adds(widths: &[usize]) -> usize {
    widths.windows(2).map(|pair| pair[0] * pair[1]).sum()
}

/// The gathering of a batch of bytes, forward, backward, Adam.
fn training(
    cx: &Context,
    (name, widths, batch): (&str, &[usize], usize),
    measured: &mut impl FnMut(Measurement, &mut (dyn FnMut() + Send)),
) -> Result<(), Error> {
    let (data, network) = (pictures()?, architecture(widths).autoencoder()?);
    let params = Params::new(&network, 1);
    let encoder: Vec<usize> = [INPUTS].iter().chain(widths).chain(&[LATENT]).copied().collect();
    // Encoder and decoder; forward, the weights' gradient, and the inputs' but for the first layer.
    let flops = 2 * batch * (3 * 2 * multiply_adds(&encoder) - encoder[0] * encoder[1]);
    // Parameters and two moments are read and written, gradients written and read.
    let bytes = 4 * 8 * params.values().len() + batch * INPUTS;
    let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, batch))?;
    let order = shuffled(SAMPLES, 1, 1);
    let mut batches = order.chunks_exact(batch).cycle();
    let mut x = vec![0.0; batch * INPUTS];
    measured(work(name.to_string(), batch, "samples", flops, bytes, false), &mut || {
        data.gather(batches.next().expect("endless"), &mut x).expect("they are in memory");
        trainer.step(cx, &x, Target::Values(&x), 1e-3).expect("random pixels are finite");
    });
    Ok(())
}

/// W1's encoder on one row, which is bound by reading the weights, and on 1,024. No pixel is 0, or
/// less would be read.
fn predictions(
    cx: &Context,
    measured: &mut impl FnMut(Measurement, &mut (dyn FnMut() + Send)),
) -> Result<(), Error> {
    let network = architecture(W1.1).encoder_alone()?;
    let predictor = Predictor::new(&network, &Params::new(&network, 1))?;
    let mut workspace = Workspace::default();
    for rows in [1, 1024] {
        let x: Vec<f32> = ramp(rows * INPUTS).iter().map(|value| value + 1.0).collect();
        let mut y = vec![0.0; rows * LATENT];
        let flops = 2 * rows * multiply_adds(&[INPUTS, 512, 256, LATENT]);
        let bytes = predictor.weight_bytes() + 4 * (x.len() + y.len());
        let name = format!("prediction, 784-512-256-64, {rows} at a time");
        measured(work(name, rows, "rows", flops, bytes, rows == 1), &mut || {
            predictor.predict(cx, &mut workspace, &x, &mut y).expect("whole rows");
            black_box(&mut y);
        });
    }
    Ok(())
}

/// Numbers in -0.5..0.5 without a pattern that matters.
fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|at| (at * 7919 % 1009) as f32 / 1009.0 - 0.5).collect()
}

/// A measurement still to be made.
fn work(
    name: String,
    items: usize,
    unit: &'static str,
    flops: usize,
    bytes: usize,
    by_bandwidth: bool,
) -> Measurement {
    let (flops, bytes) = (flops as f64, bytes as f64);
    Measurement { name, items, unit, flops, bytes, by_bandwidth, ..Measurement::default() }
}
