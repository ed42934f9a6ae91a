//! Matrix products of training's shapes: ours on one and on two threads, the `matrixmultiply` crate
//! and, where it does not take all day, the triple loop.
//!
//! Throughput is in floating-point operations, so that criterion's Gelem/s are GFLOP/s. What they
//! are measured against, the peak of fused multiply-adds, is printed first.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use narrows_engine::gemm::{MatMut, MatRef, gemm, kernel_name};
use narrows_engine::parallel::Context;
use narrows_engine::peak::fma_peak;
use std::time::Duration;

/// How A and B are stored: `N` by rows, `T` by columns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    /// The gradient of a layer's input.
    Nn,
    /// A layer forward, its weights stored as `(out, in)`.
    Nt,
    /// The gradient of the weights.
    Tn,
}

/// `(m, n, k, layout)`
const SHAPES: &[(usize, usize, usize, Layout)] = &[
    (256, 256, 256, Layout::Nn),
    (512, 512, 512, Layout::Nn),
    (1024, 1024, 1024, Layout::Nn),
    (256, 512, 784, Layout::Nt),
    (512, 784, 256, Layout::Tn),
    (32, 512, 784, Layout::Nt),
];

/// Above as many multiply-adds the triple loop is left out.
const NAIVE: usize = 1 << 25;

/// Row and column strides of A and of B.
fn strides(m: usize, n: usize, k: usize, layout: Layout) -> [(usize, usize); 2] {
    let a = if layout == Layout::Tn { (1, m) } else { (k, 1) };
    let b = if layout == Layout::Nt { (1, k) } else { (n, 1) };
    [a, b]
}

fn naive(m: usize, n: usize, k: usize, layout: Layout, a: &[f32], b: &[f32], c: &mut [f32]) {
    let [(a_row, a_col), (b_row, b_col)] = strides(m, n, k, layout);
    for i in 0..m {
        for j in 0..n {
            c[i * n + j] =
                (0..k).map(|p| a[i * a_row + p * a_col] * b[p * b_row + j * b_col]).sum();
        }
    }
}

fn matrix_multiply(
    m: usize,
    n: usize,
    k: usize,
    layout: Layout,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
) {
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    let signed = |(row, col): (usize, usize)| (row as isize, col as isize);
    let [(a_row, a_col), (b_row, b_col)] = strides(m, n, k, layout).map(signed);
    // SAFETY: the slices hold the matrices, as asserted.
    #[allow(unsafe_code)]
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.as_ptr(),
            a_row,
            a_col,
            b.as_ptr(),
            b_row,
            b_col,
            0.0,
            c.as_mut_ptr(),
            n as isize,
            1,
        );
    }
}

fn products(criterion: &mut Criterion) {
    let threads = |threads| Context::new(threads).expect("threads");
    let (one, two) = (threads(1), threads(2));
    println!("kernel: {}", kernel_name(one.isa()));
    println!("FMA peak: {:.1} GFLOP/s on 1 thread, {:.1} on 2", fma_peak(&one), fma_peak(&two));
    for &(m, n, k, layout) in SHAPES {
        let a: Vec<f32> = (0..m * k).map(|at| (at % 17) as f32 / 16.0 - 0.5).collect();
        let b: Vec<f32> = (0..k * n).map(|at| (at % 13) as f32 / 12.0 - 0.5).collect();
        let mut c = vec![0.0; m * n];
        let name = format!("gemm/{m}x{n}x{k} {layout:?}").to_lowercase();
        let mut group = criterion.benchmark_group(&name);
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2))
            .sample_size(20);
        for cx in [&one, &two] {
            group.bench_function(BenchmarkId::new("narrows", cx.threads()), |bencher| {
                // As in a training loop, which runs on the context's threads.
                cx.install(|| {
                    let (a, b) = match layout {
                        Layout::Nn => (MatRef::new(&a, m, k), MatRef::new(&b, k, n)),
                        Layout::Nt => (MatRef::new(&a, m, k), MatRef::new(&b, n, k).transposed()),
                        Layout::Tn => (MatRef::new(&a, k, m).transposed(), MatRef::new(&b, k, n)),
                    };
                    bencher.iter(|| gemm(cx, 1.0, a, b, 0.0, MatMut::new(&mut c, m, n)));
                });
            });
        }
        group.bench_function("matrixmultiply", |bencher| {
            bencher.iter(|| matrix_multiply(m, n, k, layout, &a, &b, &mut c));
        });
        if m * n * k <= NAIVE {
            group.bench_function("triple loop", |bencher| {
                bencher.iter(|| naive(m, n, k, layout, &a, &b, &mut c));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
