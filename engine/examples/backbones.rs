//! The speed of two networks for photographs, EfficientNet-Lite0 and ResNet-18, of random weights
//! at 224 pixels, and of each kind of their layers, on one thread.
//!
//! ```text
//! cargo run --release -p narrows-engine --example backbones -- MODEL WORK BATCH ISA SECONDS
//! ```
//!
//! MODEL is `lite0` or `resnet18`, WORK is `predict`, `train` or `layers`.

use narrows_engine::layer::{Backward, Forward, Layer};
use narrows_engine::layers::{
    BatchNorm, Conv2d, GlobalAvgPool, Linear, MaxPool2d, Relu, Relu6, Residual,
};
use narrows_engine::peak::fma_peak;
use narrows_engine::predictor::Workspace;
use narrows_engine::random::Random;
use narrows_engine::{
    Context, Isa, Loss, Network, Params, Pass, Predictor, Shape, Target, Trainer, TrainerSettings,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

const SIDE: usize = 224;
const CLASSES: usize = 1000;

/// A layer and its kind, or a block of such layers with its shortcut.
enum Piece {
    Layer(String, Box<dyn Layer>),
    Block(Vec<Piece>, Vec<Piece>),
}

fn layer(kind: impl Into<String>, layer: impl Layer) -> Piece {
    Piece::Layer(kind.into(), Box::new(layer))
}

/// A convolution with batch norm behind it.
fn conv(kernel: usize, stride: usize, channels: usize, groups: usize) -> Vec<Piece> {
    let kind = if groups > 1 { "depthwise" } else { "conv" };
    let conv = Conv2d::new(channels, kernel).with_stride(stride).with_padding(kernel / 2);
    let conv = conv.with_groups(groups).without_bias();
    let norm = BatchNorm::new(1e-3, 0.01);
    vec![layer(format!("{kind} {kernel}x{kernel} s{stride}"), conv), layer("batch norm", norm)]
}

fn relu6() -> Piece {
    layer("relu6", Relu6)
}

fn relu() -> Piece {
    layer("relu", Relu)
}

fn head(pieces: &mut Vec<Piece>) {
    pieces.push(layer("pool", GlobalAvgPool));
    pieces.push(layer("linear", Linear::new(CLASSES)));
}

fn lite0() -> Vec<Piece> {
    let mut pieces = conv(3, 2, 32, 1);
    pieces.push(relu6());
    let mut inputs = 32;
    for [expansion, outputs, count, first_stride, kernel] in [
        [1, 16, 1, 1, 3],
        [6, 24, 2, 2, 3],
        [6, 40, 2, 2, 5],
        [6, 80, 3, 2, 3],
        [6, 112, 3, 1, 5],
        [6, 192, 4, 2, 5],
        [6, 320, 1, 1, 3],
    ] {
        for i in 0..count {
            let (stride, wide) = (if i == 0 { first_stride } else { 1 }, inputs * expansion);
            let mut body = Vec::new();
            if expansion > 1 {
                body.extend(conv(1, 1, wide, 1));
                body.push(relu6());
            }
            body.extend(conv(kernel, stride, wide, wide));
            body.push(relu6());
            body.extend(conv(1, 1, outputs, 1));
            match stride == 1 && inputs == outputs {
                true => pieces.push(Piece::Block(body, Vec::new())),
                false => pieces.extend(body),
            }
            inputs = outputs;
        }
    }
    pieces.extend(conv(1, 1, 1280, 1));
    pieces.push(relu6());
    head(&mut pieces);
    pieces
}

fn resnet18() -> Vec<Piece> {
    let mut pieces = conv(7, 2, 64, 1);
    pieces.push(relu());
    pieces.push(layer("pool", MaxPool2d::new(3).with_stride(2).with_padding(1)));
    let mut inputs = 64;
    for outputs in [64, 128, 256, 512] {
        for _ in 0..2 {
            let stride = if inputs == outputs { 1 } else { 2 };
            let mut body = conv(3, stride, outputs, 1);
            body.push(relu());
            body.extend(conv(3, 1, outputs, 1));
            let shortcut = if stride == 1 { Vec::new() } else { conv(1, 2, outputs, 1) };
            pieces.push(Piece::Block(body, shortcut));
            pieces.push(relu());
            inputs = outputs;
        }
    }
    head(&mut pieces);
    pieces
}

fn boxed(piece: Piece) -> Box<dyn Layer> {
    let all = |pieces: Vec<Piece>| pieces.into_iter().map(boxed).collect();
    match piece {
        Piece::Layer(_, layer) => layer,
        Piece::Block(body, shortcut) => {
            Box::new(Residual::new(all(body)).with_shortcut(all(shortcut)))
        }
    }
}

fn normal(len: usize) -> Vec<f32> {
    let mut x = vec![0.0; len];
    Random::new(1, 1).fill_normal(0, 0, &mut x);
    x
}

/// The median of the milliseconds of `work`, repeated for so long.
fn median(seconds: f64, mut work: impl FnMut()) -> f64 {
    work();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 3 || start.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        work();
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Milliseconds forward and backward, and multiply-adds, of the layers of a kind.
type Kinds = BTreeMap<String, [f64; 3]>;

/// Times each layer by itself, and returns the shape that the pieces make of `input`.
fn time(
    pieces: &[Piece],
    input: Shape,
    (cx, batch, seconds): (&Context, usize, f64),
    kinds: &mut Kinds,
) -> Result<Shape, Box<dyn Error>> {
    let mut shape = input;
    for piece in pieces {
        shape = match piece {
            Piece::Block(body, shortcut) => {
                time(shortcut, shape.clone(), (cx, batch, seconds), kinds)?;
                time(body, shape, (cx, batch, seconds), kinds)?
            }
            Piece::Layer(kind, layer) => {
                let planned = layer.plan(&shape)?;
                let op = &planned.op;
                let params: usize =
                    op.params().iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
                let (x, params) = (normal(batch * shape.len()), normal(params));
                let (mut y, mut dx) = (vec![0.0; batch * planned.output.len()], x.clone());
                let (dy, mut grads) = (y.clone(), params.clone());
                let mut saved = vec![0.0; op.saved_len(batch)];
                let mut scratch = vec![0.0; op.scratch_len(batch)];
                let pass = Pass::train(1, 1);
                let forward = median(seconds, || {
                    let (x, y, params) = (&*x, &mut *y, &*params);
                    let (saved, scratch) = (&mut *saved, &mut *scratch);
                    op.forward(
                        cx,
                        Forward { pass, position: 0, batch, x, y, params, saved, scratch },
                    );
                });
                let backward = median(seconds, || {
                    let (dx, grads) = (Some(&mut *dx), Some(&mut *grads));
                    let (x, y, dy, params) = (&*x, &*y, &*dy, &*params);
                    let (saved, scratch, accumulate) = (&*saved, &mut *scratch, false);
                    let io = Backward {
                        pass,
                        position: 0,
                        batch,
                        x,
                        y,
                        dy,
                        dx,
                        params,
                        grads,
                        accumulate,
                        saved,
                        scratch,
                    };
                    op.backward(cx, io);
                });
                let sums = kinds.entry(kind.clone()).or_default();
                let macs = (op.macs() * batch as u64) as f64;
                for (sum, value) in sums.iter_mut().zip([forward, backward, macs]) {
                    *sum += value;
                }
                planned.output
            }
        };
    }
    Ok(shape)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, work, batch, isa, seconds] = &arguments[..] else {
        return Err("give MODEL WORK BATCH ISA SECONDS".into());
    };
    let (batch, seconds): (usize, f64) = (batch.parse()?, seconds.parse()?);
    let isa = Isa::named(isa).ok_or("no such instruction set here")?;
    let cx = Context::with_isa(isa, 1)?;
    let pieces = match model.as_str() {
        "lite0" => lite0(),
        "resnet18" => resnet18(),
        _ => return Err("the models are lite0 and resnet18".into()),
    };
    let peak = fma_peak(&cx);
    let input = [SIDE, SIDE, 3];
    if work == "layers" {
        let mut kinds = Kinds::new();
        time(&pieces, input.into(), (&cx, batch, seconds), &mut kinds)?;
        println!("the peak is {peak:.0} GFLOP/s; ms and, in brackets, the part of the peak");
        for (kind, [forward, backward, macs]) in kinds {
            let part = |ms: f64, passes: f64| 100.0 * passes * 2.0 * macs / ms / 1e6 / peak;
            let (f, b) = (part(forward, 1.0), part(backward, 2.0));
            println!(
                "{kind:18} forward {forward:8.2} ({f:3.0} %) backward {backward:8.2} ({b:3.0} %)"
            );
        }
        return Ok(());
    }
    let builder = Network::builder(input);
    let network = pieces.into_iter().fold(builder, |b, piece| b.boxed(boxed(piece))).build()?;
    let params = Params::new(&network, 1);
    let x = normal(batch * network.input().len());
    let macs = network.summary(batch).macs as f64 * batch as f64;
    let (ms, passes) = match work.as_str() {
        "predict" => {
            let predictor = Predictor::new(&network, &params)?;
            let (mut workspace, mut y) = (Workspace::default(), vec![0.0; batch * CLASSES]);
            let predict = || {
                predictor.predict(&cx, &mut workspace, &x, &mut y).expect("a batch that fits");
            };
            (median(seconds, predict), 1.0)
        }
        "train" => {
            let settings = TrainerSettings::new(Loss::cross_entropy(), batch);
            let mut trainer = Trainer::new(&network, params, settings)?;
            let classes: Vec<u32> = (0..batch as u32).collect();
            let step = || {
                let target = Target::Classes(&classes);
                trainer.step(&cx, &x, target, 1e-3).expect("a step");
            };
            (median(seconds, step), 3.0)
        }
        _ => return Err("the works are predict, train and layers".into()),
    };
    let part = 100.0 * passes * 2.0 * macs / ms / 1e6 / peak;
    println!("{model} {work} {batch} {}: {ms:.2} ms, {part:.0} % of {peak:.0} GFLOP/s", isa.name());
    Ok(())
}
