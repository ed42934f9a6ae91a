//! Layers against what PyTorch computed; `vectors/README.md` says how.

use crate::layers::CONTEXTS;
use crate::layers::cases::POSITION;
use crate::support::{Vectors, assert_close};
use narrows_engine::gemm::Rectifier;
use narrows_engine::layer::{Backward, Forward, Op};
use narrows_engine::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Dropout, Elu, Gelu, LeakyRelu, Relu, Sigmoid, Tanh,
};
use narrows_engine::{Context, Layer, Pass, Planned, Shape};

/// What the vectors' README promises.
pub const TOLERANCE: f32 = 1e-5;

/// An op, its parameters, and what it keeps.
pub struct Subject<'a> {
    pub cx: &'a Context,
    pub op: Box<dyn Op>,
    pub output: Shape,
    pub params: Vec<f32>,
    pub saved: Vec<f32>,
}

/// y, dx and grads, these from zero.
pub struct Outcome {
    pub y: Vec<f32>,
    pub dx: Vec<f32>,
    pub grads: Vec<f32>,
}

impl<'a> Subject<'a> {
    pub fn new(
        cx: &'a Context,
        layer: &dyn Layer,
        input: impl Into<Shape>,
        params: Vec<f32>,
    ) -> Subject<'a> {
        let Planned { op, output } = layer.plan(&input.into()).unwrap();
        Subject { cx, op, output, params, saved: Vec::new() }
    }

    pub fn pass(&mut self, pass: Pass, x: &[f32], dy: &[f32]) -> Outcome {
        let Subject { cx, op, output, params, saved } = self;
        let batch = dy.len() / output.len();
        let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
        let mut grads = vec![0.0; params.len()];
        saved.resize(op.saved_len(batch), f32::NAN);
        let mut scratch = vec![f32::NAN; op.scratch_len(batch)];
        let forward = Forward {
            pass,
            position: POSITION,
            batch,
            x,
            y: &mut y,
            params,
            saved,
            scratch: &mut scratch,
        };
        op.forward(cx, forward);
        let backward = Backward {
            pass,
            position: POSITION,
            batch,
            x,
            y: &y,
            dy,
            dx: Some(&mut dx),
            params,
            grads: Some(&mut grads),
            accumulate: true,
            saved,
            scratch: &mut scratch,
        };
        op.backward(cx, backward);
        Outcome { y, dx, grads }
    }
}

#[test]
fn batch_norm_follows_pytorch_through_100_steps_and_into_evaluation() {
    let vectors = Vectors::open("batch_norm");
    let all = ["x", "y", "dy", "dx", "dgamma", "dbeta", "running_mean", "running_var"]
        .map(|n| vectors.get(n));
    let [x, y, dy, dx, dgamma, dbeta, mean, var] = &all;
    let start = [vectors.get("gamma"), vectors.get("beta"), vec![0.0; 7], vec![1.0; 7]].concat();
    for [cx, ..] in CONTEXTS.iter() {
        let of_7 = || Subject::new(cx, &BatchNorm::default(), 7, start.clone());
        let mut subject = of_7();
        let close = |what: &str, step: usize, got: &[f32], want: &[f32]| {
            let want = &want[step * got.len()..][..got.len()];
            assert_close(
                &format!("{what} of step {step} on {}", cx.isa().name()),
                got,
                want,
                TOLERANCE,
            );
        };
        for step in 0..100 {
            let batch = step * 70..(step + 1) * 70;
            let outcome = subject.pass(Pass::train(1, step as u64), &x[batch.clone()], &dy[batch]);
            close("y", step, &outcome.y, y);
            close("dx", step, &outcome.dx, dx);
            close("dgamma", step, &outcome.grads[..7], dgamma);
            close("dbeta", step, &outcome.grads[7..14], dbeta);
            let Subject { op, params, saved, .. } = &mut subject;
            op.update_statistics(10, saved, params, None);
            close("running mean", step, &params[14..21], mean);
            close("running variance", step, &params[21..], var);
        }
        let [x, dy] = ["x_eval", "dy_eval"].map(|n| vectors.get(n));
        let outcome = subject.pass(Pass::evaluate(), &x, &dy);
        close("y in evaluation", 0, &outcome.y, &vectors.get("y_eval"));
        close("dx in evaluation", 0, &outcome.dx, &vectors.get("dx_eval"));
        close("dgamma in evaluation", 0, &outcome.grads[..7], &vectors.get("dgamma_eval"));
        close("dbeta in evaluation", 0, &outcome.grads[7..14], &vectors.get("dbeta_eval"));

        let mut subject = of_7();
        assert!(subject.op.take(Rectifier::Relu));
        let [x, dy] = ["x", "dy"].map(|n| vectors.get(n));
        for step in 0..5 {
            let batch = step * 70..(step + 1) * 70;
            let outcome = subject.pass(Pass::train(1, 0), &x[batch.clone()], &dy[batch]);
            close("y with ReLU", step, &outcome.y, &vectors.get("y_relu"));
            close("dx with ReLU", step, &outcome.dx, &vectors.get("dx_relu"));
            close("dgamma with ReLU", step, &outcome.grads[..7], &vectors.get("dgamma_relu"));
            close("dbeta with ReLU", step, &outcome.grads[7..14], &vectors.get("dbeta_relu"));
        }
    }
}

#[test]
fn activations_are_pytorchs() {
    let vectors = Vectors::open("activations");
    let (x, dy) = (vectors.get("x"), vectors.get("dy"));
    let layers: [(&str, &dyn Layer); 6] = [
        ("relu", &Relu),
        ("leaky_relu", &LeakyRelu::default()),
        ("elu", &Elu::default()),
        ("gelu", &Gelu),
        ("tanh", &Tanh),
        ("sigmoid", &Sigmoid),
    ];
    for [cx, ..] in CONTEXTS.iter() {
        for (name, layer) in layers {
            let mut subject = Subject::new(cx, layer, 111, Vec::new());
            let outcome = subject.pass(Pass::train(1, 0), &x, &dy);
            let on = format!("{name} on {}", cx.isa().name());
            assert_close(&on, &outcome.y, &vectors.get(&format!("y_{name}")), TOLERANCE);
            assert_close(&on, &outcome.dx, &vectors.get(&format!("dx_{name}")), TOLERANCE);
        }
    }
}

/// The random numbers are ours; what a kept value becomes is PyTorch's.
#[test]
fn dropout_scales_as_pytorch() {
    let vectors = Vectors::open("dropout");
    for [cx, ..] in CONTEXTS.iter() {
        for (p, suffix) in [(0.1, "p10"), (0.5, "p50"), (0.9, "p90")] {
            let get = |name: &str| vectors.get(&format!("{name}_{suffix}"));
            let mut subject = Subject::new(cx, &Dropout { p }, 1000, Vec::new());
            let ones = vec![1.0; 1000];
            let kept = vectors.number(&format!("value_{suffix}"));
            // Ours, and theirs, have but two values: 0 and 1 / (1 - p).
            for y in [subject.pass(Pass::train(1, 0), &ones, &ones).y, get("y_ones")] {
                let values: Vec<f32> =
                    y.iter().map(|y| if *y == 0.0 { 0.0 } else { kept }).collect();
                assert_close(suffix, &y, &values, TOLERANCE);
                assert!(y.contains(&0.0) && y.iter().any(|y| *y > 0.0));
            }
            assert_eq!(subject.pass(Pass::evaluate(), &ones, &ones).y, get("eval"));
            // Where both keep a value it becomes the same.
            let (x, theirs) = (get("x"), get("y"));
            let mask = subject.pass(Pass::train(1, 0), &ones, &ones).y;
            let ours = subject.pass(Pass::train(1, 0), &x, &x).y;
            let both: Vec<usize> =
                (0..1000).filter(|&i| mask[i] != 0.0 && theirs[i] != 0.0).collect();
            assert!(!both.is_empty(), "the masks have nothing in common");
            let pick = |v: &[f32]| -> Vec<f32> { both.iter().map(|&i| v[i]).collect() };
            assert_close(suffix, &pick(&ours), &pick(&theirs), TOLERANCE);
        }
    }
}

/// Compares all cases of a file. `layer` makes one of out channels, kernel, stride, padding, output
/// padding, dilation, groups, and whether there is a bias.
fn convolutions(file: &str, layer: impl Fn(usize, [[usize; 2]; 5], usize, bool) -> Box<dyn Layer>) {
    let vectors = Vectors::open(file);
    let names = vectors.names();
    let cases = names.iter().filter(|name| name.ends_with(".settings")).count();
    assert!(cases >= 15, "{cases} cases in {file}");
    for case in 0..cases {
        let name = |tensor: &str| format!("{case}.{tensor}");
        let settings = vectors.get(&name("settings"));
        let pair = |i: usize| [settings[2 * i] as usize, settings[2 * i + 1] as usize];
        let ((dims, x), (_, y)) = (vectors.samples(&name("x")), vectors.samples(&name("y")));
        let ((_, dy), (_, dx)) = (vectors.samples(&name("dy")), vectors.samples(&name("dx")));
        let (shape, weight) = vectors.parameter(&name("weight"));
        let (_, dweight) = vectors.parameter(&name("dweight"));
        let bias = names.contains(&name("bias"));
        let get = |tensor: &str| if bias { vectors.get(&name(tensor)) } else { Vec::new() };
        let (input, outputs) = ([dims[1], dims[2], dims[3]], vectors.with_shape(&name("y")).0[1]);
        let windows = [[shape[0], shape[1]], pair(0), pair(1), pair(2), pair(3)];
        let layer = layer(outputs, windows, settings[8] as usize, bias);
        let Planned { op, output } = layer.plan(&input.into()).unwrap();
        assert_eq!(op.params()[0].shape, shape, "weight {case} of {file}");
        let params = [weight, get("bias")].concat();
        let (dparams, batch) = ([dweight, get("dbias")].concat(), dims[0]);
        assert_eq!(batch * output.len(), y.len(), "y {case} of {file}");
        for [cx, ..] in CONTEXTS.iter() {
            let mut subject = Subject::new(cx, &*layer, input, params.clone());
            let outcome = subject.pass(Pass::train(1, 0), &x, &dy);
            let on = |what: &str| format!("{what} {case} of {file} on {}", cx.isa().name());
            assert_close(&on("y"), &outcome.y, &y, TOLERANCE);
            assert_close(&on("dx"), &outcome.dx, &dx, TOLERANCE);
            assert_close(&on("grads"), &outcome.grads, &dparams, TOLERANCE);
        }
    }
}

#[test]
fn convolutions_are_pytorchs() {
    convolutions("conv2d", |outputs, [kernel, stride, padding, _, dilation], groups, bias| {
        let layer = Conv2d::new(outputs, kernel).with_stride(stride).with_padding(padding);
        let layer = layer.with_dilation(dilation).with_groups(groups);
        Box::new(if bias { layer } else { layer.without_bias() })
    });
}

#[test]
fn transposed_convolutions_are_pytorchs() {
    convolutions(
        "conv_transpose2d",
        |outputs, [kernel, stride, padding, added, dilation], groups, bias| {
            let layer =
                ConvTranspose2d::new(outputs, kernel).with_stride(stride).with_padding(padding);
            let layer =
                layer.with_output_padding(added).with_dilation(dilation).with_groups(groups);
            Box::new(if bias { layer } else { layer.without_bias() })
        },
    );
}
