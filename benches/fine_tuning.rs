//! A whole fine-tuning (W4): the encoder 784-512-256-64 with batch norm and ReLU, a linear layer to
//! 10 classes, 100 samples, batches of 32, 100 epochs, Adam, from fresh weights on. Of all layers,
//! and of the head alone behind an encoder that is run once.
//!
//! Throughput is in samples: 10,000 in a whole.

mod encoder;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use encoder::{WIDTHS, encoder};
use narrows_datasets::shuffle_into;
use narrows_engine::layers::Linear;
use narrows_engine::peak::{bandwidth, fma_peak};
use narrows_engine::predictor::Workspace;
use narrows_engine::{Context, Loss, Network, Params, Predictor, Target, Trainer, TrainerSettings};
use std::time::{Duration, Instant};

const INPUTS: usize = WIDTHS[0];
const CODE: usize = WIDTHS[3];
const CLASSES: usize = 10;
const SAMPLES: usize = 100;
const EPOCHS: usize = 100;
const BATCH: usize = 32;

/// Trains `network` from fresh weights on the rows of `samples`.
fn learn(cx: &Context, network: &Network, samples: &[f32]) {
    let params = Params::new(network, 1);
    let mut trainer =
        Trainer::new(network, params, TrainerSettings::new(Loss::cross_entropy(), BATCH))
            .expect("a trainer");
    let inputs = network.input().len();
    let mut order: Vec<u32> = (0..SAMPLES as u32).collect();
    let (mut x, mut classes) = (vec![0.0; BATCH * inputs], Vec::with_capacity(BATCH));
    for epoch in 0..EPOCHS {
        shuffle_into(&mut order, 1, epoch as u64);
        for rows in order.chunks(BATCH) {
            let x = &mut x[..rows.len() * inputs];
            for (x, &row) in x.chunks_exact_mut(inputs).zip(rows) {
                x.copy_from_slice(&samples[row as usize * inputs..][..inputs]);
            }
            classes.clear();
            classes.extend(rows.iter().map(|row| row % CLASSES as u32));
            trainer.step(cx, x, Target::Classes(&classes), 1e-3).expect("a step");
        }
    }
}

fn head_alone(cx: &Context, encoder: &Network, samples: &[f32]) {
    let predictor = Predictor::new(encoder, &Params::new(encoder, 1)).expect("a predictor");
    let mut codes = vec![0.0; SAMPLES * CODE];
    predictor.predict(cx, &mut Workspace::default(), samples, &mut codes).expect("codes");
    let head = Network::builder(CODE).layer(Linear::new(CLASSES)).build().expect("a network");
    learn(cx, &head, &codes);
}

fn fine_tuning(criterion: &mut Criterion) {
    let all = encoder().layer(Linear::new(CLASSES)).build().expect("a network");
    let encoder = encoder().build().expect("a network");
    let random = (0..SAMPLES * INPUTS).map(|i| (i as u32).wrapping_mul(2_654_435_761));
    let samples: Vec<f32> =
        random.map(|r| if r % 5 == 0 { (r >> 24) as f32 / 255.0 } else { 0.0 }).collect();
    let in_encoder: usize = WIDTHS.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let multiply_adds = in_encoder + CODE * CLASSES;
    let flops = 2.0 * ((3 * multiply_adds - INPUTS * WIDTHS[1]) * SAMPLES * EPOCHS) as f64;
    // Each step reads and writes all parameters and their two moments, and once more the gradients.
    let steps = EPOCHS * SAMPLES.div_ceil(BATCH);
    let weights = 4 * Params::new(&all, 1).values().len();
    let mut group = criterion.benchmark_group("fine-tuning");
    group.throughput(Throughput::Elements((SAMPLES * EPOCHS) as u64));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4));
    for threads in [1, 2] {
        let cx = Context::new(threads).expect("threads");
        let (fma, of_memory) = (fma_peak(&cx), bandwidth(&cx, 4 * weights / threads));
        println!(
            "FMA peak, {threads} threads, {}: {fma:.1} GFLOP/s; copying {} bytes: {:.1} GB/s",
            cx.isa().name(),
            4 * weights,
            of_memory.copy
        );
        let mut seconds = f64::MAX;
        group.bench_function(BenchmarkId::new("all layers", format!("{threads} threads")), |b| {
            b.iter_custom(|calls| {
                let start = Instant::now();
                cx.install(|| (0..calls).for_each(|_| learn(&cx, &all, &samples)));
                seconds = seconds.min(start.elapsed().as_secs_f64() / calls as f64);
                start.elapsed()
            });
        });
        println!(
            "{:.0} % of the FMA peak, and {:.0} % of the bandwidth for Adam alone, at best",
            100.0 * flops / seconds / 1e9 / fma,
            100.0 * (8 * weights * steps) as f64 / seconds / 1e9 / of_memory.copy
        );
        group.bench_function(BenchmarkId::new("head alone", format!("{threads} threads")), |b| {
            b.iter(|| cx.install(|| head_alone(&cx, &encoder, &samples)));
        });
    }
    group.finish();
}

criterion_group!(benches, fine_tuning);
criterion_main!(benches);
