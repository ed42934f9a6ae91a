//! Networks: what planning promises, and what holds for passes and steps through a whole chain of
//! layers.

mod blocks;
mod convolution;
mod estimating;
mod failing;
mod freezing;
mod fusion;
mod images;
mod misuse;
mod passes;
mod penalties;
mod planning;
mod pytorch;
mod refusals;
mod saving;
mod subnormals;
mod summary;
mod trainer;
mod training;

use crate::support::{self, bits, normal, params};
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu, Sigmoid};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Gradients, Network, NetworkBuilder, Params, Pass, PassMemory};

/// 12 values in, 4 out.
fn encoder() -> NetworkBuilder {
    Network::builder(12)
        .section("encoder")
        .layer(Linear::new(8))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Dropout { p: 0.2 })
        .layer(Linear::new(4))
}

fn autoencoder() -> NetworkBuilder {
    let decoder =
        encoder().section("decoder").layer(Linear::new(8)).layer(Relu).layer(Linear::new(12));
    decoder.layer(Sigmoid)
}

/// A head of two layers, without statistics of its own.
fn classifier() -> NetworkBuilder {
    encoder().section("head").layer(Linear::new(5)).layer(Relu).layer(Linear::new(3))
}

/// The output for `x`, and the gradients for `dy`: one pass with memory of its own.
fn pass(network: &Network, params: &Params, x: &[f32], dy: &[f32], pass: Pass) -> (Vec<f32>, Slab) {
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(network, x.len() / network.input().len()).unwrap();
    let mut grads = Slab::new(params.values().len());
    let y = network.forward(&cx, params, &mut memory, x, pass).unwrap().to_vec();
    memory.output_and_gradient().1.copy_from_slice(dy);
    network.backward(&cx, params, &mut memory, x, Gradients::added_to(&mut grads)).unwrap();
    (y, grads)
}

/// A network whose operations are fused gives the bits of one whose are not: the same output,
/// gradients and statistics, on each ISA, in training and in evaluation. The passes have memory for
/// `most` samples.
fn assert_fusing_keeps_bits(
    builder: fn() -> NetworkBuilder,
    batch: usize,
    most: usize,
    threads: &[usize],
) {
    let (fused, unfused) = (builder().build().unwrap(), builder().unfused().build().unwrap());
    // The layouts of the parameters are the same: these serve both.
    let params = params(&fused);
    let (x, dy) = (normal(1, batch * fused.input().len()), normal(2, batch * fused.output().len()));
    let outcome = |network: &Network, cx: &Context, pass: Pass| {
        let mut params = params.clone();
        let mut memory = PassMemory::new(network, most).unwrap();
        let mut grads = vec![0.0; params.values().len()];
        let y = network.forward(cx, &params, &mut memory, &x, pass).unwrap().to_vec();
        memory.output_and_gradient().1.copy_from_slice(&dy);
        network.backward(cx, &params, &mut memory, &x, Gradients::added_to(&mut grads)).unwrap();
        network.update_statistics(&mut params, &memory);
        [bits(&y), bits(&grads), bits(params.values())]
    };
    for isa in support::isas() {
        for threads in threads {
            let cx = Context::with_isa(isa, *threads).unwrap();
            for pass in [Pass::train(1, 2), Pass::evaluate()] {
                let (fused, unfused) = (outcome(&fused, &cx, pass), outcome(&unfused, &cx, pass));
                for (i, what) in ["output", "gradients", "statistics"].iter().enumerate() {
                    assert!(fused[i] == unfused[i], "{what} on {} in {pass:?}", isa.name());
                }
            }
        }
    }
}

/// Fusing is seen in the plan: there are fewer operations to print.
fn operations(network: &Network) -> usize {
    format!("{network:?}").matches("position").count()
}

/// Of the gradients in full, `part` has those that are not frozen, and zeros for the others.
fn assert_frozen(params: &Params, part: &[f32], full: &[f32], frozen: impl Fn(&str) -> bool) {
    for entry in params.entries() {
        let (part, full) = (&part[entry.range.clone()], &full[entry.range.clone()]);
        let same = match frozen(&entry.name) {
            true => part.iter().all(|g| *g == 0.0),
            false => bits(part) == bits(full),
        };
        assert!(same, "{}", entry.name);
    }
}

/// With its middle layer of three frozen, a network normalises there with the running statistics,
/// which are constants in the backward pass too, and stay, although what lies below trains.
fn assert_frozen_middle_evaluates(network: &Network, params: &mut Params, batch: usize) {
    let (x, dy) =
        (normal(1, batch * network.input().len()), normal(2, batch * network.output().len()));
    let (evaluated, full) = pass(network, params, &x, &dy, Pass::evaluate());
    params.set_trainable("layers.1", false).unwrap();
    let (y, part) = pass(network, params, &x, &dy, Pass::train(1, 0));
    assert_eq!(bits(&y), bits(&evaluated));
    assert_frozen(params, &part, &full, |name| name.starts_with("layers.1."));
    let before = bits(params.values());
    let mut memory = PassMemory::new(network, batch).unwrap();
    let cx = Context::new(1).unwrap();
    network.forward(&cx, params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    network.update_statistics(params, &memory);
    assert_eq!(bits(params.values()), before);
}
