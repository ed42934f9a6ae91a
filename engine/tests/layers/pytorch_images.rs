//! Layers of images against PyTorch, which has channels first; `vectors/README.md` says how.

use crate::layers::CONTEXTS;
use crate::layers::pytorch::{Subject, TOLERANCE};
use crate::support::{Vectors, assert_close};
use narrows_engine::gemm::Rectifier;
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Conv2d, Elu, GlobalAvgPool, LayerNorm, LayerScale, Linear, MaxPool2d,
    Relu, Residual, Sigmoid, SqueezeExcitation, Upsample,
};
use narrows_engine::{Layer, Pass, Shape};

/// The dimensions in that order, and the values with them.
fn permuted(vectors: &Vectors, name: &str, order: [usize; 4]) -> ([usize; 4], Vec<f32>) {
    let (shape, values) = vectors.with_shape(name);
    let strides = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
    let [a, b, c, d] = order.map(|axis| shape[axis]);
    let mut out = Vec::new();
    for i in 0..a * b * c * d {
        let at = [i / (b * c * d), i / (c * d) % b, i / d % c, i % d];
        out.push(values[at.iter().zip(order).map(|(at, axis)| at * strides[axis]).sum::<usize>()]);
    }
    ([a, b, c, d], out)
}

/// (batch, channels, height, width) with the channels last.
fn images(vectors: &Vectors, name: &str) -> ([usize; 4], Vec<f32>) {
    permuted(vectors, name, [0, 2, 3, 1])
}

#[test]
fn channels_go_last() {
    let vectors = Vectors::open("pools");
    let (shape, x) = images(&vectors, "x");
    let theirs = vectors.get("x");
    assert_eq!(shape, [2, 7, 6, 3]);
    // Image 1, row 4, column 5, channel 2
    assert_eq!(x[((7 + 4) * 6 + 5) * 3 + 2], theirs[((3 + 2) * 7 + 4) * 6 + 5]);
}

#[test]
fn pools_and_up_sampling_are_pytorchs() {
    without_parameters(
        "pools",
        &[
            ("max_2", &MaxPool2d::new(2)),
            ("max_3", &MaxPool2d::new(3).with_stride(2).with_padding(1)),
            ("max_23", &MaxPool2d::new([2, 3]).with_stride([1, 2]).with_padding([0, 1])),
            ("avg_2", &AvgPool2d::new(2)),
            ("avg_3", &AvgPool2d::new(3).with_stride(2).with_padding(1)),
            ("avg_23", &AvgPool2d::new([2, 3]).with_stride([1, 2]).with_padding([0, 1])),
            ("global_avg", &GlobalAvgPool),
            ("upsample_2", &Upsample::new(2)),
            ("upsample_3", &Upsample::new(3)),
        ],
    );
}

#[test]
fn windows_that_the_edge_cuts_are_pytorchs() {
    let max = |kernel| MaxPool2d::new(kernel).with_stride(2);
    let avg = || AvgPool2d::new(3).with_stride(2);
    let padded = || AvgPool2d::new(3).with_stride([3, 2]).with_padding(1).with_ceil_mode(true);
    without_parameters(
        "cut_pools",
        &[
            ("max_ceil", &max([3, 3]).with_ceil_mode(true)),
            ("max_ceil_padded", &max([2, 2]).with_padding(1).with_ceil_mode(true)),
            ("max_ceil_larger", &max([8, 6]).with_ceil_mode(true)),
            ("max_same", &max([3, 3]).with_same_padding()),
            ("avg_ceil", &avg().with_ceil_mode(true)),
            ("avg_ceil_padded", &padded()),
            ("avg_inside", &avg().with_padding(1).with_count_include_pad(false)),
            ("avg_ceil_inside", &padded().with_count_include_pad(false)),
            ("avg_same", &avg().with_same_padding().with_count_include_pad(false)),
            ("upsample_23", &Upsample::new([2, 3])),
        ],
    );
}

/// Compares layers, each by its name in a file, on the images there.
fn without_parameters(file: &str, layers: &[(&str, &dyn Layer)]) {
    let vectors = Vectors::open(file);
    let ([_, height, width, channels], x) = images(&vectors, "x");
    let input = Shape::from([height, width, channels]);
    for [cx, ..] in CONTEXTS.iter() {
        for (name, layer) in layers {
            let ([_, height, width, channels], y) = images(&vectors, &format!("y_{name}"));
            let mut subject = Subject::new(cx, *layer, input.clone(), Vec::new());
            let output = subject.output.clone();
            match output.dims() {
                [_] => {
                    assert_eq!((output.dims(), height, width), (&[channels][..], 1, 1), "{name}")
                }
                dims => assert_eq!(dims, [height, width, channels], "{name}"),
            }
            let outcome =
                subject.pass(Pass::train(1, 0), &x, &images(&vectors, &format!("dy_{name}")).1);
            let on = format!("{name} on {}", cx.isa().name());
            assert_close(&format!("y of {on}"), &outcome.y, &y, TOLERANCE);
            let dx = images(&vectors, &format!("dx_{name}")).1;
            assert_close(&format!("dx of {on}"), &outcome.dx, &dx, TOLERANCE);
        }
    }
}

/// Squeeze and excitation by convolutions of 1x1, which torchvision has, and by linear layers,
/// which are the same; layer normalisation; LayerScale.
#[test]
fn gates_and_layer_normalisation_are_pytorchs() {
    let vectors = Vectors::open("gates");
    let ([_, height, width, channels], x) = images(&vectors, "x");
    let dy = images(&vectors, "dy").1;
    let input = Shape::from([height, width, channels]);
    let gate = |convolutions: bool| {
        let layer = |outputs| -> Box<dyn Layer> {
            match convolutions {
                true => Box::new(Conv2d::new(outputs, 1)),
                false => Box::new(Linear::new(outputs)),
            }
        };
        let mean: Box<dyn Layer> = match convolutions {
            true => Box::new(AvgPool2d::new([height, width])),
            false => Box::new(GlobalAvgPool),
        };
        let layers = vec![mean, layer(3), Box::new(Relu), layer(channels), Box::new(Sigmoid)];
        SqueezeExcitation::new(layers)
    };
    let (norm, scale) = (LayerNorm { eps: 1e-6 }, LayerScale { init: 1.0 });
    let subjects: [(&str, bool, &dyn Layer); 4] = [
        ("se", true, &gate(true)),
        ("se", false, &gate(false)),
        ("norm", false, &norm),
        ("scale", false, &scale),
    ];
    for [cx, ..] in CONTEXTS.iter() {
        for (of, convolutions, layer) in subjects {
            let specs = layer.plan(&input).unwrap().op.params();
            let all = |before: &str| -> Vec<f32> {
                let one = |name: &str| {
                    let name = format!("{of}.{before}{name}");
                    match vectors.with_shape(&name) {
                        // (out, in, 1, 1), which is a linear layer's (out, in)
                        (shape, _) if shape.len() == 4 && convolutions => {
                            permuted(&vectors, &name, [2, 3, 1, 0]).1
                        }
                        (_, values) => values,
                    }
                };
                specs.iter().flat_map(|spec| one(&spec.name)).collect()
            };
            let mut subject = Subject::new(cx, layer, input.clone(), all(""));
            let outcome = subject.pass(Pass::train(1, 0), &x, &dy);
            let on = format!("{of} on {}", cx.isa().name());
            let ours = |name: &str| images(&vectors, &format!("{of}.{name}")).1;
            assert_close(&format!("y of {on}"), &outcome.y, &ours("y"), TOLERANCE);
            assert_close(&format!("dx of {on}"), &outcome.dx, &ours("dx"), TOLERANCE);
            assert_close(&format!("grads of {on}"), &outcome.grads, &all("d"), TOLERANCE);
        }
    }
}

#[test]
fn max_pooling_makes_nan_of_nan_alone() {
    let vectors = Vectors::open("pools");
    let (_, mut x) = images(&vectors, "x_not_finite");
    for (stand_in, value) in [(77.0, f32::NAN), (88.0, f32::INFINITY), (-88.0, f32::NEG_INFINITY)] {
        let place = x.iter().position(|x| *x == stand_in).expect("a place for it");
        x[place] = value;
    }
    let nan: Vec<bool> = images(&vectors, "y_is_nan").1.iter().map(|nan| *nan == 1.0).collect();
    assert!(nan.contains(&true) && nan.contains(&false));
    let layer = MaxPool2d::new(2).with_stride(1);
    for [cx, ..] in CONTEXTS.iter() {
        let mut subject = Subject::new(cx, &layer, [5, 5, 2], Vec::new());
        let y = subject.pass(Pass::train(1, 0), &x, &[0.0; 32]).y;
        assert_eq!(y.iter().map(|y| y.is_nan()).collect::<Vec<_>>(), nan, "on {}", cx.isa().name());
        // The infinities: in the corner alone one is the largest, and the other nowhere.
        assert_eq!(y.iter().filter(|y| y.is_infinite()).collect::<Vec<_>>(), [&f32::INFINITY]);
        assert!(y[1] == f32::INFINITY, "{y:?}");
    }
}

/// A block as residual networks have it, with a projection, batch norm and a ReLU behind the sum.
#[test]
fn a_residual_block_is_pytorchs() {
    let vectors = Vectors::open("residual");
    let block = Residual::new(vec![
        Box::new(Conv2d::new(5, 3).with_stride(2).with_padding(1).without_bias()),
        Box::new(BatchNorm::default()),
        Box::new(Elu::default()),
        Box::new(Conv2d::new(5, 3).with_padding(1)),
        Box::new(BatchNorm::default()),
    ])
    .with_shortcut(vec![
        Box::new(Conv2d::new(5, 1).with_stride(2).without_bias()),
        Box::new(BatchNorm::default()),
    ]);
    let ([_, height, width, channels], x) = images(&vectors, "x");
    let input = Shape::from([height, width, channels]);
    let ours = |of: &str, name: &str| {
        let name = format!("{of}.{name}");
        match vectors.with_shape(&name) {
            (shape, _) if shape.len() == 4 => permuted(&vectors, &name, [2, 3, 1, 0]).1,
            (_, values) => values,
        }
    };
    let specs = block.plan(&input).unwrap().op.params();
    let statistic = |name: &str| name.contains("running");
    let start: Vec<f32> = specs
        .iter()
        .flat_map(|spec| match &*spec.name {
            name if name.ends_with("running_mean") => vec![0.0; spec.shape[0]],
            name if name.ends_with("running_var") => vec![1.0; spec.shape[0]],
            name => ours("initial", name),
        })
        .collect();
    let dy = images(&vectors, "dy").1;
    for [cx, ..] in CONTEXTS.iter() {
        let mut subject = Subject::new(cx, &block, input.clone(), start.clone());
        assert!(subject.op.take(Rectifier::Relu));
        let outcome = subject.pass(Pass::train(1, 0), &x, &dy);
        let on = cx.isa().name();
        assert_close(&format!("y on {on}"), &outcome.y, &images(&vectors, "y").1, TOLERANCE);
        assert_close(&format!("dx on {on}"), &outcome.dx, &images(&vectors, "dx").1, TOLERANCE);
        let Subject { op, params, saved, .. } = &mut subject;
        op.update_statistics(4, saved, params, None);
        let mut start = 0;
        for spec in &specs {
            let (name, end) = (&*spec.name, start + spec.shape.iter().product::<usize>());
            let what = format!("{name} on {on}");
            if statistic(name) {
                assert_close(&what, &params[start..end], &ours("final", name), TOLERANCE);
            } else if name != "3.bias" {
                assert_close(&what, &outcome.grads[start..end], &ours("grad", name), TOLERANCE);
            }
            start = end;
        }
        let evaluated = subject.pass(Pass::evaluate(), &x, &dy);
        assert_close("y_eval", &evaluated.y, &images(&vectors, "y_eval").1, TOLERANCE);
    }
}
