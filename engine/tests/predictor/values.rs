//! Values: against the network's forward pass, over chains, batches and widths, on every ISA.

use super::support::{assert_close, bits, isas};
use super::{chains, forward, normal, params, predict};
use narrows_engine::layer::{Backward, Forward, Layer, Op, Planned};
use narrows_engine::layers::{BatchNorm, Linear, Relu};
use narrows_engine::predictor::{Precision, Workspace};
use narrows_engine::{Context, Error, Network, Params, Predictor, Shape};

const WIDTHS: [[usize; 3]; 7] = [
    [1, 10, 15],
    [10, 17, 1],
    [17, 33, 10],
    [64, 100, 64],
    [100, 64, 33],
    [33, 1, 100],
    [130, 70, 48],
];

/// Half of the values are 0, and the third column is 0 in all rows: the products leave those out.
fn with_zeros(mut x: Vec<f32>, inputs: usize) -> Vec<f32> {
    for (i, x) in x.iter_mut().enumerate() {
        if i % inputs == 2 || *x < 0.0 {
            *x = if i % 2 == 0 { 0.0 } else { -0.0 };
        }
    }
    x
}

#[test]
fn predictions_are_those_of_the_network() {
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for [inputs, hidden, outputs] in WIDTHS {
            for (name, builder) in chains(inputs, hidden, outputs) {
                let network = builder.build().unwrap();
                let params = params(&network);
                let predictor = Predictor::new(&network, &params).unwrap();
                for batch in [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 110] {
                    let dense = normal(batch as u64, batch * inputs);
                    for x in [with_zeros(dense.clone(), inputs), dense] {
                        let want = forward(&cx, &network, &params, &x);
                        let what =
                            format!("{name}, {batch} x {inputs} to {outputs} on {}", isa.name());
                        assert_close(&what, &predict(&cx, &predictor, &x), &want, 2e-5);
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_batch() {
    let [inputs, hidden, outputs] = [130, 100, 33];
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for (name, builder) in chains(inputs, hidden, outputs) {
            let network = builder.build().unwrap();
            let predictor = Predictor::new(&network, &params(&network)).unwrap();
            check_bits(name, &cx, &predictor, 1024);
        }
    }
}

/// Sums of several blocks, outputs of several panels and of a part of one, in each precision.
#[test]
fn a_row_of_a_large_layer_has_the_same_bits_alone_and_in_any_batch() {
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for (inputs, outputs) in [(784, 192), (513, 66), (1100, 48), (96, 300), (512, 255), (5, 8)]
        {
            let builder = Network::builder(inputs).layer(Linear::new(outputs)).layer(Relu);
            let network = builder.build().unwrap();
            for precision in [Precision::F32, Precision::F16, Precision::Int8] {
                let params = params(&network);
                let predictor = Predictor::with_precision(&network, &params, precision).unwrap();
                let what = format!("{inputs} to {outputs} in {precision}");
                check_bits(&what, &cx, &predictor, 117);
                if precision == Precision::F32 {
                    let x = normal(1, 30 * inputs);
                    let want = forward(&cx, &network, &params, &x);
                    assert_close(&what, &predict(&cx, &predictor, &x), &want, 2e-5);
                }
            }
        }
    }
}

/// Compares rows alone and together: dense ones, some that are half zeros, and such alone.
fn check_bits(what: &str, cx: &Context, predictor: &Predictor, batch: usize) {
    let (inputs, outputs) = (predictor.input().len(), predictor.output().len());
    let mut mixed = normal(1, batch * inputs);
    for x in mixed.chunks_mut(3 * inputs) {
        x[..inputs].iter_mut().for_each(|x| *x = x.max(0.5) - 0.5);
    }
    let sparse = mixed.iter().map(|x| x.max(0.7) - 0.7).collect();
    for x in [normal(2, batch * inputs), mixed, sparse] {
        let all = predict(cx, predictor, &x);
        for rows in [0..1, 1..2, 7..9, 100..117, batch - 9..batch] {
            let some = predict(cx, predictor, &x[rows.start * inputs..rows.end * inputs]);
            let want = &all[rows.start * outputs..rows.end * outputs];
            let isa = cx.isa().name();
            assert_eq!(bits(&some), bits(want), "{what}, rows {rows:?} on {isa}");
        }
    }
}

#[test]
fn a_network_that_was_never_trained_predicts() {
    let cx = Context::new(1).unwrap();
    for (name, builder) in chains(20, 30, 10) {
        let network = builder.build().unwrap();
        let mut params = Params::new(&network, 1);
        if !params.range("encoder").is_empty() {
            params.set_trainable("encoder", false).unwrap();
        }
        let x = normal(2, 5 * 20);
        let got = predict(&cx, &Predictor::new(&network, &params).unwrap(), &x);
        assert_close(name, &got, &forward(&cx, &network, &params, &x), 2e-5);
    }
}

/// NaNs and infinities come out where the network has them, and leave the bits of other rows alone.
#[test]
fn what_is_not_finite_stays_visible() {
    let kinds = |y: &[f32]| y.iter().map(|y| (y.is_nan(), *y == f32::INFINITY)).collect::<Vec<_>>();
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        let network = Network::builder(20)
            .layer(BatchNorm::default())
            .layer(Linear::new(33))
            .layer(BatchNorm::default())
            .layer(Relu)
            .layer(Linear::new(17))
            .layer(Relu)
            .build()
            .unwrap();
        let params = params(&network);
        let predictor = Predictor::new(&network, &params).unwrap();
        for batch in [1, 2, 7, 30] {
            let x = with_zeros(normal(3, batch * 20), 20);
            let clean = predict(&cx, &predictor, &x);
            for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut x = x.clone();
                // In a column that is 0 elsewhere.
                x[(batch / 2) * 20 + 2] = value;
                let got = predict(&cx, &predictor, &x);
                assert_eq!(
                    kinds(&got),
                    kinds(&forward(&cx, &network, &params, &x)),
                    "{value} on {}",
                    isa.name()
                );
                for (row, (got, clean)) in got.chunks(17).zip(clean.chunks(17)).enumerate() {
                    assert_eq!(bits(got) == bits(clean), row != batch / 2, "{value}, row {row}");
                    assert!(row != batch / 2 || got.iter().any(|y| y.is_nan()));
                }
            }
        }
    }
}

/// A product that left out zeros would hide it.
#[test]
fn a_weight_that_is_not_finite_shows_where_it_meets_a_zero() {
    let network = Network::builder(20).layer(Linear::new(33)).layer(Relu).build().unwrap();
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for value in [f32::NAN, f32::INFINITY] {
            let mut params = params(&network);
            params.get_mut("layers.0.weight").unwrap()[20 * 5 + 2] = value;
            let predictor = Predictor::new(&network, &params).unwrap();
            for batch in [1, 7] {
                let got = predict(&cx, &predictor, &vec![0.0; batch * 20]);
                assert!(forward(&cx, &network, &params, &vec![0.0; batch * 20])[5].is_nan());
                for (i, y) in got.iter().enumerate() {
                    assert_eq!(y.is_nan(), i % 33 == 5, "{value} on {}", isa.name());
                }
            }
        }
    }
}

/// Adds the row's mean to each value, by way of everything that a layer may ask for.
#[derive(Debug)]
struct AddMean;

impl Layer for AddMean {
    fn name(&self) -> &'static str {
        "add mean"
    }
    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        Ok(Planned::new(input.clone(), AddMeanOp { shape: input.clone() }))
    }
}

#[derive(Debug)]
struct AddMeanOp {
    shape: Shape,
}

impl Op for AddMeanOp {
    fn saved_len(&self, batch: usize) -> usize {
        batch
    }
    fn scratch_len(&self, batch: usize) -> usize {
        batch * self.shape.len()
    }
    fn forward(&self, _: &Context, io: Forward<'_>) -> f64 {
        let n = self.shape.len();
        assert_eq!((io.saved.len(), io.scratch.len()), (io.batch, io.x.len()));
        io.scratch.copy_from_slice(io.x);
        for ((x, y), mean) in io.scratch.chunks(n).zip(io.y.chunks_mut(n)).zip(io.saved) {
            *mean = x.iter().sum::<f32>() / n as f32;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x + *mean);
        }
        0.0
    }
    fn backward(&self, _: &Context, _: Backward<'_>) {
        unreachable!("a predictor does not go back");
    }
}

#[test]
fn a_layer_of_ones_own_runs_as_it_is() {
    let network = Network::builder([2, 3])
        .layer(AddMean)
        .layer(BatchNorm::default())
        .layer(Linear::new(40))
        .layer(AddMean)
        .layer(Relu)
        .layer(AddMean)
        .build()
        .unwrap();
    let params = params(&network);
    let predictor = Predictor::new(&network, &params).unwrap();
    // It goes on without the network.
    let cx = Context::new(2).unwrap();
    for batch in [1, 200] {
        let x = normal(4, batch * 6);
        assert_close(
            "add mean",
            &predict(&cx, &predictor, &x),
            &forward(&cx, &network, &params, &x),
            2e-5,
        );
    }
    drop(network);
    predict(&cx, &predictor, &[0.0; 6]);
}

#[test]
fn errors_name_the_shapes() {
    let network = Network::builder([2, 3]).layer(Linear::new(4)).build().unwrap();
    let predictor = Predictor::new(&network, &Params::new(&network, 1)).unwrap();
    let cx = Context::new(1).unwrap();
    for (x, y) in [(0, 0), (7, 4), (6, 5), (12, 4), (5, 4)] {
        let mut workspace = Workspace::default();
        let error =
            predictor.predict(&cx, &mut workspace, &vec![0.0; x], &mut vec![0.0; y]).unwrap_err();
        let message = error.to_string();
        for part in ["6 values (2x3)", "of 4 (4)", &format!("got {x} and {y} values")] {
            assert!(message.contains(part), "{message}");
        }
    }
    let other = Network::builder(6).layer(Linear::new(5)).build().unwrap();
    let message = Predictor::new(&network, &Params::new(&other, 1)).unwrap_err().to_string();
    assert!(
        message.contains("layers.0.weight [4, 6]") && message.contains("layers.0.weight [5, 6]"),
        "{message}"
    );
    let more = Network::builder(6).layer(Linear::new(4)).layer(Linear::new(4)).build().unwrap();
    let message = Predictor::new(&network, &Params::new(&more, 1)).unwrap_err().to_string();
    assert!(message.contains("expected nothing, found layers.1.weight"), "{message}");
    let of_other = Predictor::new(&other, &Params::new(&other, 1)).unwrap();
    let message = predictor.difference(&of_other, &cx, &[0.0; 6]).unwrap_err().to_string();
    assert!(message.contains("2x3 to 4") && message.contains("6 to 5"), "{message}");
}
