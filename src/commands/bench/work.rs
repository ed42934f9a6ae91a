//! The work to measure: matrix products, batch norm with ReLU, whole training steps, predictions.

use super::Measurement;
use crate::error::Error;
use narrows_datasets::{Dataset, shuffled};
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::layers::{BatchNorm, Relu};
use narrows_engine::predictor::{Precision, Workspace};
use narrows_engine::{
    Context, Gradients, Loss, Network, Params, Pass, PassMemory, Predictor, Target, Trainer,
    TrainerSettings,
};
use narrows_models::{Activation, Architecture, Model, SampleShape};
use std::hint::black_box;

/// The number of measurements that [`measure`] makes.
pub const COUNT: usize = 12;

const INPUTS: usize = 784;
const SAMPLES: usize = 2048;
const LATENT: usize = 64;
const W1: &[usize] = &[512, 256];

/// Names of work that more is said of.
pub const DENSE: &str = "training, 784-512-256-64, batch 256";
pub const CONV_GREY: &str = "training, conv 28x28x1, batch 128";
pub const CONV_COLOUR: &str = "training, conv 32x32x3, batch 128";
pub const MANY_ROWS: &str = "prediction, 784-512-256-64, 1024 rows";

/// Autoencoders to train: their model, the shape of a sample, their widths between it and the
/// bottleneck, and their batch.
type Training = (&'static str, Model, &'static [usize], &'static [usize], usize);
const TRAINING: [Training; 4] = [
    (DENSE, Model::Dense, &[28, 28], W1, 256),
    ("training, 784-256-64, batch 64", Model::Dense, &[28, 28], &[256], 64),
    (CONV_GREY, Model::Conv, &[28, 28], &[16, 32], 128),
    (CONV_COLOUR, Model::Conv, &[32, 32, 3], &[32, 64, 128], 128),
];

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
    for of in TRAINING {
        training(cx, of, &mut measured)?;
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

fn autoencoder((_, model, _, widths, _): Training, of: &Dataset) -> Result<Network, Error> {
    let output = Activation::None;
    Ok(Architecture { output, ..architecture(model, of.into(), widths) }.autoencoder()?)
}

fn architecture(model: Model, input: SampleShape, widths: &[usize]) -> Architecture {
    Architecture { widths: widths.to_vec(), latent: LATENT, ..Architecture::new(model, input) }
}

/// Random pixels, four fifths of them 0, as in pictures of digits.
fn pictures(shape: &[usize]) -> Result<Dataset, Error> {
    let values = 0..SAMPLES * shape.iter().product::<usize>();
    let values = values.map(|i| (i as u32).wrapping_mul(2_654_435_761));
    let values = values.map(|r| if r % 5 == 0 { (r >> 24) as u8 } else { 0 }).collect();
    Ok(Dataset::from_values("random", values, shape, 255, None)?)
}

/// Everything up to the end of W1's first step.
pub fn first_step(cx: &Context) -> Result<(), Error> {
    let w1 @ (_, _, shape, _, batch) = TRAINING[0];
    let data = pictures(shape)?;
    let network = autoencoder(w1, &data)?;
    let mut trainer =
        Trainer::new(&network, Params::new(&network, 1), TrainerSettings::new(Loss::L2, batch))?;
    let mut x = vec![0.0; batch * INPUTS];
    data.gather(&shuffled(SAMPLES, 1, 1)[..batch], &mut x)?;
    cx.install(|| trainer.step(cx, &x, Target::Values(&x), 1e-3))?;
    Ok(())
}

/// The gathering of a batch of bytes, forward, backward, Adam.
fn training(
    cx: &Context,
    of: Training,
    measured: &mut impl FnMut(Measurement, &mut (dyn FnMut() + Send)),
) -> Result<(), Error> {
    let (name, _, shape, _, batch) = of;
    let data = pictures(shape)?;
    let network = autoencoder(of, &data)?;
    let (params, summary) = (Params::new(&network, 1), network.summary(batch));
    // Forward, the weights' gradient, and the inputs' but for the first layer.
    let first = summary.layers.first().map_or(0, |layer| layer.macs);
    let flops = 2 * batch * (3 * summary.macs - first) as usize;
    let values = network.input().len();
    // Parameters and two moments are read and written, gradients written and read.
    let bytes = 4 * 8 * params.values().len() + batch * values;
    let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, batch))?;
    let order = shuffled(SAMPLES, 1, 1);
    let mut batches = order.chunks_exact(batch).cycle();
    let mut x = vec![0.0; batch * values];
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
    let network = architecture(Model::Dense, INPUTS.into(), W1).encoder_alone()?;
    let macs = network.summary(1).macs as usize;
    let params = Params::new(&network, 1);
    for (rows, precision) in [(1, Precision::F32), (1, Precision::F16), (1024, Precision::F32)] {
        let predictor = Predictor::with_precision(&network, &params, precision)?;
        let mut workspace = Workspace::default();
        let x: Vec<f32> = ramp(rows * INPUTS).iter().map(|value| value + 1.0).collect();
        let mut y = vec![0.0; rows * LATENT];
        let bytes = predictor.weight_bytes() + 4 * (x.len() + y.len());
        let name = match rows {
            1 => format!("prediction, 784-512-256-64, 1 row, {precision}"),
            _ => MANY_ROWS.to_string(),
        };
        measured(work(name, rows, "rows", 2 * rows * macs, bytes, rows == 1), &mut || {
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
