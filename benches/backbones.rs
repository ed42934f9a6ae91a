//! Two networks for photographs, EfficientNet-Lite0 and ResNet-18, of random weights at 224 pixels
//! on one thread: the time of a prediction and of a training step, and that of each kind of their
//! layers.
//!
//! ```text
//! cargo bench --bench backbones                                        # all, one after another
//! cargo bench --bench backbones -- resnet18 train 32 avx512 3          # one, for 3 seconds
//! ```
//!
//! The works are `predict`, `train` and `layers`. `benches/peers/backbones.py` sets the same beside
//! ONNX Runtime and PyTorch.

use narrows_engine::layer::{Backward, Forward};
use narrows_engine::peak::fma_peak;
use narrows_engine::predictor::Workspace;
use narrows_engine::random::Random;
use narrows_engine::{
    Context, Isa, Loss, Network, Params, Pass, Predictor, Shape, Target, Trainer, TrainerSettings,
};
use narrows_models::backbones::{Backbone, Naming};
use narrows_models::layer_spec::LayerSpec;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

const SIDE: usize = 224;
const CLASSES: usize = 1000;
const MODELS: [(&str, &str); 2] = [("lite0", "efficientnet_lite0"), ("resnet18", "resnet18")];

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

fn kind(spec: &LayerSpec) -> String {
    match spec {
        LayerSpec::Conv2d(conv) => {
            let groups = if conv.groups > 1 { " depthwise" } else { "" };
            let [height, width] = conv.kernel;
            format!("conv {height}x{width} by {}{groups}", conv.stride[0])
        }
        LayerSpec::Activation { function } => format!("{function:?}").to_lowercase(),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(']).next().unwrap_or(&text).to_lowercase()
        }
    }
}

/// Times each layer by itself, and returns the shape that the layers make of `input`.
fn time(
    specs: &[LayerSpec],
    input: Shape,
    run: (&Context, usize, f64),
    kinds: &mut Kinds,
) -> Result<Shape, Box<dyn Error>> {
    let mut shape = input;
    for spec in specs {
        shape = match spec {
            LayerSpec::Residual { body, shortcut } => {
                time(shortcut, shape.clone(), run, kinds)?;
                time(body, shape, run, kinds)?
            }
            _ => time_layer(spec, &shape, run, kinds)?,
        };
    }
    Ok(shape)
}

fn time_layer(
    spec: &LayerSpec,
    shape: &Shape,
    (cx, batch, seconds): (&Context, usize, f64),
    kinds: &mut Kinds,
) -> Result<Shape, Box<dyn Error>> {
    let planned = spec.layer().plan(shape)?;
    let op = &planned.op;
    let params: usize = op.params().iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
    let (x, params) = (normal(batch * shape.len()), normal(params));
    let (mut y, mut dx) = (vec![0.0; batch * planned.output.len()], x.clone());
    let (dy, mut grads) = (y.clone(), params.clone());
    let (mut saved, mut scratch) =
        (vec![0.0; op.saved_len(batch)], vec![0.0; op.scratch_len(batch)]);
    let (pass, position) = (Pass::train(1, 1), 0);
    let forward = median(seconds, || {
        let (x, y, params) = (&*x, &mut *y, &*params);
        let (saved, scratch) = (&mut *saved, &mut *scratch);
        op.forward(cx, Forward { pass, position, batch, x, y, params, saved, scratch });
    });
    let backward = median(seconds, || {
        let (dx, grads) = (Some(&mut *dx), Some(&mut *grads));
        let (x, y, dy, params) = (&*x, &*y, &*dy, &*params);
        let (saved, scratch, accumulate) = (&*saved, &mut *scratch, false);
        #[rustfmt::skip]
        let io = Backward {
            pass, position, batch, x, y, dy, dx, params, grads, accumulate, saved, scratch,
        };
        op.backward(cx, io);
    });
    let sums = kinds.entry(kind(spec)).or_default();
    let macs = (op.macs() * batch as u64) as f64;
    for (sum, value) in sums.iter_mut().zip([forward, backward, macs]) {
        *sum += value;
    }
    Ok(planned.output)
}

fn measure(
    (model, work): (&str, &str),
    (cx, batch, seconds): (&Context, usize, f64),
    peak: f64,
) -> Result<(), Box<dyn Error>> {
    let known = MODELS.iter().find(|(name, _)| *name == model);
    let (_, known) = known.ok_or("the models are lite0 and resnet18")?;
    let mut backbone = Backbone::of(known, Naming::Torchvision)?;
    // Peers time the network alone.
    backbone.features.remove(0);
    let specs: Vec<&LayerSpec> = backbone.features.iter().chain(&backbone.classifier).collect();
    if work == "layers" {
        let mut kinds = Kinds::new();
        time(&backbone.features, [SIDE, SIDE, 3].into(), (cx, batch, seconds), &mut kinds)?;
        println!("{model} {batch}: ms and, in brackets, % of {peak:.0} GFLOP/s");
        for (kind, [forward, backward, macs]) in kinds {
            let part = |ms: f64, passes: f64| 100.0 * passes * 2.0 * macs / ms / 1e6 / peak;
            let (f, b) = (part(forward, 1.0), part(backward, 2.0));
            println!("{kind:24} forward {forward:8.2} ({f:3.0}) backward {backward:8.2} ({b:3.0})");
        }
        return Ok(());
    }
    let builder = Network::builder([SIDE, SIDE, 3]);
    let network = specs.iter().fold(builder, |b, spec| b.boxed(spec.layer())).build()?;
    let params = Params::new(&network, 1);
    let x = normal(batch * network.input().len());
    let macs = network.summary(batch).macs as f64 * batch as f64;
    let (ms, passes) = match work {
        "predict" => {
            let predictor = Predictor::new(&network, &params)?;
            let (mut workspace, mut y) = (Workspace::default(), vec![0.0; batch * CLASSES]);
            let predict = || {
                predictor.predict(cx, &mut workspace, &x, &mut y).expect("a batch that fits");
            };
            (median(seconds, predict), 1.0)
        }
        "train" => {
            let settings = TrainerSettings::new(Loss::cross_entropy(), batch);
            let mut trainer = Trainer::new(&network, params, settings)?;
            let classes: Vec<u32> = (0..batch as u32).collect();
            let step = || {
                trainer.step(cx, &x, Target::Classes(&classes), 1e-3).expect("a step");
            };
            (median(seconds, step), 3.0)
        }
        _ => return Err("the works are predict, train and layers".into()),
    };
    let part = 100.0 * passes * 2.0 * macs / ms / 1e6 / peak;
    println!("{model} {work} {batch} {}: {ms:.2} ms, {part:.0} % of {peak:.0}", cx.isa().name());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [] => {
            let cx = Context::new(1)?;
            let peak = fma_peak(&cx);
            for (model, _) in MODELS {
                for (work, batch) in
                    [("predict", 1), ("predict", 32), ("train", 1), ("train", 32), ("layers", 32)]
                {
                    let seconds = if work == "layers" { 0.2 } else { 3.0 };
                    measure((model, work), (&cx, batch, seconds), peak)?;
                }
            }
            Ok(())
        }
        [model, work, batch, isa, seconds] => {
            let isa = Isa::named(isa).ok_or("no such instruction set here")?;
            let cx = Context::with_isa(isa, 1)?;
            let run = (&cx, batch.parse()?, seconds.parse()?);
            measure((model, work), run, fma_peak(&cx))
        }
        _ => Err("give MODEL WORK BATCH ISA SECONDS, or nothing".into()),
    }
}
