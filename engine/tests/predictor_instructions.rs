//! Instructions of a prediction by one layer, so that a change cannot spoil its kernels unseen. A
//! program of its own, because valgrind reads all of its symbols. It needs `cargo test --release`:
//! otherwise the checks of debug assertions are counted.

#[path = "support/callgrind.rs"]
mod callgrind;

use narrows_engine::layers::Linear;
use narrows_engine::predictor::{Precision, Workspace};
use narrows_engine::{Context, Isa, Network, Params, Predictor};

const INPUTS: usize = 784;
const OUTPUTS: usize = 512;

/// Rows; every how many elements are not 0; the most instructions for a vector of weights and a
/// row, which a dense product multiplies and adds in one of them.
const CASES: [(&str, Precision, usize, usize, f64); 7] = [
    ("one row", Precision::F32, 1, 1, 2.35),
    ("one row in half precision", Precision::F16, 1, 1, 3.15),
    ("one row in bytes", Precision::Int8, 1, 1, 4.05),
    ("one row, a fifth of it not 0", Precision::F32, 1, 5, 0.68),
    ("96 rows", Precision::F32, 96, 1, 2.0),
    ("96 rows in half precision", Precision::F16, 96, 1, 2.05),
    ("96 rows, a fifth of them not 0", Precision::F32, 96, 5, 0.52),
];

#[test]
fn a_prediction_takes_few_instructions() {
    let Some(isa) = Isa::named("avx2") else {
        println!("instructions: AVX2 is not there: NOT RUN");
        return;
    };
    if let Some(case) = callgrind::counted() {
        return predict(isa, case);
    }
    if cfg!(debug_assertions) {
        println!("instructions of a prediction: no release build: NOT RUN");
        return;
    }
    if !callgrind::is_there() {
        println!("instructions: valgrind is not there: NOT RUN");
        return;
    }
    let mut failed = Vec::new();
    for (case, &(name, _, rows, step, most)) in CASES.iter().enumerate() {
        let vectors = (rows * INPUTS * OUTPUTS / isa.lanes()) as f64;
        let count =
            callgrind::count("a_prediction_takes_few_instructions", "counted_prediction", case);
        let each = count / vectors;
        println!("{name}: {each:.3} instructions for a vector of weights, {most} allowed");
        if each > most {
            failed.push(name);
        }
        assert!(each * step as f64 > 0.99, "{name}: {each:.3} instructions multiply nothing");
    }
    assert!(failed.is_empty(), "more instructions than allowed: {failed:?}");
}

fn predict(isa: Isa, case: usize) {
    let (_, precision, rows, step, _) = CASES[case];
    let cx = Context::with_isa(isa, 1).expect("a context");
    let network = Network::builder(INPUTS).layer(Linear::new(OUTPUTS)).build().expect("a network");
    let params = Params::new(&network, 1);
    let predictor = Predictor::with_precision(&network, &params, precision).expect("a predictor");
    let x: Vec<f32> =
        (0..rows * INPUTS).map(|i| if (i * 7 + i / 31) % step == 0 { 1.0 } else { 0.0 }).collect();
    let (mut y, mut workspace) = (vec![0.0; rows * OUTPUTS], Workspace::default());
    // The first one allocates.
    predictor.predict(&cx, &mut workspace, &x, &mut y).expect("outputs");
    counted_prediction(&cx, &predictor, &mut workspace, &x, &mut y);
}

#[inline(never)]
fn counted_prediction(
    cx: &Context,
    predictor: &Predictor,
    workspace: &mut Workspace,
    x: &[f32],
    y: &mut [f32],
) {
    predictor.predict(cx, workspace, x, y).expect("outputs");
}
