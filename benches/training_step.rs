//! A whole training step of an autoencoder on MNIST-like images: gather, forward, loss, backward,
//! Adam.
//!
//! W1: 784-512-256-64 and its mirror image, batch 256. W1b: 784-256-64 and its mirror image, batch
//! 64. Batch norm and ReLU behind each hidden layer but the bottleneck, mean squared error, Adam.
//! Four fifths of the pixels are zero. Throughput is in samples.

mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use narrows_datasets::{Dataset, shuffled};
use narrows_engine::peak::fma_peak;
use narrows_engine::{Context, Loss, Params, Target, Trainer, TrainerSettings};
use narrows_models::{Activation, Architecture, Model};
use std::time::Duration;

const SAMPLES: usize = 8192;

struct Workload {
    name: &'static str,
    widths: &'static [usize],
    latent: usize,
    batch: usize,
}

const WORKLOADS: [Workload; 2] = [
    Workload { name: "W1", widths: &[512, 256], latent: 64, batch: 256 },
    Workload { name: "W1b", widths: &[256], latent: 64, batch: 64 },
];

fn training_step(criterion: &mut Criterion) {
    let values = (0..SAMPLES * 784).map(|i| (i as u32).wrapping_mul(2_654_435_761));
    let values = values.map(|r| if r % 5 == 0 { (r >> 24) as u8 } else { 0 }).collect();
    let data = Dataset::from_values("random", values, &[28, 28], 255, None).expect("a data set");
    let order = shuffled(SAMPLES, 1, 1);
    let contexts = [1, 2].map(|threads| Context::new(threads).expect("threads"));
    for cx in &contexts {
        println!(
            "FMA peak, {} threads, {}: {:.1} GFLOP/s",
            cx.threads(),
            cx.isa().name(),
            fma_peak(cx)
        );
    }
    let mut group = criterion.benchmark_group("training step");
    for Workload { name, widths, latent, batch } in WORKLOADS {
        group.throughput(Throughput::Elements(batch as u64));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(4));
        let architecture = Architecture {
            widths: widths.to_vec(),
            latent,
            output: Activation::None,
            ..Architecture::new(Model::Dense, 784)
        };
        let network = architecture.autoencoder().expect("a network");
        let mut x = vec![0.0; batch * 784];
        for cx in &contexts {
            let params = Params::new(&network, 1);
            let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, batch))
                .expect("a trainer");
            let mut batches = order.chunks_exact(batch).cycle();
            group.bench_function(
                BenchmarkId::new(name, format!("{} threads", cx.threads())),
                |b| {
                    b.iter(|| {
                        data.gather(batches.next().expect("endless"), &mut x).unwrap();
                        cx.install(|| trainer.step(cx, &x, Target::Values(&x), 1e-3))
                            .expect("a step")
                    });
                },
            );
        }

        // How it would scale on more cores than there may be.
        for threads in [2, 4, 8, 16, 32] {
            let cx = Context::new(threads).expect("threads");
            let params = Params::new(&network, 1);
            let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, batch))
                .expect("a trainer");
            trainer.step(&cx, &x, Target::Values(&x), 1e-3).expect("a step");
            let counts = cx.counts();
            println!(
                "{name}, {threads} threads: {} barriers in a step, {:.1} tasks each",
                counts.barriers,
                counts.tasks as f64 / counts.barriers.max(1) as f64
            );
        }

        // The mirrored widths; the bottleneck is the last layer of the encoder.
        let encoder: Vec<usize> = [784].into_iter().chain(widths.iter().copied()).collect();
        let all: Vec<usize> =
            encoder.iter().copied().chain([latent]).chain(encoder.iter().rev().copied()).collect();
        let mut naive = naive::Autoencoder::new(batch, &all, encoder.len() - 1);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_secs(4));
        group.bench_function(BenchmarkId::new(name, "naive"), |b| {
            b.iter(|| {
                data.gather(&order[..batch], &mut x).unwrap();
                naive.step(&x)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, training_step);
criterion_main!(benches);
