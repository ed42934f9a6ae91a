//! A training step allocates nothing: counted, in a process of its own.

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, Dropout, Elu, GaussianSample, Gelu,
    GlobalAvgPool, LeakyRelu, Linear, MaxPool2d, Narrow, Relu, Residual, Sigmoid, Sparsity, Tanh,
    Unflatten, Upsample,
};
use narrows_engine::{Context, Loss, Network, Optimizer, Params, Target, Trainer, TrainerSettings};
use std::sync::Barrier;

const BATCH: usize = 150;

/// Every kind of layer, and enough work for several tasks.
fn network(classes: usize) -> Network {
    let network = Network::builder(130)
        .section("encoder")
        .layer(Linear::new(300))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Dropout { p: 0.3 })
        .layer(Linear::new(200).without_bias())
        .layer(BatchNorm::default())
        .layer(LeakyRelu::default())
        .layer(Linear::new(100))
        .layer(Relu)
        .section("head")
        .layer(Linear::new(100));
    let network = network.layer(Narrow { len: 90 }).layer(Sparsity { weight: 0.1 });
    let network = network.layer(GaussianSample { kl_weight: 0.1, warm_up: 5 });
    let network = network.layer(Elu::default()).layer(Gelu).layer(Tanh).layer(Sigmoid);
    network.layer(Linear::new(classes)).build().unwrap()
}

/// Every way that a convolution is computed: few channels, many, a single pixel, depthwise, groups,
/// and back.
fn convolutional(classes: usize) -> Network {
    let conv = |channels, kernel: usize| Conv2d::new(channels, kernel).with_padding(kernel / 2);
    let network = Network::builder([13, 10, 1])
        .section("encoder")
        .layer(conv(16, 3).with_stride(2).without_bias())
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(conv(16, 3).with_groups(16))
        .layer(conv(72, 1))
        .layer(Relu)
        .layer(conv(32, 3).with_groups(2).with_stride(2))
        .layer(
            ConvTranspose2d::new(16, 3).with_stride(2).with_padding(1).with_output_padding([0, 0]),
        )
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(ConvTranspose2d::new(2, 3).with_stride(2).with_padding(1))
        .section("head");
    network.layer(Linear::new(classes)).build().unwrap()
}

/// Enough channels for fewer multiplications, both ways.
fn many_channels(classes: usize) -> Network {
    let network = Network::builder([16, 16, 32])
        .section("encoder")
        .layer(Conv2d::new(64, 3).with_stride(2).with_padding(1))
        .layer(Relu)
        .layer(ConvTranspose2d::new(32, 3).with_stride(2).with_padding(1).with_output_padding(1))
        .section("head");
    network.layer(Linear::new(classes)).build().unwrap()
}

/// The other layers of images, in blocks and beside them.
fn images(classes: usize) -> Network {
    let inner = Residual::new(vec![Box::new(Conv2d::new(24, 1)), Box::new(Relu)]);
    let block = Residual::new(vec![
        Box::new(Conv2d::new(24, 3).with_padding(1).without_bias()),
        Box::new(BatchNorm::default()),
        Box::new(Dropout { p: 0.3 }),
        Box::new(inner),
    ]);
    let block =
        block.with_shortcut(vec![Box::new(Conv2d::new(24, 1)), Box::new(BatchNorm::default())]);
    let network = Network::builder(130)
        .layer(Unflatten::new([13, 10, 1]))
        .layer(Conv2d::new(16, 3).with_padding(1))
        .layer(MaxPool2d::new(3).with_stride(2).with_padding(1))
        .layer(block)
        .layer(Relu)
        .layer(Upsample::new(2))
        .layer(AvgPool2d::new(2))
        .layer(GlobalAvgPool);
    network.layer(Linear::new(classes)).build().unwrap()
}

/// What the portable product, which is another crate's, allocates in a step: once for each block of
/// 128 rows of a result. That is y and, but for the first layer, dx for `BATCH` rows, and each
/// weight's gradient.
fn of_portable_products(classes: usize) -> usize {
    let outputs = [300, 200, 100, 100, classes];
    let gradients: usize = outputs.iter().map(|n: &usize| n.div_ceil(128)).sum();
    (outputs.len() + outputs.len() - 1) * BATCH.div_ceil(128) + gradients
}

fn outputs(target: Target<'_>) -> usize {
    match target {
        Target::Values(values) | Target::Probabilities(values) => values.len() / BATCH,
        _ => 10,
    }
}

/// The allocations of 10 steps, after two.
fn of_10_steps(
    cx: &Context,
    network: &Network,
    loss: Loss,
    target: Target<'_>,
    optimizer: Optimizer,
) -> usize {
    let params = Params::new(network, 1);
    let before = allocations();
    let mut trainer = Trainer::new(
        network,
        params,
        TrainerSettings {
            optimizer,
            seed: 1,
            clip_norm: Some(0.1),
            ..TrainerSettings::new(loss, BATCH)
        },
    )
    .unwrap();
    assert!(allocations() > before, "nothing is counted");
    let x: Vec<f32> = (0..BATCH * network.input().len()).map(|i| (i % 17) as f32 - 8.0).collect();
    // Its zeros are skipped.
    let sparse: Vec<f32> = x.iter().map(|x| if *x > 4.0 { *x } else { 0.0 }).collect();
    cx.install(|| {
        trainer.step(cx, &x, target, 1e-3).unwrap();
        // Each thread keeps memory for packing. Which ones have had work is chance: so give work to
        // all.
        let all_at_once = Barrier::new(cx.threads());
        cx.for_each(cx.threads(), |_| {
            all_at_once.wait();
            let one = cx.single();
            trainer.clone().step(&one, &x, target, 1e-3).unwrap();
        });
        trainer.step(cx, &x, target, 1e-3).unwrap();
        // Threads of a pool that was dropped may still be ending, and allocate then: the steps of
        // two rounds would.
        let mut of_a_round = || {
            let before = allocations();
            for x in [&x, &sparse].into_iter().cycle().take(10) {
                trainer.step(cx, x, target, 1e-3).unwrap();
            }
            allocations() - before
        };
        of_a_round().min(of_a_round())
    })
}

/// One test, so that no other allocates meanwhile.
#[test]
fn a_step_allocates_nothing_after_the_first() {
    let pixels = vec![0.5; BATCH * 130];
    let classes: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
    let (pixels, classes) = (Target::Values(&pixels), Target::Classes(&classes));
    let weighted = Loss::CrossEntropy { smoothing: 0.1, class_weights: Some(vec![1.5; 10]) };
    let runs = [
        (Loss::L2, pixels, Optimizer::sgd()),
        (Loss::L1, pixels, Optimizer::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 }),
        (Loss::Huber { delta: 0.5 }, pixels, Optimizer::adam()),
        (Loss::BceWithLogits, pixels, Optimizer::adam()),
        (weighted, classes, Optimizer::adamw()),
    ];
    for isa in support::isas() {
        for threads in [1, 2] {
            let cx = Context::with_isa(isa, threads).unwrap();
            for (loss, target, optimizer) in runs.clone() {
                let name = format!("{} on {} with {threads} threads", loss.name(), isa.name());
                let network = network(outputs(target));
                let count = of_10_steps(&cx, &network, loss, target, optimizer);
                let portable = 10 * of_portable_products(outputs(target));
                let allowed = if isa.name() == "plain" { portable } else { 0 };
                assert_eq!(count, allowed, "{name}: allocations in 10 steps");
            }
            // How often another crate's product is called here depends on how the convolutions are
            // cut.
            if isa.name() == "plain" {
                continue;
            }
            for (loss, target, optimizer) in [runs[2].clone(), runs[4].clone()] {
                let name = format!("{} on {} with {threads} threads", loss.name(), isa.name());
                let classes = outputs(target);
                for (what, network) in [
                    ("convolutions", convolutional(classes)),
                    ("many channels", many_channels(classes)),
                    ("blocks and pools", images(classes)),
                ] {
                    let count = of_10_steps(&cx, &network, loss.clone(), target, optimizer);
                    assert_eq!(count, 0, "{name}: allocations in 10 steps of {what}");
                }
            }
        }
    }
}
