//! Every layer against an obvious f64 version of itself, on every ISA, and against PyTorch.
//!
//! A new layer needs a reference (`reference/`) and a line in the list (`cases.rs`).

mod batch_norm;
mod cases;
mod convolution;
mod dropout;
mod pytorch;
mod pytorch_images;
mod rectifiers;
mod reference;
mod run;

use crate::support;
use cases::{Case, Data};
use narrows_engine::gemm::Rectifier;
use narrows_engine::layer::Layer;
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Dropout, Elu, GaussianSample, GlobalAvgPool, LayerNorm, LayerScale,
    LeakyRelu, Linear, MaxPool2d, Narrow, Normalize, Residual, Sparsity, SqueezeExcitation,
    Unflatten, Upsample,
};
use narrows_engine::params::Role;
use narrows_engine::simd::Isa;
use narrows_engine::{Context, Shape};
use reference::{EPS, Reference, away_from_kinks, check_gradients};
use run::Outcome;
use std::sync::LazyLock;

/// Every ISA, with 1, 2 and 3 threads.
static CONTEXTS: LazyLock<Vec<[Context; 3]>> = LazyLock::new(|| {
    let contexts = |isa: &Isa| [1, 2, 3].map(|threads| Context::with_isa(*isa, threads).unwrap());
    support::isas().iter().map(contexts).collect()
});

fn f64s(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}

#[test]
fn references_have_the_gradients_that_central_differences_have() {
    let mut checked = 0;
    for case in cases::all() {
        if case.batch > 3 || case.input.len() > 17 || case.output_len() > 3 * 33 || case.scale > 2.0
        {
            continue;
        }
        let Data { x, params, dy, .. } = case.data();
        // Statistics have no gradient: hold them fixed.
        let roles =
            case.op.params().into_iter().flat_map(|s| vec![s.role; s.shape.iter().product()]);
        let trained = roles.filter(|role| *role != Role::Statistic).count();
        let (trained, statistics) = params.split_at(trained);
        let fixed = Fixed { layer: &*case.reference, statistics: f64s(statistics) };
        check_gradients(&case.name(), &fixed, &f64s(&x), &f64s(trained), &f64s(&dy));
        checked += 1;
    }
    assert!(checked > 100, "only {checked} cases are small enough");
}

/// A reference as a function of its trained parameters.
struct Fixed<'a> {
    layer: &'a dyn Reference,
    statistics: Vec<f64>,
}

impl Fixed<'_> {
    fn params(&self, trained: &[f64]) -> Vec<f64> {
        [trained, &self.statistics].concat()
    }
}

impl Reference for Fixed<'_> {
    fn forward(&self, x: &[f64], trained: &[f64]) -> Vec<f64> {
        self.layer.forward(x, &self.params(trained))
    }

    fn backward(&self, x: &[f64], trained: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (dx, mut grads) = self.layer.backward(x, &self.params(trained), dy);
        assert!(grads.drain(trained.len()..).all(|g| g == 0.0), "a statistic has a gradient");
        (dx, grads)
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        self.layer.penalty(x)
    }

    fn bounds(&self, x: &[f64], trained: &[f64], dy: &[f64]) -> reference::Values {
        self.layer.bounds(x, &self.params(trained), dy)
    }

    fn kink(&self, x: &[f64], trained: &[f64]) -> Vec<f64> {
        self.layer.kink(x, &self.params(trained))
    }
}

/// Runs the case everywhere: one answer for all threads and alignments, within the reference's
/// bounds.
fn check(case: &Case) {
    let mut data = case.data();
    let (x, params) = (f64s(&data.x), f64s(&data.params));
    let reference = &*case.reference;
    let reach = reference.bounds(&x, &params, &f64s(&data.dy)).y;
    let kink = reference.kink(&x, &params);
    let dy = away_from_kinks(&kink, |i| reach[i], &f64s(&data.dy));
    data.dy = dy.iter().map(|&dy| dy as f32).collect();

    let y = reference.forward(&x, &params);
    let (dx, grads) = reference.backward(&x, &params, &dy);
    let bounds = reference.bounds(&x, &params, &dy);
    for contexts in CONTEXTS.iter() {
        let name = format!("{} on {}", case.name(), contexts[0].isa().name());
        let first = run::run(&contexts[0], case, &data, 0);
        for (cx, offset) in
            [(&contexts[1], 0), (&contexts[2], 0), (&contexts[0], 1), (&contexts[2], 3)]
        {
            let other = run::run(cx, case, &data, offset);
            let same = other.bits() == first.bits();
            assert!(same, "{name}: {} threads at offset {offset} change bits", cx.threads());
        }
        let Outcome { y: got_y, dx: got_dx, grads: got_grads, penalty, .. } = first;
        let (want, bound) = (reference.penalty(&x), reference.penalty_bound(&x));
        assert!((penalty - want).abs() <= bound, "the penalty of {name} is {penalty}, not {want}");
        within(&format!("y of {name}"), &got_y, &y, |i| bounds.y[i]);
        within(&format!("dx of {name}"), &got_dx, &dx, |i| bounds.dx[i]);
        // Added to what was there, in up to two blocks of a product, each of which rounds.
        let initial = f64s(&data.grads);
        let sum: Vec<f64> = grads.iter().zip(&initial).map(|(g, i)| g + i).collect();
        within(&format!("grads of {name}"), &got_grads, &sum, |i| {
            if grads[i] == 0.0 && bounds.grads[i] == 0.0 {
                return 0.0; // a statistic
            }
            bounds.grads[i] + EPS * (initial[i].abs() + grads[i].abs())
        });
    }
}

/// Every value is within its bound; f32 has nothing finer than its smallest normal to offer.
fn within(what: &str, got: &[f32], want: &[f64], bound: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs();
        let bound = if bound(i) == 0.0 { 0.0 } else { bound(i) + f64::from(f32::MIN_POSITIVE) };
        // A NaN fails here too.
        assert!(
            error <= bound,
            "{what}: [{i}] is {got}, not {want}: off by {error:e}, bound {bound:e}"
        );
    }
}

#[test]
fn linear() {
    cases::linear(true, false).iter().for_each(check);
    cases::linear(false, false).iter().for_each(check);
}

#[test]
fn linear_with_relu() {
    cases::linear(true, true).iter().for_each(check);
    cases::linear(false, true).iter().for_each(check);
}

#[test]
fn linear_of_mostly_zeros() {
    cases::linear_sparse().iter().for_each(check);
}

#[test]
fn batch_norm() {
    cases::batch_norm(false).iter().for_each(check);
}

#[test]
fn batch_norm_of_frozen_statistics() {
    for relu in [false, true] {
        cases::batch_norm_of_frozen_statistics(relu).iter().for_each(check);
    }
    let planned = BatchNorm::default().with_frozen_statistics().plan(&3.into()).unwrap();
    let mut params = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    planned.op.update_statistics(2, &[2.0; 9], &mut params, Some(1.0));
    assert_eq!(params[6..], [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(planned.op.min_train_batch(), 1);
}

#[test]
fn batch_norm_with_relu() {
    cases::batch_norm(true).iter().for_each(check);
}

#[test]
fn activations() {
    cases::activations::all().iter().for_each(check);
}

#[test]
fn dropout() {
    cases::dropout().iter().for_each(check);
}

#[test]
fn narrow() {
    cases::narrow().iter().for_each(check);
}

#[test]
fn gaussian_samples() {
    cases::gaussian_samples().iter().for_each(check);
}

#[test]
fn sparsity() {
    cases::sparsity().iter().for_each(check);
}

#[test]
fn pools() {
    cases::pools::pools().iter().for_each(check);
    cases::pools::same_pools().iter().for_each(check);
    cases::pools::cut_pools().iter().for_each(check);
}

#[test]
fn global_average_pools() {
    cases::pools::global_avg_pools().iter().for_each(check);
}

#[test]
fn up_sampling() {
    cases::pools::upsamples().iter().for_each(check);
}

#[test]
fn unflattening() {
    cases::pools::unflattens().iter().for_each(check);
}

#[test]
fn residual_blocks() {
    cases::blocks::residuals().iter().for_each(check);
}

#[test]
fn squeeze_and_excitation() {
    cases::blocks::squeeze_excitations().iter().for_each(check);
}

#[test]
fn normalisation_by_constants() {
    cases::normalize(false).iter().for_each(check);
    cases::normalize(true).iter().for_each(check);
}

#[test]
fn layer_scale() {
    cases::layer_scale(false).iter().for_each(check);
    cases::layer_scale(true).iter().for_each(check);
}

#[test]
fn layer_norm() {
    cases::layer_norm().iter().for_each(check);
}

#[test]
fn settings_that_make_no_sense_are_errors_that_name_them() {
    let image = Shape::from([4, 5, 3]);
    let residual = |width| Residual::new(vec![Box::new(Linear::new(width))]);
    let shortcut = |width| -> Vec<Box<dyn Layer>> { vec![Box::new(Linear::new(width))] };
    let sample = |kl_weight| GaussianSample { kl_weight, warm_up: 0 };
    let gate = |layers: Vec<Box<dyn Layer>>| SqueezeExcitation::new(layers);
    let normalize = |mean: &[f32], std: &[f32]| Normalize { mean: mean.into(), std: std.into() };
    let cases: [(&dyn Layer, Shape, &str); 41] = [
        (&Linear::new(0), 4.into(), "needs at least 1 output, not 0"),
        (&BatchNorm::new(0.0, 0.1), 4.into(), "needs a positive eps, not 0"),
        (&BatchNorm::new(f32::NAN, 0.1), 4.into(), "needs a positive eps, not NaN"),
        (&BatchNorm::new(1e-5, 1.5), 4.into(), "needs a momentum in [0, 1], not 1.5"),
        (&Dropout { p: 1.0 }, 4.into(), "needs a probability in [0, 1), not 1"),
        (&Dropout { p: -0.1 }, 4.into(), "needs a probability in [0, 1), not -0.1"),
        (&Narrow { len: 0 }, 4.into(), "needs 1 to 4 values to keep of 4, not 0"),
        (&Narrow { len: 5 }, [2, 2].into(), "needs 1 to 4 values to keep of 2x2, not 5"),
        (&sample(1.0), 3.into(), "needs as many means as logarithms of variances, got 3 values"),
        (&sample(f32::NAN), 4.into(), "needs a finite weight of at least 0, not NaN"),
        (&Sparsity { weight: -1.0 }, 4.into(), "needs a finite weight of at least 0, not -1"),
        (&LeakyRelu { slope: f32::NAN }, 4.into(), "needs a finite slope, not NaN"),
        (&Elu { alpha: f32::INFINITY }, 4.into(), "needs a finite alpha, not inf"),
        (&MaxPool2d::new(2), 784.into(), "needs an image (height x width x channels), got 784"),
        (&AvgPool2d::new(2), [4, 5].into(), "needs an image (height x width x channels), got 4x5"),
        (&GlobalAvgPool, 4.into(), "needs an image (height x width x channels), got 4"),
        (&Upsample::new(2), 4.into(), "needs an image (height x width x channels), got 4"),
        (&MaxPool2d::new(0), image.clone(), "needs a kernel of at least 1x1, not 0x0"),
        (
            &AvgPool2d::new(2).with_stride([1, 0]),
            image.clone(),
            "needs a stride of at least 1x1, not 1x0",
        ),
        (&MaxPool2d::new([5, 1]), image.clone(), "image of 4x5"),
        (
            &AvgPool2d::new(usize::MAX).with_padding(1),
            image.clone(),
            "needs a kernel of at most 1048576",
        ),
        (
            &MaxPool2d::new([3, 2]).with_padding(2),
            image.clone(),
            "at most half of its kernel, 3x2, not 2x2",
        ),
        (&Upsample::new(0), image.clone(), "needs a factor of at least 1x1, not 0x0"),
        (&Upsample::new(usize::MAX / 2), image.clone(), "too large"),
        (
            &Unflatten::new([3, 3, 2]),
            image.clone(),
            "needs 18 values to make 3x3x2 of, got 60 (4x5x3)",
        ),
        (&Unflatten::new([usize::MAX, 2]), image.clone(), "no sample has as many values"),
        (&Residual::new(Vec::new()), 4.into(), "needs a layer in its body"),
        (&residual(3), 4.into(), "its body gives 3, x 4: it needs a shortcut that gives the same"),
        (
            &residual(3).with_shortcut(shortcut(2)),
            4.into(),
            "its body gives 3, its shortcut gives 2",
        ),
        (&residual(0), 4.into(), "layer 0 (linear): needs at least 1 output, not 0"),
        (&LayerNorm { eps: 0.0 }, 4.into(), "needs a positive eps, not 0"),
        (&LayerNorm { eps: f32::NAN }, 4.into(), "needs a positive eps, not NaN"),
        (&LayerScale { init: f32::INFINITY }, 4.into(), "needs a finite initial factor, not inf"),
        (&gate(Vec::new()), image.clone(), "needs a layer that makes its factors"),
        (
            &gate(vec![Box::new(Linear::new(4))]),
            image.clone(),
            "its layers give 4, where a factor is needed for each of 3 channels (input 4x5x3)",
        ),
        (&gate(vec![Box::new(Linear::new(0))]), image.clone(), "layer 0 (linear): needs"),
        (
            &normalize(&[0.5; 3], &[0.5; 2]),
            image.clone(),
            "a mean and a deviation for each of 3 channels (input 4x5x3), not 3 and 2",
        ),
        (&normalize(&[0.5], &[0.5]), image.clone(), "each of 3 channels"),
        (&normalize(&[f32::NAN], &[1.0]), 1.into(), "needs finite means, not NaN"),
        (&normalize(&[0.0], &[0.0]), 1.into(), "needs positive deviations, not 0"),
        (&normalize(&[0.0], &[f32::NAN]), 1.into(), "needs positive deviations, not NaN"),
    ];
    for (layer, input, words) in cases {
        let message = layer.plan(&input).expect_err(words).to_string();
        assert!(message.contains(words), "{message}, not {words}");
    }
}

/// Memory is planned once, for the largest batch.
#[test]
fn what_suffices_for_a_batch_suffices_for_a_smaller_one() {
    let layers: [&dyn Layer; 4] = [
        &Linear::new(17),
        &BatchNorm::default(),
        &LayerScale { init: 1.0 },
        &Residual::new(vec![Box::new(Linear::new(5)), Box::new(BatchNorm::default())])
            .with_shortcut(vec![Box::new(Linear::new(5))]),
    ];
    for layer in layers {
        for input in [Shape::from(3), [2, 3, 5].into()] {
            let mut op = layer.plan(&input).unwrap().op;
            assert!(op.take(Rectifier::Relu));
            let needs = |batch| [op.scratch_len(batch), op.saved_len(batch)];
            for batch in 2..5000 {
                let (less, more) = (needs(batch - 1), needs(batch));
                let enough = less[0] <= more[0] && less[1] <= more[1];
                assert!(
                    enough,
                    "{} of {input}: {batch} samples need {more:?}, one fewer {less:?}",
                    layer.name()
                );
            }
        }
    }
}
