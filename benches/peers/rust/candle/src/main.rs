//! candle on the CPU, whose matrix products are those of the `gemm` crate.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Linear, Module, ModuleT, Optimizer, ParamsAdamW, VarBuilder, VarMap, batch_norm,
    linear, loss,
};
use protocol::{
    Batches, INPUTS, Job, LR, MANY, W1, W1_NORMS, W1B, W1B_NORMS, W4, W4_NORMS, W4_SAMPLES, W4_STEPS,
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
            let norm =
                if norm { Some(batch_norm(pair[1], 1e-5, root.pp(format!("norm{i}")))?) } else { None };
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
    let mut optimizer = adam(&variables)?;
    let mut batches = Batches::read(job, None);
    let mut step = || {
        let x = floats(batches.next(job.batch()).0)?;
        optimizer.backward_step(&loss::mse(&network.forward(&x, true)?, &x)?)
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
            optimizer.backward_step(&loss::cross_entropy(&network.forward(&floats(x)?, true)?, &targets)?)?;
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
        "W4" => {
            fine_tune(&job);
            Ok(())
        }
        _ => predict(&job),
    }
}
