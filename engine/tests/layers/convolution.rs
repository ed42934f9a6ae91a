//! Convolutions, forth and back, against their references and against each other.

use crate::layers::cases::convolution as cases;
use crate::layers::cases::{Case, Data};
use crate::layers::reference::conv_transpose2d::ConvTranspose2d;
use crate::layers::reference::conv2d::Conv2d;
use crate::layers::reference::{EPS, check_gradients};
use crate::layers::run;
use crate::layers::{CONTEXTS, check, f64s};
use narrows_engine::layer::{Forward, Layer};
use narrows_engine::layers::{self, Sides};
use narrows_engine::{Context, Network, Pass, Shape};

#[test]
fn conv2d() {
    let cases = cases::conv2d();
    assert!(cases.len() > 400, "{} cases", cases.len());
    cases.iter().map(cases::case).for_each(|case| check(&case));
}

#[test]
fn conv2d_of_several_tasks_and_blocks() {
    cases::conv2d_large().iter().map(cases::case).for_each(|case| check(&case));
}

#[test]
fn conv_transpose2d() {
    let cases = cases::conv_transpose2d();
    assert!(cases.len() > 350, "{} cases", cases.len());
    cases.iter().map(cases::case_transpose).for_each(|case| check(&case));
}

#[test]
fn conv_transpose2d_of_several_tasks_and_blocks() {
    cases::conv_transpose2d_large().iter().map(cases::case_transpose).for_each(|case| check(&case));
}

#[test]
fn conv2d_with_another_padding_on_each_side() {
    let cases = cases::conv2d_uneven();
    let tiled = cases.iter().filter(|conv| conv.tiled()).count();
    assert!(cases.len() > 400 && tiled > 10, "{} cases, {tiled} with tiles", cases.len());
    cases.iter().map(cases::case).for_each(|case| check(&case));
}

#[test]
fn conv2d_with_the_padding_of_tensorflow() {
    let cases = cases::conv2d_same();
    let uneven = cases.iter().filter(|conv| conv.after != Some(conv.padding)).count();
    assert!(cases.len() > 100 && uneven > 50, "{} cases, {uneven} uneven", cases.len());
    cases.iter().map(cases::case_same).for_each(|case| check(&case));
}

#[test]
fn conv_transpose2d_with_another_padding_on_each_side() {
    let cases = cases::conv_transpose2d_uneven();
    assert!(cases.len() > 250, "{} cases", cases.len());
    cases.iter().map(cases::case_transpose).for_each(|case| check(&case));
}

/// What the lists are thinned by must leave of every setting what has code, or trouble, of its own.
#[test]
fn the_cases_cover_what_they_should() {
    let all = [cases::conv2d(), cases::conv2d_large()].concat();
    let count = |what: &str, least: usize, is: &dyn Fn(&Conv2d) -> bool| {
        let found = all.iter().filter(|conv| is(conv)).count();
        assert!(found >= least, "{what}: {found} cases");
    };
    for channels in [1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 33, 64, 130] {
        count(&format!("{channels} in"), 10, &|c| c.input[2] == channels);
        count(&format!("{channels} in, stride 2"), 2, &|c| {
            c.input[2] == channels && c.stride == [2, 2]
        });
        count(&format!("{channels} in, depthwise"), 2, &|c| {
            c.input[2] == channels && c.groups == channels
        });
    }
    for channels in [1, 2, 3, 4, 8, 15, 16, 17, 33, 64, 130] {
        count(&format!("{channels} out"), 5, &|c| c.out_channels == channels);
    }
    for k in 1..=7 {
        count(&format!("a kernel {k} high"), 10, &|c| c.kernel[0] == k);
        count(&format!("a kernel {k} high, dilated"), 2, &|c| {
            c.kernel[0] == k && c.dilation != [1, 1]
        });
    }
    for (batch, stride) in [1, 2, 3, 33].into_iter().flat_map(|b| [1, 2, 3].map(|s| (b, s))) {
        count(&format!("stride {stride} of {batch}"), 5, &|c| {
            c.batch == batch && c.stride[0] == stride
        });
    }
    for padding in 0..=3 {
        count(&format!("padding {padding}"), 20, &|c| c.padding[0] == padding);
    }
    for size in [[1, 1], [1, 7], [5, 3], [28, 28], [15, 9]] {
        count(&format!("{size:?}"), 10, &|c| c.input[..2] == size);
    }
    count("a stride that leaves pixels out", 30, &|c| c.stride[0] > c.kernel[0]);
    count("a stride that differs", 30, &|c| c.stride[0] != c.stride[1]);
    count("a kernel larger than the image", 30, &|c| c.kernel[0] > c.input[0]);
    count("windows that see padding alone", 5, &|c| c.padding[0] >= c.dilation[0] * c.kernel[0]);
    for channels in [32, 33, 48, 64] {
        count(&format!("tiles of 2x2 of {channels}"), 7, &|c| c.input[2] == channels && c.tiled());
    }
    count("2 groups", 10, &|c| c.groups == 2);
    let padded = cases::conv_transpose2d().iter().filter(|c| c.output_padding != [0, 0]).count();
    assert!(padded > 50, "{padded} with an output padding");
}

/// Central differences cost as many forward passes as there are values, so they are for the small
/// cases.
#[test]
fn references_have_the_gradients_that_central_differences_have() {
    let mut checked = [0, 0];
    let mut check = |which: usize, case: &Case, work: usize| {
        let Data { x, params, dy, .. } = case.data();
        if (x.len() + params.len()) * work < 4_000_000 {
            check_gradients(&case.name(), &*case.reference, &f64s(&x), &f64s(&params), &f64s(&dy));
            checked[which] += 1;
        }
    };
    cases::conv2d().iter().for_each(|conv| check(0, &cases::case(conv), conv.work()));
    for transposed in cases::conv_transpose2d() {
        check(1, &cases::case_transpose(&transposed), transposed.work());
    }
    assert!(checked.iter().all(|count| *count > 100), "only {checked:?} cases are small enough");
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The transposed convolution back to the image that `conv` takes.
fn adjoint(conv: &Conv2d) -> ConvTranspose2d {
    let output = conv.output().unwrap();
    let window = [0, 1].map(|a| conv.dilation[a] * (conv.kernel[a] - 1) + 1);
    ConvTranspose2d {
        kernel: conv.kernel,
        stride: conv.stride,
        padding: conv.padding,
        after: conv.after,
        // What the last window left over.
        output_padding: [0, 1]
            .map(|a| (conv.input[a] + conv.padded(a) - window[a]) % conv.stride[a]),
        dilation: conv.dilation,
        groups: conv.groups,
        bias: false,
        relu: false,
        ..ConvTranspose2d::new(conv.batch, [output[0], output[1], conv.out_channels], conv.input[2])
    }
}

/// `<conv x, y> = <x, conv' y>` for the same weight: so one's output is the other's input gradient,
/// and the gradients of the weight are the same.
#[test]
fn the_transposed_convolution_is_the_adjoint_of_the_convolution() {
    for conv in [cases::conv2d(), cases::conv2d_large(), cases::conv2d_uneven()].concat() {
        let conv = Conv2d { bias: false, relu: false, ..conv };
        let (case, adjoint) = (cases::case(&conv), cases::case_transpose(&adjoint(&conv)));
        let name = case.name();
        assert_eq!(adjoint.output, case.input, "{name}: the output of its adjoint");
        let data = case.data();
        let Data { x, params, dy, grads } = &data;
        // The adjoint's input is the convolution's output gradient, and the other way about.
        let swapped =
            Data { x: dy.clone(), params: params.clone(), dy: x.clone(), grads: grads.clone() };
        let bounds = case.reference.bounds(&f64s(x), &f64s(params), &f64s(dy));
        for contexts in CONTEXTS.iter() {
            let (of_conv, of_adjoint) = (
                run::run(&contexts[1], &case, &data, 0),
                run::run(&contexts[1], &adjoint, &swapped, 0),
            );
            let name = format!("{name} on {}", contexts[0].isa().name());
            close(&format!("dx of {name}"), &of_conv.dx, &of_adjoint.y, |i| bounds.dx[i]);
            close(&format!("y of {name}"), &of_conv.y, &of_adjoint.dx, |i| bounds.y[i]);
            close(&format!("dw of {name}"), &of_conv.grads, &of_adjoint.grads, |i| {
                bounds.grads[i] + EPS * f64::from(of_conv.grads[i].abs().max(1.0)) * 4.0
            });
            let (left, right) = (dot(&of_conv.y, dy), dot(x, &of_adjoint.y));
            let bound = weighted(dy, &bounds.y) + weighted(x, &bounds.dx);
            assert!((left - right).abs() <= bound + 1e-30, "{name}: {left} and {right}");
        }
    }
}

/// Both are within `bound` of the same value.
fn close(what: &str, a: &[f32], b: &[f32], bound: impl Fn(usize) -> f64) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let error = (f64::from(*a) - f64::from(*b)).abs();
        let bound = 2.0 * bound(i) + f64::from(f32::MIN_POSITIVE);
        assert!(error <= bound, "{what}: [{i}] is {a}, and {b}");
    }
}

/// The bound of a product with `x` whose other side is off by `bounds`.
fn weighted(x: &[f32], bounds: &[f64]) -> f64 {
    x.iter().zip(bounds).map(|(x, bound)| f64::from(x.abs()) * bound).sum()
}

/// Memory is planned once, for the largest batch.
#[test]
fn what_suffices_for_a_batch_suffices_for_a_smaller_one() {
    let cases = [
        cases::case(&Conv2d { relu: true, kernel: [3; 2], ..Conv2d::new(1, [7, 5, 3], 8) }),
        cases::case(&Conv2d { kernel: [3; 2], groups: 6, ..Conv2d::new(1, [4, 5, 6], 6) }),
        cases::case_transpose(&ConvTranspose2d {
            kernel: [3; 2],
            stride: [2; 2],
            ..ConvTranspose2d::new(1, [7, 5, 3], 8)
        }),
    ];
    for case in cases {
        let needs = |batch| [case.op.scratch_len(batch), case.op.saved_len(batch)];
        for batch in 2..3000 {
            let (less, more) = (needs(batch - 1), needs(batch));
            let enough = less[0] <= more[0] && less[1] <= more[1];
            assert!(enough, "{}: {batch} samples need {more:?}, one fewer {less:?}", case.name());
        }
    }
}

/// A sample's output has the same bits in any batch: that is what lets the frozen part of a network
/// run once.
#[test]
fn a_sample_has_the_same_output_in_any_batch() {
    let convs = [cases::conv2d(), cases::conv2d_large()].concat();
    let transposed = [cases::conv_transpose2d(), cases::conv_transpose2d_large()].concat();
    let all = convs.iter().map(cases::case).chain(transposed.iter().map(cases::case_transpose));
    for case in all.filter(|case| case.batch > 1) {
        let data = case.data();
        let (len, output) = (case.input.len(), case.output_len() / case.batch);
        for contexts in CONTEXTS.iter() {
            let whole = forward(&contexts[2], &case, case.batch, &data.x, &data.params);
            for i in [0, case.batch - 1] {
                let x = &data.x[i * len..][..len];
                let alone = forward(&contexts[0], &case, 1, x, &data.params);
                let same = whole[i * output..][..output]
                    .iter()
                    .zip(&alone)
                    .all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "sample {i} of {} on {}", case.name(), contexts[0].isa().name());
            }
        }
    }
}

fn forward(cx: &Context, case: &Case, batch: usize, x: &[f32], params: &[f32]) -> Vec<f32> {
    let op = &case.op;
    let mut y = vec![f32::NAN; batch * case.output.len()];
    let (y_out, saved) = (&mut y[..], &mut vec![f32::NAN; op.saved_len(batch)][..]);
    let (pass, scratch) = (Pass::evaluate(), &mut vec![f32::NAN; op.scratch_len(batch)][..]);
    op.forward(cx, Forward { pass, position: 0, batch, x, y: y_out, params, saved, scratch });
    y
}

/// What makes no sense is an error that names the setting, and the shapes where they do not go
/// together.
#[test]
fn settings_that_make_no_sense_are_errors_that_name_them() {
    let image = Shape::from([5, 3, 4]);
    let conv = || layers::Conv2d::new(6, 3).with_padding(1);
    let back = || layers::ConvTranspose2d::new(6, 3).with_padding(1);
    let huge = usize::MAX / 2;
    let top = |top| Sides { top, ..Sides::default() };
    let cases: [(&dyn Layer, &[&str]); 38] = [
        (&layers::Conv2d::new(0, 3), &["channels", "5x3x4"]),
        (&layers::Conv2d::new(6, 0), &["kernel", "0x0"]),
        (&layers::Conv2d::new(6, [0, 3]), &["kernel", "0x3"]),
        (&conv().with_stride(0), &["stride", "0x0"]),
        (&conv().with_stride([1, 0]), &["stride", "1x0"]),
        (&conv().with_dilation([0, 1]), &["dilation", "0x1"]),
        (&conv().with_groups(0), &["groups", "5x3x4"]),
        (&conv().with_groups(3), &["3 groups", "5x3x4"]),
        (&conv().with_groups(4), &["4 groups", "5x3x4"]),
        (&layers::Conv2d::new(6, 6), &["kernel", "6x6", "5x3"]),
        (&layers::Conv2d::new(6, [5, 4]), &["kernel", "5x4", "5x3"]),
        (&layers::Conv2d::new(6, 3).with_dilation(3), &["3x3", "dilation 3x3", "5x3"]),
        (&layers::Conv2d::new(6, 8).with_padding(1), &["8x8", "5x3", "1x1"]),
        (&conv().with_padding(huge), &["padding", "at most"]),
        (&conv().with_padding(top(huge)), &["padding", "at the top", "at most"]),
        (&layers::Conv2d::new(6, 8).with_padding(top(2)), &["8x8", "5x3", "2 at the top, 0 left"]),
        // Half of what a kernel of that extent reaches.
        (
            &layers::Conv2d::new(1, 1 << 18).with_dilation(1 << 18).with_same_padding(),
            &["padding", "at most 1048576x1048576"],
        ),
        (&back().with_padding(top(9)), &["padding", "9 at the top", "5x3x4"]),
        (&conv().with_stride([usize::MAX, 1]), &["stride", "at most"]),
        (&conv().with_dilation(usize::MAX), &["dilation", "at most"]),
        (&layers::Conv2d::new(6, huge).with_padding(huge), &["kernel", "at most"]),
        (&layers::Conv2d::new(usize::MAX, 3), &["large"]),
        (&layers::ConvTranspose2d::new(0, 3), &["channels", "5x3x4"]),
        (&layers::ConvTranspose2d::new(6, [2, 0]), &["kernel", "2x0"]),
        (&back().with_stride([0, 2]), &["stride", "0x2"]),
        (&back().with_dilation(0), &["dilation", "0x0"]),
        (&back().with_groups(0), &["groups", "5x3x4"]),
        (&back().with_groups(3), &["3 groups", "5x3x4"]),
        (&back().with_groups(4), &["4 groups", "5x3x4"]),
        (&back().with_output_padding(1), &["output padding", "1x1", "stride"]),
        (&back().with_stride(2).with_output_padding([1, 2]), &["output padding", "1x2", "2x2"]),
        (&back().with_output_padding(usize::MAX), &["output padding"]),
        (&layers::ConvTranspose2d::new(6, 1).with_padding([0, 2]), &["padding", "0x2", "5x3x4"]),
        (&back().with_padding(usize::MAX), &["padding", "at most"]),
        (&back().with_stride(huge), &["stride", "at most"]),
        (&back().with_dilation(huge), &["dilation", "at most"]),
        (&layers::ConvTranspose2d::new(6, huge), &["kernel", "at most"]),
        (&layers::ConvTranspose2d::new(usize::MAX, 3), &["large"]),
    ];
    for (layer, words) in cases {
        let message = layer.plan(&image).expect_err(words[0]).to_string();
        let names = words.iter().all(|word| message.contains(word));
        assert!(names && !message.contains('\n'), "{words:?} are not in: {message}");
    }
    for layer in [&conv() as &dyn Layer, &back()] {
        for shape in [Shape::from(60), [5, 12].into(), [5, 0, 4].into(), [1, 5, 3, 4].into()] {
            let message = layer.plan(&shape).expect_err("no image").to_string();
            assert!(message.contains("image") && message.contains(&shape.to_string()), "{message}");
        }
    }
}

/// A network refuses parameters that no memory holds, and names the layer.
#[test]
fn a_network_names_the_convolution_that_it_cannot_plan() {
    let most = 1 << 20;
    let layers: [Box<dyn Layer>; 4] = [
        Box::new(layers::Conv2d::new(6, 7)),
        Box::new(layers::Conv2d::new(6, most).with_padding(most)),
        Box::new(layers::Conv2d::new(usize::MAX / 64, 3).with_padding(1)),
        Box::new(layers::ConvTranspose2d::new(1, most).with_padding(most / 2)),
    ];
    for layer in layers {
        let network = Network::builder([5, 3, 4]).section("encoder").boxed(layer);
        let message = network.build().expect_err("too large").to_string();
        assert!(message.starts_with("layer encoder.0 (conv"), "{message}");
    }
}
