//! A whole epoch against PyTorch: parameters, gradients, losses, and the outputs after it.

use crate::support::{self, Vectors, assert_close};
use narrows_engine::layers::{BatchNorm, Conv2d, ConvTranspose2d, Linear, Relu};
use narrows_engine::{
    Context, Gradients, Loss, Network, NetworkBuilder, Optimizer, Params, Pass, PassMemory, Target,
    Trainer, TrainerSettings,
};

/// What the vectors' README promises.
const TOLERANCE: f32 = 1e-5;

/// PyTorch's Linear, BatchNorm1d, ReLU, Linear.
fn block(builder: NetworkBuilder, hidden: usize, outputs: usize) -> NetworkBuilder {
    builder
        .layer(Linear::new(hidden))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Linear::new(outputs))
}

/// A head that is a lone Linear has no index in PyTorch.
fn their_name(ours: &str) -> String {
    ours.replace("head.0.", "head.")
}

/// PyTorch's initial parameters, of the names and shapes that are ours.
fn initial(network: &Network, vectors: &Vectors) -> Params {
    let mut params = Params::new(network, 1);
    let entries = params.entries().to_vec();
    for entry in &entries {
        let (shape, values) = vectors.parameter(&format!("initial.{}", their_name(&entry.name)));
        assert_eq!(shape, entry.spec.shape, "{}", entry.name);
        params.get_mut(&entry.name).unwrap().copy_from_slice(&values);
    }
    let theirs = vectors.names().iter().filter(|name| name.starts_with("initial.")).count();
    assert_eq!(entries.len(), theirs, "parameters");
    params
}

/// Trains in order on batches of `batch` and compares all that the vectors hold.
fn follow(
    network: &Network,
    vectors: &Vectors,
    loss: Loss,
    optimizer: Optimizer,
    batch: usize,
    target: impl Fn(std::ops::Range<usize>) -> Target<'static>,
) {
    let ((_, x), losses) = (vectors.samples("x"), vectors.get("losses"));
    let features = network.input().len();
    for isa in support::isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        let on = |what: &str| format!("{what} on {}", isa.name());
        let params = initial(network, vectors);

        let mut memory = PassMemory::new(network, batch).unwrap();
        let mut grads = vec![0.0; params.values().len()];
        let first = &x[..batch * features];
        network.forward(&cx, &params, &mut memory, first, Pass::train(1, 0)).unwrap();
        let (y, dy) = memory.output_and_gradient();
        loss.evaluate(&cx, batch, y, target(0..batch), Some(dy)).unwrap();
        network
            .backward(&cx, &params, &mut memory, first, Gradients::added_to(&mut grads))
            .unwrap();
        for entry in params.entries().iter().filter(|e| e.trainable) {
            let (_, want) = vectors.parameter(&format!("grad.{}", their_name(&entry.name)));
            assert_close(
                &on(&format!("gradient of {}", entry.name)),
                &grads[entry.range.clone()],
                &want,
                TOLERANCE,
            );
        }

        let mut trainer = Trainer::new(
            network,
            params,
            TrainerSettings {
                optimizer,
                seed: 1,
                ..TrainerSettings::new(loss.clone(), x.len() / features)
            },
        )
        .unwrap();
        for (step, want) in losses.iter().enumerate() {
            let range = step * batch..(step + 1) * batch;
            let x = &x[range.start * features..range.end * features];
            let got = trainer.step(&cx, x, target(range), 1e-2).unwrap();
            assert_close(&on(&format!("loss of step {step}")), &[got as f32], &[*want], TOLERANCE);
        }
        for entry in trainer.params.entries() {
            let (_, want) = vectors.parameter(&format!("final.{}", their_name(&entry.name)));
            assert_close(
                &on(&entry.name),
                trainer.params.get(&entry.name).unwrap(),
                &want,
                TOLERANCE,
            );
        }
        let y = trainer.predict(&cx, &x).unwrap();
        assert_close(&on("output"), y, &vectors.samples("y_eval").1, TOLERANCE);
    }
}

#[test]
fn an_autoencoder_trains_as_in_pytorch() {
    let vectors = Vectors::open("network");
    let encoder = block(Network::builder(12).section("encoder"), 8, 4);
    let network = block(encoder.section("decoder"), 8, 12).build().unwrap();
    let eps = f64::from(vectors.number("adam_eps"));
    let optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps, weight_decay: 0.0 };
    let x: &'static [f32] = vectors.get("x").leak();
    follow(&network, &vectors, Loss::L2, optimizer, 16, |r| {
        Target::Values(&x[r.start * 12..r.end * 12])
    });
}

#[test]
fn a_convolutional_autoencoder_trains_as_in_pytorch() {
    let vectors = Vectors::open("conv_autoencoder");
    let down = |outputs| Conv2d::new(outputs, 3).with_stride(2).with_padding(1);
    let up = |outputs, output_padding: [usize; 2]| {
        let layer = ConvTranspose2d::new(outputs, 3).with_stride(2).with_padding(1);
        layer.with_output_padding(output_padding)
    };
    let encoder = Network::builder([7, 6, 2]).section("encoder").layer(down(5).without_bias());
    let encoder = encoder.layer(BatchNorm::default()).layer(Relu).layer(down(7));
    let decoder = encoder.section("decoder").layer(up(5, [1, 0]).without_bias());
    let network =
        decoder.layer(BatchNorm::default()).layer(Relu).layer(up(2, [0, 1])).build().unwrap();
    let eps = f64::from(vectors.number("adam_eps"));
    let optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps, weight_decay: 0.0 };
    let x: &'static [f32] = vectors.samples("x").1.leak();
    follow(&network, &vectors, Loss::L2, optimizer, 8, |r| {
        Target::Values(&x[r.start * 84..r.end * 84])
    });
}

#[test]
fn a_classifier_trains_as_in_pytorch() {
    let vectors = Vectors::open("classifier");
    let encoder = block(Network::builder(12).section("encoder"), 8, 4);
    let network = encoder.section("head").layer(Linear::new(3)).build().unwrap();
    let loss =
        Loss::CrossEntropy { smoothing: 0.1, class_weights: Some(vectors.get("class_weights")) };
    let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-3, weight_decay: 1e-2 };
    let classes: Vec<u32> = vectors.get("classes").iter().map(|c| *c as u32).collect();
    let classes: &'static [u32] = classes.leak();
    follow(&network, &vectors, loss, optimizer, 10, |r| Target::Classes(&classes[r]));
}
