//! Batch norm and ReLU, forward and backward: the fused layer against the two layers one after the
//! other, and against a plain pass for each line of the textbook.
//!
//! Throughput is in elements of the batch.

mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use narrows_engine::gemm::Rectifier;
use narrows_engine::layer::{Backward, Forward, Op};
use narrows_engine::layers::{BatchNorm, Relu};
use narrows_engine::{Context, Layer, Pass};
use std::hint::black_box;
use std::time::Duration;

/// (batch, features): the widest hidden layer of the autoencoder, and one larger than the caches.
const SHAPES: [(usize, usize); 2] = [(256, 512), (8192, 512)];

/// Ops one after the other, the first of them with gamma, beta and running statistics.
struct Stack {
    ops: Vec<Box<dyn Op>>,
    batch: usize,
    params: Vec<f32>,
    grads: Vec<f32>,
    saved: Vec<f32>,
    scratch: Vec<f32>,
    /// Outputs, and gradients of inputs, by op.
    y: Vec<Vec<f32>>,
    dx: Vec<Vec<f32>>,
}

impl Stack {
    fn new(ops: Vec<Box<dyn Op>>, batch: usize, features: usize) -> Stack {
        let all = vec![vec![0.0; batch * features]; ops.len()];
        let largest =
            |f: &dyn Fn(&dyn Op) -> usize| ops.iter().map(|op| f(&**op)).max().unwrap_or(0);
        Stack {
            batch,
            params: [1.0, 0.0, 0.0, 1.0].iter().flat_map(|&value| vec![value; features]).collect(),
            grads: vec![0.0; 4 * features],
            saved: vec![0.0; largest(&|op| op.saved_len(batch))],
            scratch: vec![0.0; largest(&|op| op.scratch_len(batch))],
            y: all.clone(),
            dx: all,
            ops,
        }
    }

    /// Forward and backward.
    fn pass(&mut self, cx: &Context, x: &[f32], dy: &[f32]) {
        let (pass, batch) = (Pass::train(1, 0), self.batch);
        for (i, op) in self.ops.iter().enumerate() {
            let (before, y) = self.y.split_at_mut(i);
            op.forward(
                cx,
                Forward {
                    pass,
                    position: 0,
                    batch,
                    x: before.last().map_or(x, |y| y),
                    y: &mut y[0],
                    params: &self.params,
                    saved: &mut self.saved,
                    scratch: &mut self.scratch,
                },
            );
        }
        for (i, op) in self.ops.iter().enumerate().rev() {
            let (dx, above) = self.dx.split_at_mut(i + 1);
            op.backward(
                cx,
                Backward {
                    pass,
                    position: 0,
                    batch,
                    x: if i == 0 { x } else { &self.y[i - 1] },
                    y: &self.y[i],
                    dy: above.first().map_or(dy, |dx| dx),
                    dx: Some(&mut dx[i]),
                    params: &self.params,
                    grads: Some(&mut self.grads),
                    accumulate: true,
                    saved: &self.saved,
                    scratch: &mut self.scratch,
                },
            );
        }
        black_box(&self.dx);
    }
}

fn batch_norm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch norm + relu, forward and backward");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for (batch, features) in SHAPES {
        let shape = format!("{batch}x{features}");
        group.throughput(Throughput::Elements((batch * features) as u64));
        let x: Vec<f32> =
            (0..batch * features).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.4).collect();
        let dy: Vec<f32> =
            (0..batch * features).map(|i| (i * 104_729 % 997) as f32 / 997.0 - 0.5).collect();

        let plan = |layer: &dyn Layer| layer.plan(&features.into()).expect("an op").op;
        let mut fused = plan(&BatchNorm::default());
        assert!(fused.take(Rectifier::Relu), "a fused form");
        let stacks: [(&str, Vec<Box<dyn Op>>); 2] = [
            ("fused", vec![fused]),
            ("layer by layer", vec![plan(&BatchNorm::default()), plan(&Relu)]),
        ];
        for (name, ops) in stacks {
            let mut stack = Stack::new(ops, batch, features);
            for threads in [1, 2] {
                let cx = Context::new(threads).expect("threads");
                let id = BenchmarkId::new(format!("{name}, {threads} thread"), &shape);
                group.bench_function(id, |b| b.iter(|| cx.install(|| stack.pass(&cx, &x, &dy))));
            }
        }

        let mut layer = naive::BatchNormRelu::new(batch, features);
        group.bench_function(BenchmarkId::new("naive passes", &shape), |b| {
            b.iter(|| {
                layer.forward(&x);
                layer.backward(&x, &dy);
                black_box(&layer.dx);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batch_norm);
criterion_main!(benches);
