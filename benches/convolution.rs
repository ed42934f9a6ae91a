//! Convolutional autoencoders: a whole training step of W2 and of W3, and each of their
//! convolutions alone.
//!
//! W2: images of 28x28, convolutions 3x3 of stride 2 to 16 and 32 channels with batch norm and ReLU
//! behind them, a linear layer to a code of 64, and the mirror image with transposed convolutions.
//! W3: images of 32x32 in three colours, to 32, 64 and 128 channels, a code of 128. Batch 128, mean
//! squared error, Adam.
//!
//! Throughput is in steps; of a convolution alone, in floating-point operations, so that
//! criterion's Gelem/s are GFLOP/s. The peak of fused multiply-adds is printed first.

mod naive;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use narrows_datasets::{Dataset, shuffled};
use narrows_engine::layer::{Backward, Forward, Layer, Op, Planned};
use narrows_engine::layers::{BatchNorm, Conv2d, ConvTranspose2d, Linear, Relu, Unflatten};
use narrows_engine::peak::fma_peak;
use narrows_engine::{
    Context, Loss, Network, Params, Pass, Shape, Target, Trainer, TrainerSettings,
};
use std::hint::black_box;
use std::time::Duration;

const BATCH: usize = 128;
const SAMPLES: usize = 4096;

struct Workload {
    name: &'static str,
    /// Those of the image, and those behind each convolution.
    channels: &'static [usize],
    /// Height and width behind the last convolution.
    side: usize,
    code: usize,
    /// What four fifths of the values are.
    background: u8,
}

const WORKLOADS: [Workload; 2] = [
    Workload { name: "W2", channels: &[1, 16, 32], side: 7, code: 64, background: 0 },
    Workload { name: "W3", channels: &[3, 32, 64, 128], side: 4, code: 128, background: 10 },
];

fn down(channels: usize) -> Conv2d {
    Conv2d::new(channels, 3).with_stride(2).with_padding(1).without_bias()
}

fn up(channels: usize) -> ConvTranspose2d {
    ConvTranspose2d::new(channels, 3).with_stride(2).with_padding(1).with_output_padding(1)
}

impl Workload {
    fn image(&self) -> [usize; 3] {
        let side = self.side << (self.channels.len() - 1);
        [side, side, self.channels[0]]
    }

    fn network(&self) -> Network {
        let (&deepest, side) = (self.channels.last().expect("channels"), self.side);
        let mut builder = Network::builder(self.image()).section("encoder");
        for &channels in &self.channels[1..] {
            builder = builder.layer(down(channels)).layer(BatchNorm::default()).layer(Relu);
        }
        builder = builder.layer(Linear::new(self.code)).section("decoder");
        builder = builder.layer(Linear::new(side * side * deepest)).layer(Relu);
        builder = builder.layer(Unflatten::new([side, side, deepest]));
        for &channels in self.channels[1..].iter().rev().skip(1) {
            builder =
                builder.layer(up(channels).without_bias()).layer(BatchNorm::default()).layer(Relu);
        }
        builder.layer(up(self.channels[0])).build().expect("a network")
    }

    fn images(&self) -> Dataset {
        let image = self.image();
        let len = SAMPLES * image.iter().product::<usize>();
        let values = (0..len).map(|i| (i as u32).wrapping_mul(2_654_435_761));
        let values = values.map(|r| if r % 5 == 0 { (r >> 24) as u8 } else { self.background });
        Dataset::from_values("random", values.collect(), &image, 255, None).expect("a data set")
    }
}

fn training_step(criterion: &mut Criterion) {
    let contexts = [1, 2].map(|threads| Context::new(threads).expect("threads"));
    for cx in &contexts {
        println!(
            "FMA peak, {} threads, {}: {:.1} GFLOP/s",
            cx.threads(),
            cx.isa().name(),
            fma_peak(cx)
        );
    }
    let mut group = criterion.benchmark_group("convolutional training step");
    group.throughput(Throughput::Elements(1)).sampling_mode(SamplingMode::Flat);
    for workload in &WORKLOADS {
        let name = workload.name;
        group
            .sample_size(20)
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(4));
        let (network, data) = (workload.network(), workload.images());
        let order = shuffled(SAMPLES, 1, 1);
        let mut x = vec![0.0; BATCH * data.sample_len()];
        for cx in &contexts {
            let params = Params::new(&network, 1);
            let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, BATCH))
                .expect("a trainer");
            let mut batches = order.chunks_exact(BATCH).cycle();
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

        let mut naive = naive::Autoencoder::convolutional(
            BATCH,
            workload.channels,
            workload.side,
            workload.code,
        );
        group.sample_size(10).warm_up_time(Duration::from_millis(100));
        group.bench_function(BenchmarkId::new(name, "naive"), |b| {
            b.iter(|| {
                data.gather(&order[..BATCH], &mut x).unwrap();
                naive.step(&x)
            });
        });
    }
    group.finish();
}

/// One layer with all that it works on.
struct Single {
    op: Box<dyn Op>,
    params: Vec<f32>,
    grads: Vec<f32>,
    scratch: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
    /// Nobody asks for that of a network's first layer.
    dx: Option<Vec<f32>>,
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.4).collect()
}

impl Single {
    fn new(layer: Box<dyn Layer>, input: Shape, first: bool) -> Single {
        let Planned { op, output } = layer.plan(&input).expect("an image");
        assert_eq!(op.saved_len(BATCH), 0, "a convolution keeps nothing");
        let params: usize =
            op.params().iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
        let outputs = BATCH * output.len();
        Single {
            params: values(params),
            grads: vec![0.0; params],
            scratch: vec![0.0; op.scratch_len(BATCH)],
            x: values(BATCH * input.len()),
            y: vec![0.0; outputs],
            dy: values(outputs),
            dx: (!first).then(|| vec![0.0; BATCH * input.len()]),
            op,
        }
    }

    fn forward(&mut self, cx: &Context) {
        let Single { op, params, scratch, x, y, .. } = self;
        let (pass, saved) = (Pass::train(1, 0), &mut []);
        op.forward(cx, Forward { pass, position: 0, batch: BATCH, x, y, params, saved, scratch });
        black_box(y);
    }

    fn backward(&mut self, cx: &Context) {
        let Single { op, params, grads, scratch, x, y, dy, dx } = self;
        op.backward(
            cx,
            Backward {
                pass: Pass::train(1, 0),
                position: 0,
                batch: BATCH,
                x,
                y,
                dy,
                dx: dx.as_deref_mut(),
                params,
                grads: Some(grads),
                accumulate: false,
                saved: &[],
                scratch,
            },
        );
        black_box((grads, dx));
    }
}

/// Forward and backward of one convolution, or of the transposed one in the other direction.
fn one(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    naive: naive::Convolution,
    transposed: bool,
) {
    let (image_channels, map_channels, side) =
        (naive.image_channels, naive.map_channels, naive.side);
    let (image, map) = ([2 * side, 2 * side, image_channels], [side, side, map_channels]);
    // Only the image that an encoder starts with has so few channels.
    let first = image_channels <= 3 && !transposed;
    let (layer, input): (Box<dyn Layer>, _) = match transposed {
        true => (Box::new(up(image_channels).without_bias()), map),
        false => (Box::new(down(map_channels)), image),
    };
    let mut single = Single::new(layer, input.into(), first);
    let flops = (2 * naive.map_len() * 9 * image_channels) as u64;
    let shape = match transposed {
        true => format!("{name} up {side}x{side}x{map_channels} to {image_channels}"),
        false => format!("{name} down {0}x{0}x{image_channels} to {map_channels}", 2 * side),
    };
    for threads in [1, 2] {
        let cx = Context::new(threads).expect("threads");
        let id = |way: &str| BenchmarkId::new(format!("{way}, {threads} threads"), &shape);
        group.throughput(Throughput::Elements(flops));
        group.bench_function(id("forward"), |b| b.iter(|| cx.install(|| single.forward(&cx))));
        group.throughput(Throughput::Elements(if first { flops } else { 2 * flops }));
        group.bench_function(id("backward"), |b| b.iter(|| cx.install(|| single.backward(&cx))));
    }

    let Single { params: weight, mut grads, x, mut y, dy, mut dx, .. } = single;
    group.throughput(Throughput::Elements(flops));
    group.bench_function(BenchmarkId::new("forward, naive", &shape), |b| {
        b.iter(|| match transposed {
            true => naive.image_gradient(&x, &weight, &mut y),
            false => naive.forward(&x, &weight, &mut y),
        });
    });
    group.throughput(Throughput::Elements(if first { flops } else { 2 * flops }));
    group.bench_function(BenchmarkId::new("backward, naive", &shape), |b| {
        b.iter(|| {
            let (image, map) = if transposed { (&dy, &x) } else { (&x, &dy) };
            naive.weight_gradient(image, map, &mut grads);
            match &mut dx {
                None => {}
                Some(dx) if transposed => naive.forward(&dy, &weight, dx),
                Some(dx) => naive.image_gradient(&dy, &weight, dx),
            }
        });
    });
}

fn layers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convolution");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group.sampling_mode(SamplingMode::Flat);
    for Workload { name, channels, side, .. } in WORKLOADS {
        let depth = channels.len() - 1;
        let convolution = |i: usize| naive::Convolution {
            batch: BATCH,
            side: side << (depth - 1 - i),
            image_channels: channels[i],
            map_channels: channels[i + 1],
        };
        (0..depth).for_each(|i| one(&mut group, name, convolution(i), false));
        (0..depth).rev().for_each(|i| one(&mut group, name, convolution(i), true));
    }
    group.finish();
}

criterion_group!(benches, training_step, layers);
criterion_main!(benches);
