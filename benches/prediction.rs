//! Predicting with the encoder 784-512-256-64 (W5), batch norm and ReLU behind its hidden layers:
//! the latency of one row and the throughput of 1,024, by the predictor and by a network's
//! evaluation.
//!
//! Throughput is in rows. One row is bound by reading the weights, of which a predictor leaves out
//! those that meet a 0: so rows come in two kinds, of pictures of which four fifths are 0, and
//! without any 0.

mod encoder;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use encoder::{WIDTHS, encoder};
use narrows_engine::peak::{bandwidth, fma_peak};
use narrows_engine::predictor::Workspace;
use narrows_engine::{Context, Params, Pass, PassMemory, Predictor};
use std::hint::black_box;
use std::time::{Duration, Instant};

const INPUTS: usize = WIDTHS[0];

fn pixels(rows: usize, zeros: bool) -> Vec<f32> {
    let random = (0..rows * INPUTS).map(|i| (i as u32).wrapping_mul(2_654_435_761));
    random.map(|r| if zeros && r % 5 != 0 { 0.0 } else { ((r >> 24) + 1) as f32 / 256.0 }).collect()
}

fn prediction(criterion: &mut Criterion) {
    let network = encoder().build().expect("a network");
    let params = Params::new(&network, 1);
    let predictor = Predictor::new(&network, &params).expect("a predictor");
    let multiply_adds: usize = WIDTHS.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let mut group = criterion.benchmark_group("prediction");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for threads in [1, 2] {
        let cx = Context::new(threads).expect("threads");
        let (fma, read) = (fma_peak(&cx), bandwidth(&cx, predictor.weight_bytes() / threads).read);
        println!("FMA peak, {threads} threads, {}: {fma:.1} GFLOP/s", cx.isa().name());
        println!("reading {} bytes: {read:.1} GB/s", predictor.weight_bytes());
        for (rows, zeros) in [(1, false), (1, true), (1024, false), (1024, true)] {
            let x = pixels(rows, zeros);
            let mut y = vec![0.0; rows * WIDTHS[3]];
            let kind =
                format!("{rows} rows{}, {threads} threads", if zeros { ", sparse" } else { "" });
            group.throughput(Throughput::Elements(rows as u64));
            let mut workspace = Workspace::default();
            let mut seconds = f64::MAX;
            group.bench_function(BenchmarkId::new("predictor", &kind), |b| {
                cx.install(|| {
                    b.iter_custom(|calls| {
                        let start = Instant::now();
                        for _ in 0..calls {
                            predictor.predict(&cx, &mut workspace, &x, &mut y).expect("rows");
                            black_box(&mut y);
                        }
                        let elapsed = start.elapsed();
                        seconds = seconds.min(elapsed.as_secs_f64() / calls as f64);
                        elapsed
                    });
                });
            });
            let of_fma = 2.0 * (rows * multiply_adds) as f64 / seconds / 1e9 / fma;
            let of_read = predictor.weight_bytes() as f64 / seconds / 1e9 / read;
            println!("{kind}: {:.0} % of the FMA peak, at best", 100.0 * of_fma);
            if rows == 1 {
                println!("{kind}: all weights would be {:.0} % of the bandwidth", 100.0 * of_read);
            }
            let mut memory = PassMemory::new(&network, rows).unwrap();
            group.bench_function(BenchmarkId::new("network", &kind), |b| {
                cx.install(|| {
                    b.iter(|| {
                        let y = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate());
                        black_box(y.expect("rows"));
                    });
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, prediction);
criterion_main!(benches);
