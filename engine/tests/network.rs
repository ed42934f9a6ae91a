//! Networks: what planning promises, and what holds for passes and steps through a whole chain of
//! layers.

mod convolution;
mod estimating;
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

use crate::support;
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu, Sigmoid};
use narrows_engine::memory::Slab;
use narrows_engine::random::Random;
use narrows_engine::{Context, Gradients, Network, NetworkBuilder, Params, Pass, PassMemory};
use support::bits;

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

fn normal(purpose: u64, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    Random::new(99, purpose).fill_normal(0, 0, &mut values);
    values
}

/// Parameters in general position: biases, gamma, beta and the statistics are not 0 and 1.
fn params(network: &Network) -> Params {
    let mut params = Params::new(network, 5);
    let noise = normal(0, params.values().len());
    for (value, noise) in params.values_mut().iter_mut().zip(noise) {
        // Up to 10 % and 0.1 more: variances stay positive.
        *value = *value * (1.0 + 0.1 * noise.tanh()) + 0.1 * noise.tanh().abs();
    }
    params
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
