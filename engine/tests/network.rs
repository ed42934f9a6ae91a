//! Networks: what planning promises, and what holds for passes and steps through a whole chain of
//! layers.

mod blocks;
mod convolution;
mod estimating;
mod failing;
mod freezing;
mod fusion;
mod images;
mod owning;
mod passes;
mod penalties;
mod planning;
mod pytorch;
mod refusals;
mod summary;
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
