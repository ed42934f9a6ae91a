//! Instructions of products and convolutions, counted by `valgrind --tool=callgrind`. Unlike times,
//! they are the same each time, and they limit AVX2 on a core whose sibling is at work.
//!
//! Valgrind knows no AVX-512. A program of its own, because valgrind reads all of its symbols.

#[path = "support/callgrind.rs"]
mod callgrind;

use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::layers::{BatchNorm, Conv2d, ConvTranspose2d, Relu};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;
use narrows_engine::{Loss, Network, NetworkBuilder, Params, Target, Trainer, TrainerSettings};

/// Rows, columns and depth; whether A and B lie by columns; and the most instructions for 12
/// multiply-adds of a vector, which is a tile's step of k. Packing and the way to memory count.
/// Tests inline less than a release, which takes 23.2, 25.6, 26.8, 28.5, 28.5 and 60.5 for the
/// squares by rows and A by columns, B packed for 32 rows, 32 deep, the small one and 10 columns.
const CASES: [(&str, [usize; 3], [bool; 2], f64); 12] = [
    ("square, by rows", [512, 512, 512], [false, false], 25.5),
    ("square, A by columns", [512, 512, 512], [true, false], 37.0),
    ("square, B by columns", [512, 512, 512], [false, true], 25.5),
    ("32 rows, B where it is", [32, 784, 512], [false, false], 26.0),
    ("32 rows, B packed", [32, 512, 784], [false, false], 41.0),
    ("32 deep, A by columns", [784, 512, 32], [true, false], 48.0),
    ("64 columns", [512, 64, 784], [false, false], 26.5),
    ("small", [32, 32, 64], [false, false], 39.5),
    ("small, B by columns", [32, 64, 256], [false, true], 45.0),
    ("wide, B by columns", [128, 1568, 64], [false, true], 40.0),
    // The second vector has two columns of its own: 20 multiply-adds would be 12 otherwise.
    ("10 columns", [32, 10, 32], [false, false], 95.0),
    ("10 columns, B by columns", [32, 10, 32], [false, true], 128.0),
];

/// Sides and channels of an image and channels of the map that a convolution of 3x3 with stride 2
/// makes of it, and of which its transpose makes an image again; and the most instructions for 12
/// multiply-adds, of those that a plain convolution takes, in a training step of both. That has two
/// forward passes, two gradients of the weight and one of the input.
const CONVOLUTIONS: [(&str, [usize; 3], f64); 2] =
    [("few channels: windows", [14, 16, 32], 37.0), ("Winograd", [16, 32, 64], 37.5)];

/// Rows and columns of a batch norm with the ReLU behind it, and the most instructions for a vector
/// in a training step of two of them: two times mean and variance, output, and sums of the backward
/// pass, and one gradient of the input, besides the loss.
const BATCH_NORMS: [(&str, [usize; 2], f64); 2] =
    [("few columns", [14 * 14, 16], 335.0), ("many columns", [1, 512], 555.0)];

/// Images in a step.
const BATCH: usize = 16;

#[test]
fn a_step_of_the_avx2_tile_takes_few_instructions() {
    let test = "a_step_of_the_avx2_tile_takes_few_instructions";
    let cases = CASES.map(|(name, [m, n, k], _, most)| (name, m * n * k, most));
    check(test, &cases, 12.0, multiply);
}

#[test]
fn convolutions_take_few_instructions() {
    let cases = CONVOLUTIONS.map(|(name, [side, inputs, outputs], most)| {
        (name, 5 * BATCH * (side / 2).pow(2) * 9 * inputs * outputs, most)
    });
    // Winograd's multiply-adds are 25 for each 36.
    check("convolutions_take_few_instructions", &cases, 12.0 * 25.0 / 36.0, convolve);
}

#[test]
fn batch_norm_takes_few_instructions() {
    let cases = BATCH_NORMS.map(|(name, [rows, columns], most)| {
        // A vector of values counts as 12.
        (name, 12 * BATCH * rows * columns, most)
    });
    check("batch_norm_takes_few_instructions", &cases, 12.0, normalise);
}

/// Counts the instructions of `run` for each case: name, multiply-adds and most instructions.
fn check(test: &str, cases: &[(&str, usize, f64)], least: f64, run: fn(Isa, usize)) {
    let Some(isa) = Isa::named("avx2") else {
        println!("instructions: AVX2 is not there: NOT RUN");
        return;
    };
    if let Some(case) = callgrind::counted() {
        return run(isa, case);
    }
    if !callgrind::is_there() {
        println!("instructions: valgrind is not there: NOT RUN");
        return;
    }
    for (case, &(name, macs, most)) in cases.iter().enumerate() {
        let steps = macs as f64 / (12 * isa.lanes()) as f64;
        let per_step = callgrind::count(test, "counted_work", case) / steps;
        println!("{name}: {per_step:.2} instructions for 12 multiply-adds, {most} allowed");
        assert!(per_step <= most, "{name}: {per_step:.2} instructions, more than {most}");
        assert!(per_step > least, "{name}: {per_step:.2} instructions hold no 12 multiply-adds");
    }
}

fn multiply(isa: Isa, case: usize) {
    let (_, [m, n, k], [a_by_columns, b_by_columns], _) = CASES[case];
    let cx = Context::with_isa(isa, 1).expect("a context");
    let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
    let matrix = |x, rows, cols, by_columns| match by_columns {
        true => MatRef::new(x, cols, rows).transposed(),
        false => MatRef::new(x, rows, cols),
    };
    let (a, b) = (|| matrix(&a, m, k, a_by_columns), || matrix(&b, k, n, b_by_columns));
    // The first one allocates.
    gemm(&cx, 1.0, a(), b(), 0.0, MatMut::new(&mut c, m, n));
    counted_work(|| gemm(&cx, 1.0, a(), b(), 0.0, MatMut::new(&mut c, m, n)));
    assert!(c.iter().all(|&x| x == k as f32));
}

fn normalise(isa: Isa, case: usize) {
    let (_, [rows, columns], _) = BATCH_NORMS[case];
    let mut builder = Network::builder([rows, 1, columns]);
    for _ in 0..2 {
        builder = builder.layer(BatchNorm::default()).layer(Relu);
    }
    train(isa, builder);
}

fn convolve(isa: Isa, case: usize) {
    let (_, [side, inputs, outputs], _) = CONVOLUTIONS[case];
    let down = Conv2d::new(outputs, 3).with_stride(2).with_padding(1).without_bias();
    let up = ConvTranspose2d::new(inputs, 3).with_stride(2).with_padding(1).with_output_padding(1);
    train(isa, Network::builder([side, side, inputs]).layer(down).layer(up.without_bias()));
}

/// Counts a step of training an autoencoder.
fn train(isa: Isa, builder: NetworkBuilder) {
    let cx = Context::with_isa(isa, 1).expect("a context");
    let network = builder.build().expect("a network");
    let params = Params::new(&network, 1);
    let settings = TrainerSettings::new(Loss::L2, BATCH);
    let mut trainer = Trainer::new(&network, params, settings).expect("a trainer");
    let x: Vec<f32> = (0..BATCH * network.input().len()).map(|i| (i * i % 7) as f32).collect();
    let mut step = || trainer.step(&cx, &x, Target::Values(&x), 0.001).expect("a step");
    let first = step();
    let mut second = f64::NAN;
    counted_work(|| second = step());
    assert!(second < first);
}

#[inline(never)]
fn counted_work(work: impl FnOnce()) {
    work();
}
