//! Networks of convolutions: what holds for dense ones holds for them.

use super::{assert_frozen, assert_fusing_keeps_bits, bits, normal, operations, params, pass};
use narrows_engine::layers::{BatchNorm, Conv2d, ConvTranspose2d, Dropout, Linear, Relu, Sigmoid};
use narrows_engine::predictor::Workspace;
use narrows_engine::{Context, Network, NetworkBuilder, Pass, PassMemory, Predictor};

const BATCH: usize = 21;
/// The values of an image.
const IMAGE: usize = 11 * 10 * 3;

/// 11x10x3 to 6x5x16 to 3x3x20 to 12 values. Everything that fuses.
fn encoder() -> NetworkBuilder {
    Network::builder([11, 10, 3])
        .section("encoder")
        .layer(Conv2d::new(16, 3).with_stride(2).with_padding(1).without_bias())
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Conv2d::new(16, 3).with_padding(1).with_groups(16))
        .layer(Relu)
        .layer(Dropout { p: 0.2 })
        .layer(Conv2d::new(20, 3).with_stride(2).with_padding(1))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Linear::new(12))
}

/// And, from 3x3x20, back.
fn autoencoder() -> NetworkBuilder {
    Network::builder([11, 10, 3])
        .section("encoder")
        .layer(Conv2d::new(8, 3).with_stride(2).with_padding(1).without_bias())
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Conv2d::new(20, 3).with_stride(2).with_padding(1))
        .layer(Relu)
        .section("decoder")
        .layer(
            ConvTranspose2d::new(8, 3).with_stride(2).with_padding(1).with_output_padding([1, 0]),
        )
        .layer(Relu)
        .layer(Conv2d::new(8, 1).without_bias())
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(
            ConvTranspose2d::new(3, 3).with_stride(2).with_padding(1).with_output_padding([0, 1]),
        )
        .layer(Sigmoid)
}

fn classifier() -> NetworkBuilder {
    encoder().section("head").layer(Linear::new(5)).layer(Relu).layer(Linear::new(3))
}

#[test]
fn fused_and_unfused_networks_agree_to_the_bit() {
    for builder in [autoencoder, classifier] {
        let (fused, unfused) = (builder().build().unwrap(), builder().unfused().build().unwrap());
        let [fewer, more] = [fused, unfused].each_ref().map(operations);
        // Every convolution or batch norm takes in the ReLU behind it.
        assert!(fewer + 4 <= more, "{fewer} and {more} operations");
        assert_fusing_keeps_bits(builder, BATCH, BATCH, &[2]);
    }
}

#[test]
fn a_frozen_encoder_keeps_its_running_statistics_to_the_bit() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    let cx = Context::new(2).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mut steps = |params: &mut narrows_engine::Params| {
        let before = bits(params.values());
        for step in 0..3 {
            let x = normal(step, BATCH * IMAGE);
            network.forward(&cx, params, &mut memory, &x, Pass::train(1, step)).unwrap();
            network.update_statistics(params, &memory);
        }
        let after = bits(params.values());
        (0..after.len()).filter(|i| before[*i] != after[*i]).collect::<Vec<_>>()
    };
    params.set_trainable("encoder", false).unwrap();
    assert_eq!(steps(&mut params), Vec::<usize>::new());
    // The same steps move the statistics of an encoder that trains, and nothing else.
    params.set_trainable("encoder", true).unwrap();
    let statistics = |norm: &str| {
        let [mean, var] =
            ["running_mean", "running_var"].map(|s| params.range(&format!("{norm}.{s}")));
        mean.chain(var).collect::<Vec<_>>()
    };
    let all = [statistics("encoder.1"), statistics("encoder.7")].concat();
    assert_eq!(steps(&mut params), all);
}

/// What its output is made of lies in the sample alone: so it can be computed once and kept.
#[test]
fn a_frozen_encoder_is_one_function_of_each_sample() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    let (x, dy) = (normal(1, BATCH * IMAGE), vec![0.0; BATCH * 3]);
    let (y, _) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    let (evaluated, _) = pass(&network, &params, &x, &dy, Pass::evaluate());
    assert_eq!(bits(&y), bits(&evaluated), "dropout, or the batch's statistics, had a say");
    for i in [0, 7, BATCH - 1] {
        let x = &x[i * IMAGE..][..IMAGE];
        let (alone, _) = pass(&network, &params, x, &dy[..3], Pass::train(2, 9));
        assert_eq!(bits(&alone), bits(&y[i * 3..][..3]), "sample {i}");
    }
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let codes = network.forward_frozen(&cx, &params, &mut memory, &x).unwrap().to_vec();
    let pass = Pass::train(1, 0);
    let resumed = network.forward_from_frozen(&cx, &params, &mut memory, &codes, pass).unwrap();
    assert_eq!(bits(resumed), bits(&y));
}

#[test]
fn a_frozen_convolution_passes_the_gradient_on_and_has_none() {
    let network = autoencoder().build().unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * IMAGE), normal(2, BATCH * IMAGE));
    let (_, full) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    for name in ["encoder.3", "decoder.0", "decoder.2", "decoder.5.weight"] {
        params.set_trainable(name, false).unwrap();
        let (_, part) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
        for entry in params.entries() {
            let full = &full[entry.range.clone()];
            assert!(
                entry.name.contains("running") || full.iter().any(|g| *g != 0.0),
                "{}",
                entry.name
            );
        }
        assert_frozen(&params, &part, &full, |entry| entry.starts_with(name));
        params.set_trainable(name, true).unwrap();
    }
}

/// A predictor deals samples out to threads, and merges batch norm with what it can.
#[test]
fn a_predictor_computes_what_the_network_evaluates_to() {
    for builder in [autoencoder, classifier] {
        let network = builder().build().unwrap();
        let params = params(&network);
        let (x, len) = (normal(1, BATCH * IMAGE), network.output().len());
        let (y, _) = pass(&network, &params, &x, &vec![0.0; BATCH * len], Pass::evaluate());
        let predictor = Predictor::new(&network, &params).unwrap();
        let mut workspace = Workspace::default();
        for threads in [1, 2] {
            let cx = Context::new(threads).unwrap();
            let mut predict = |x: &[f32]| {
                let mut y = vec![f32::NAN; x.len() / IMAGE * len];
                predictor.predict(&cx, &mut workspace, x, &mut y).unwrap();
                y
            };
            let predicted = predict(&x);
            crate::support::assert_close("predictions", &predicted, &y, 1e-5);
            let alone = predict(&x[3 * IMAGE..4 * IMAGE]);
            crate::support::assert_close(
                "prediction of one",
                &alone,
                &predicted[3 * len..4 * len],
                1e-5,
            );
        }
    }
}
