//! Ours, as any user of the library would write it. `--workload peak` prints what the machine gives
//! just now. `--variant avx2` runs on an instruction set below the processor's best.

mod vat;

use narrows_datasets::{Dataset, shuffle_into, shuffled};
use narrows_engine::layers::{BatchNorm, Conv2d, ConvTranspose2d, Linear, Relu, Unflatten};
use narrows_engine::peak::fma_peak;
use narrows_engine::predictor::Workspace;
use narrows_engine::{
    Context, Isa, Loss, Network, NetworkBuilder, Params, Predictor, Target, Trainer,
    TrainerSettings,
};
use narrows_models::{Activation, Architecture, Model};
use protocol::{Convolutional, INPUTS, Job, LR, Line, MANY, W2, W3, W4_EPOCHS, W4_SAMPLES};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;

const NAME: &str = "narrows";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The length of the latent code.
const CODE: usize = 64;
const CLASSES: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let job = Job::from_args();
    let cx = match Isa::named(&job.variant) {
        Some(isa) => Context::with_isa(isa, job.threads)?,
        None => Context::new(job.threads)?,
    };
    if job.workload == "peak" {
        let mut line = Line::default();
        line.number("fma", fma_peak(&cx));
        line.print();
        return Ok(());
    }
    let data = Dataset::from_idx("images", Path::new(job.data_file()), None)?;
    cx.install(|| match job.workload.as_str() {
        "W1" => train(&job, &cx, &data, &dense(&[512, 256])),
        "W1b" => train(&job, &cx, &data, &dense(&[256])),
        "W2" => train(&job, &cx, &data, &convolutional(&W2)),
        "W3" => train(&job, &cx, &data, &convolutional(&W3)),
        "W4" | "W4h" => fine_tune(&job, &cx, &data),
        "W5" => predict(&job, &cx, &data),
        "W6" | "W6c" => vat::train(&job, &cx, &data),
        other => panic!("there is no workload {other}"),
    });
    Ok(())
}

fn dense(widths: &[usize]) -> Network {
    let architecture = Architecture {
        widths: widths.to_vec(),
        latent: CODE,
        output: Activation::None,
        ..Architecture::new(Model::Dense, INPUTS)
    };
    architecture.autoencoder().expect("a network")
}

fn convolutional(shape: &Convolutional) -> Network {
    let (side, channels, mirrored) = (shape.image_side(), shape.channels, shape.mirrored());
    let down = |channels| Conv2d::new(channels, 3).with_stride(2).with_padding(1).without_bias();
    let up = |channels| {
        ConvTranspose2d::new(channels, 3).with_stride(2).with_padding(1).with_output_padding(1)
    };
    let mut builder = Network::builder([side, side, channels[0]]).section("encoder");
    for &channels in &channels[1..] {
        builder = builder.layer(down(channels)).layer(BatchNorm::default()).layer(Relu);
    }
    builder = builder.layer(Linear::new(shape.code)).section("decoder");
    builder = builder.layer(Linear::new(shape.bottom())).layer(Relu);
    builder = builder.layer(Unflatten::new([shape.side, shape.side, shape.deepest()]));
    for &channels in &mirrored[1..mirrored.len() - 1] {
        builder =
            builder.layer(up(channels).without_bias()).layer(BatchNorm::default()).layer(Relu);
    }
    builder.layer(up(channels[0])).build().expect("a network")
}

fn train(job: &Job, cx: &Context, data: &Dataset, network: &Network) {
    let batch = job.batch();
    let params = Params::new(network, 1);
    let settings = TrainerSettings::new(Loss::L2, batch);
    let mut trainer = Trainer::new(network, params, settings).expect("a trainer");
    let mut x = vec![0.0; batch * network.input().len()];
    let (mut order, mut epoch, mut at) = (shuffled(data.len(), 1, 0), 0, 0);
    job.training(NAME, VERSION, || {
        if at + batch > order.len() {
            epoch += 1;
            shuffle_into(&mut order, 1, epoch);
            at = 0;
        }
        data.gather(&order[at..at + batch], &mut x).unwrap();
        at += batch;
        trainer.step(cx, &x, Target::Values(&x), LR as f32).expect("a step");
    });
}

/// W1's encoder, and behind it a head if wanted.
fn encoder(head: bool) -> Network {
    let hidden = |builder: NetworkBuilder, width| {
        builder.layer(Linear::new(width)).layer(BatchNorm::default()).layer(Relu)
    };
    let builder = hidden(hidden(Network::builder(INPUTS).section("encoder"), 512), 256)
        .layer(Linear::new(CODE));
    let builder = if head { builder.section("head").layer(Linear::new(CLASSES)) } else { builder };
    builder.build().expect("a network")
}

/// W4. With a frozen encoder, W4h, that one is run once over the samples, and the head learns from
/// what it says.
fn fine_tune(job: &Job, cx: &Context, data: &Dataset) {
    let classes: Vec<u32> =
        shuffled(W4_SAMPLES, 7, 0).iter().map(|row| row % CLASSES as u32).collect();
    let all: Vec<u32> = (0..W4_SAMPLES as u32).collect();
    let mut images = vec![0.0; W4_SAMPLES * INPUTS];
    data.gather(&all, &mut images).unwrap();
    job.fine_tuning(NAME, VERSION, || {
        if job.workload == "W4" {
            let mut rows_of = |rows: &[u32], x: &mut [f32]| data.gather(rows, x).unwrap();
            return learn(cx, &encoder(true), &classes, &mut rows_of);
        }
        let encoder = encoder(false);
        let params = Params::new(&encoder, 1);
        let predictor = Predictor::new(&encoder, &params).expect("a predictor");
        let mut codes = vec![0.0; W4_SAMPLES * CODE];
        predictor.predict(cx, &mut Workspace::default(), &images, &mut codes).expect("codes");
        let head = Network::builder(CODE).layer(Linear::new(CLASSES)).build().expect("a network");
        let mut rows_of = |rows: &[u32], x: &mut [f32]| {
            for (x, &row) in x.chunks_exact_mut(CODE).zip(rows) {
                x.copy_from_slice(&codes[row as usize * CODE..][..CODE]);
            }
        };
        learn(cx, &head, &classes, &mut rows_of);
    });
}

/// Trains a fresh classifier: `rows_of` writes the inputs of the rows it is given.
fn learn(
    cx: &Context,
    network: &Network,
    classes: &[u32],
    rows_of: &mut dyn FnMut(&[u32], &mut [f32]),
) {
    let batch = 32;
    let params = Params::new(network, 1);
    let mut trainer =
        Trainer::new(network, params, TrainerSettings::new(Loss::cross_entropy(), batch))
            .expect("a trainer");
    let inputs = network.input().len();
    let (mut x, mut targets) = (vec![0.0; batch * inputs], Vec::with_capacity(batch));
    let mut order: Vec<u32> = (0..classes.len() as u32).collect();
    for epoch in 0..W4_EPOCHS {
        shuffle_into(&mut order, 1, epoch as u64);
        for rows in order.chunks(batch) {
            let x = &mut x[..rows.len() * inputs];
            rows_of(rows, x);
            targets.clear();
            targets.extend(rows.iter().map(|&row| classes[row as usize]));
            trainer.step(cx, x, Target::Classes(&targets), LR as f32).expect("a step");
        }
    }
}

fn predict(job: &Job, cx: &Context, data: &Dataset) {
    let network = encoder(false);
    let params = Params::new(&network, 1);
    let mut x = vec![0.0; MANY * INPUTS];
    data.gather(&shuffled(data.len(), 1, 0)[..MANY], &mut x).unwrap();
    let predictor = Predictor::new(&network, &params).expect("a predictor");
    let workspace = RefCell::new(Workspace::default());
    let mut y = vec![0.0; MANY * CODE];
    let mut code = vec![0.0; CODE];
    let forward = |x: &[f32], y: &mut [f32]| {
        predictor.predict(cx, &mut workspace.borrow_mut(), x, y).expect("codes");
        black_box(y);
    };
    job.prediction(NAME, VERSION, || forward(&x[..INPUTS], &mut code), || forward(&x, &mut y));
}
