//! Batch norm and ReLU, forward and backward: the fused layer against the two layers one after the
//! other, and against a plain pass for each line of the textbook.
//!
//! Throughput is in elements of the batch.

mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use narrows_engine::layer::{Backward, Forward};
use narrows_engine::layers::{BatchNorm, Relu};
use narrows_engine::{Context, Layer, Pass, Shape};
use std::hint::black_box;
use std::time::Duration;

/// (batch, features): the widest hidden layer of the autoencoder, and one larger than the caches.
const SHAPES: [(usize, usize); 2] = [(256, 512), (8192, 512)];

/// Layers one after the other, the first of them with gamma, beta and running statistics.
struct Stack {
    layers: Vec<Box<dyn Layer>>,
    batch: usize,
    shape: Shape,
    params: Vec<f32>,
    grads: Vec<f32>,
    saved: Vec<f32>,
    scratch: Vec<f32>,
    /// Outputs, and gradients of inputs, by layer.
    y: Vec<Vec<f32>>,
    dx: Vec<Vec<f32>>,
}

impl Stack {
    fn new(layers: Vec<Box<dyn Layer>>, batch: usize, features: usize) -> Stack {
        let shape = Shape::from(features);
        let all = vec![vec![0.0; batch * features]; layers.len()];
        let largest =
            |f: &dyn Fn(&dyn Layer) -> usize| layers.iter().map(|l| f(&**l)).max().unwrap_or(0);
        Stack {
            batch,
            params: [1.0, 0.0, 0.0, 1.0].iter().flat_map(|&value| vec![value; features]).collect(),
            grads: vec![0.0; 4 * features],
            saved: vec![0.0; largest(&|l| l.saved_len(batch, &shape))],
            scratch: vec![0.0; largest(&|l| l.scratch_len(batch, &shape))],
            y: all.clone(),
            dx: all,
            layers,
            shape,
        }
    }

    /// Forward and backward.
    fn pass(&mut self, cx: &Context, x: &[f32], dy: &[f32]) {
        let (pass, input, batch) = (Pass::train(1, 0), &self.shape, self.batch);
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, y) = self.y.split_at_mut(i);
            layer.forward(
                cx,
                Forward {
                    pass,
                    position: 0,
                    batch,
                    input,
                    x: before.last().map_or(x, |y| y),
                    y: &mut y[0],
                    params: &self.params,
                    saved: &mut self.saved,
                    scratch: &mut self.scratch,
                },
            );
        }
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (dx, above) = self.dx.split_at_mut(i + 1);
            layer.backward(
                cx,
                Backward {
                    pass,
                    position: 0,
                    batch,
                    input,
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

        let fused = BatchNorm::default().fuse(&Relu).expect("a fused form");
        let stacks: [(&str, Vec<Box<dyn Layer>>); 2] = [
            ("fused", vec![fused]),
            ("layer by layer", vec![Box::new(BatchNorm::default()), Box::new(Relu)]),
        ];
        for (name, layers) in stacks {
            let mut stack = Stack::new(layers, batch, features);
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
