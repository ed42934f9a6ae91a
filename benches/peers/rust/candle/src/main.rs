//! candle on the CPU, whose matrix products are those of the `gemm` crate.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, Linear, Module,
    ModuleT, Optimizer, ParamsAdamW, VarBuilder, VarMap, batch_norm, conv_transpose2d,
    conv_transpose2d_no_bias, conv2d_no_bias, linear, loss,
};
use protocol::{
    Batches, Convolutional, INPUTS, Job, LR, MANY, W1, W1_NORMS, W1B, W1B_NORMS, W2, W3, W4,
    W4_NORMS, W4_SAMPLES, W4_STEPS,
};
use std::hint::black_box;

const NAME: &str = "candle";
const VERSION: &str = "0.11.1";

struct Dense {
    layers: Vec<(Linear, Option<BatchNorm>)>,
}

impl Dense {
    fn new(widths: &[usize], norms: &[bool], variables: &VarMap) -> Result<Dense> {
        let root = VarBuilder::from_varmap(variables, DType::F32, &Device::Cpu);
        let mut layers = Vec::new();
        for (i, (pair, &norm)) in widths.windows(2).zip(norms).enumerate() {
            let norm = if norm {
                Some(batch_norm(pair[1], 1e-5, root.pp(format!("norm{i}")))?)
            } else {
                None
            };
            layers.push((linear(pair[0], pair[1], root.pp(format!("linear{i}")))?, norm));
        }
        Ok(Dense { layers })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let mut x = x.clone();
        for (linear, norm) in &self.layers {
            x = linear.forward(&x)?;
            if let Some(norm) = norm {
                x = norm.forward_t(&x, train)?.relu()?;
            }
        }
        Ok(x)
    }
}

struct Images {
    convolutions: Vec<(Conv2d, BatchNorm)>,
    linear: [Linear; 2],
    /// (channels, height, width) of what they take.
    deepest: (usize, usize, usize),
    transposed: Vec<(ConvTranspose2d, Option<BatchNorm>)>,
}

impl Images {
    fn new(shape: &Convolutional, variables: &VarMap) -> Result<Images> {
        let root = VarBuilder::from_varmap(variables, DType::F32, &Device::Cpu);
        let mirrored = shape.mirrored();
        let (mut convolutions, mut transposed) = (Vec::new(), Vec::new());
        let config = Conv2dConfig { padding: 1, stride: 2, ..Default::default() };
        for (i, pair) in shape.channels.windows(2).enumerate() {
            let convolution =
                conv2d_no_bias(pair[0], pair[1], 3, config, root.pp(format!("down{i}")))?;
            convolutions
                .push((convolution, batch_norm(pair[1], 1e-5, root.pp(format!("down_norm{i}")))?));
        }
        let config =
            ConvTranspose2dConfig { padding: 1, output_padding: 1, stride: 2, dilation: 1 };
        for (i, pair) in mirrored.windows(2).enumerate() {
            let (name, last) = (root.pp(format!("up{i}")), i + 2 == mirrored.len());
            let make = if last { conv_transpose2d } else { conv_transpose2d_no_bias };
            let norm = match last {
                true => None,
                false => Some(batch_norm(pair[1], 1e-5, root.pp(format!("up_norm{i}")))?),
            };
            transposed.push((make(pair[0], pair[1], 3, config, name)?, norm));
        }
        let (bottom, code) = (shape.bottom(), shape.code);
        let linear =
            [linear(bottom, code, root.pp("code"))?, linear(code, bottom, root.pp("bottom"))?];
        Ok(Images {
            convolutions,
            linear,
            deepest: (shape.deepest(), shape.side, shape.side),
            transposed,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (convolution, norm) in &self.convolutions {
            x = norm.forward_t(&convolution.forward(&x)?, true)?.relu()?;
        }
        x = x.flatten_from(1)?;
        for linear in &self.linear {
            x = linear.forward(&x)?;
        }
        let (channels, height, width) = self.deepest;
        x = x.relu()?.reshape((x.dim(0)?, channels, height, width))?;
        for (transposed, norm) in &self.transposed {
            x = transposed.forward(&x)?;
            if let Some(norm) = norm {
                x = norm.forward_t(&x, true)?.relu()?;
            }
        }
        Ok(x)
    }
}

fn adam(variables: &VarMap) -> Result<AdamW> {
    let options = ParamsAdamW { lr: LR, weight_decay: 0.0, ..Default::default() };
    AdamW::new(variables.all_vars().into_iter().collect(), options)
}

fn floats(values: Vec<f32>) -> Result<Tensor> {
    let rows = values.len() / INPUTS;
    Tensor::from_vec(values, (rows, INPUTS), &Device::Cpu)
}

fn train(job: &Job, widths: &[usize], norms: &[bool]) -> Result<()> {
    let variables = VarMap::new();
    let network = Dense::new(widths, norms, &variables)?;
    train_to_reconstruct(job, &variables, &[job.batch(), INPUTS], |x| network.forward(x, true))
}

fn train_images(job: &Job, shape: &Convolutional) -> Result<()> {
    let variables = VarMap::new();
    let network = Images::new(shape, &variables)?;
    let side = shape.image_side();
    train_to_reconstruct(job, &variables, &[job.batch(), shape.channels[0], side, side], |x| {
        network.forward(x)
    })
}

/// Trains the variables that `forward` uses, which takes batches of the shape `shape`.
fn train_to_reconstruct(
    job: &Job,
    variables: &VarMap,
    shape: &[usize],
    forward: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    let mut optimizer = adam(variables)?;
    let mut batches = Batches::read(job, None);
    let mut step = || {
        let x = Tensor::from_vec(batches.next(job.batch()).0, shape, &Device::Cpu)?;
        optimizer.backward_step(&loss::mse(&forward(&x)?, &x)?)
    };
    job.training(NAME, VERSION, || step().expect("a step"));
    Ok(())
}

fn fine_tune(job: &Job) {
    let mut batches = Batches::read(job, Some(W4_SAMPLES));
    let classes: Vec<u32> = (0..W4_SAMPLES).map(|_| (batches.random() % 10) as u32).collect();
    let mut run = || -> Result<()> {
        let variables = VarMap::new();
        let network = Dense::new(&W4, &W4_NORMS, &variables)?;
        let mut optimizer = adam(&variables)?;
        for _ in 0..W4_STEPS {
            let (x, rows) = batches.next(job.batch());
            let targets: Vec<u32> = rows.iter().map(|&row| classes[row as usize]).collect();
            let targets = Tensor::from_vec(targets, rows.len(), &Device::Cpu)?;
            optimizer.backward_step(&loss::cross_entropy(
                &network.forward(&floats(x)?, true)?,
                &targets,
            )?)?;
        }
        Ok(())
    };
    job.fine_tuning(NAME, VERSION, || run().expect("a run"));
}

fn predict(job: &Job) -> Result<()> {
    let network = Dense::new(&W4[..4], &W4_NORMS[..3], &VarMap::new())?;
    let mut batches = Batches::read(job, None);
    let (one, many) = (floats(batches.rows(1))?, floats(batches.rows(MANY))?);
    let forward = |x: &Tensor| {
        black_box(network.forward(x, false).expect("codes"));
    };
    job.prediction(NAME, VERSION, || forward(&one), || forward(&many));
    Ok(())
}

fn main() -> Result<()> {
    let job = Job::from_args();
    match job.workload.as_str() {
        "W1" => train(&job, &W1, &W1_NORMS),
        "W1b" => train(&job, &W1B, &W1B_NORMS),
        "W2" => train_images(&job, &W2),
        "W3" => train_images(&job, &W3),
        "W4" => {
            fine_tune(&job);
            Ok(())
        }
        _ => predict(&job),
    }
}
