//! Networks of images: blocks of layers, layers that only reshape, and how they go with everything
//! else.

use super::{
    assert_frozen, assert_frozen_middle_evaluates, assert_fusing_keeps_bits, bits, normal,
    operations, params, pass,
};
use crate::support::{assert_close, isas};
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, Dropout, GlobalAvgPool, Linear, MaxPool2d, Relu,
    Residual, Unflatten, Upsample,
};
use narrows_engine::predictor::Workspace;
use narrows_engine::{
    Context, Layer, Network, NetworkBuilder, Params, Pass, PassMemory, Predictor,
};

pub const BATCH: usize = 7;

pub fn boxed(layer: impl Layer) -> Box<dyn Layer> {
    Box::new(layer)
}

/// Two convolutions with what goes in between, to 7 channels.
pub fn body() -> Vec<Box<dyn Layer>> {
    vec![
        boxed(Conv2d::new(6, 3).with_padding(1).without_bias()),
        boxed(BatchNorm::default()),
        boxed(Relu),
        boxed(Dropout { p: 0.2 }),
        boxed(Conv2d::new(7, 3).with_padding(1)),
    ]
}

pub fn shortcut() -> Vec<Box<dyn Layer>> {
    vec![boxed(Conv2d::new(7, 1).without_bias()), boxed(BatchNorm::default())]
}

/// An autoencoder of 8x6 pixels of 3 channels with every layer of images.
fn autoencoder() -> NetworkBuilder {
    Network::builder([8, 6, 3])
        .section("encoder")
        .layer(Conv2d::new(5, 3).with_padding(1))
        .layer(Relu)
        .layer(MaxPool2d::new(2))
        .layer(Residual::new(body()).with_shortcut(shortcut()))
        .layer(Relu)
        .layer(Residual::new(vec![
            boxed(Dropout { p: 0.1 }),
            boxed(Conv2d::new(7, 1)),
            boxed(Relu),
        ]))
        .layer(Linear::new(4))
        .section("decoder")
        .layer(Linear::new(4 * 3 * 2))
        .layer(Unflatten::new([4, 3, 2]))
        .layer(Relu)
        .layer(Upsample::new(2))
        .layer(AvgPool2d::new(3).with_stride(1).with_padding(1))
        .layer(ConvTranspose2d::new(3, 3).with_padding(1))
}

#[test]
fn the_parameters_of_a_block_are_named_below_it() {
    let network = autoencoder().build().unwrap();
    let names: Vec<_> = network.param_entries().iter().map(|e| e.name.as_str()).collect();
    let block =
        ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "4.weight", "4.bias"];
    let projection = ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"];
    let mut want = vec!["encoder.0.weight".to_string(), "encoder.0.bias".into()];
    want.extend(block.map(|name| format!("encoder.3.{name}")));
    want.extend(projection.map(|name| format!("encoder.3.shortcut.{name}")));
    want.extend(
        ["encoder.5.1", "encoder.6", "decoder.0", "decoder.5"]
            .into_iter()
            .flat_map(|layer| ["weight", "bias"].map(|name| format!("{layer}.{name}"))),
    );
    assert_eq!(names, want);
    let params = Params::new(&network, 1);
    assert_eq!(params.get("encoder.3.shortcut.0.weight").map(<[f32]>::len), Some(5 * 7));
    assert_eq!(params.get("encoder.3.1.running_var"), Some(&[1.0; 6][..]));
    // Two layers of one shape in a block differ, as their names do.
    let twins = Residual::new(vec![boxed(Linear::new(4)), boxed(Linear::new(4))]);
    let twins = Params::new(&Network::builder(4).layer(twins).build().unwrap(), 1);
    assert_ne!(twins.get("layers.0.0.weight"), twins.get("layers.0.1.weight"));
}

#[test]
fn shapes_that_do_not_fit_are_errors_that_name_the_layer_and_both() {
    let message =
        |network: NetworkBuilder| network.build().expect_err("cannot be planned").to_string();
    let start = || Network::builder([8, 6, 3]).section("encoder");
    let nested = Residual::new(vec![boxed(Residual::new(vec![boxed(MaxPool2d::new(9))]))]);
    let wrong_shortcut =
        Residual::new(body()).with_shortcut(vec![boxed(Relu), boxed(Conv2d::new(0, 1))]);
    for (network, want) in [
        (
            start().layer(Linear::new(784)).layer(Relu).layer(Conv2d::new(3, 3)),
            "layer encoder.2 (conv2d): needs an image (height x width x channels), got 784",
        ),
        (
            start().layer(GlobalAvgPool).layer(Unflatten::new([2, 2])),
            "layer encoder.1 (unflatten): needs 4 values to make 2x2 of, got 3 (3)",
        ),
        (
            start().layer(Relu).layer(Residual::new(body())),
            "layer encoder.1 (residual): its body gives 8x6x7, x 8x6x3: it needs a shortcut that \
             gives the same",
        ),
        (
            start().layer(Residual::new(body()).with_shortcut(vec![boxed(MaxPool2d::new(2))])),
            "layer encoder.0 (residual): its body gives 8x6x7, its shortcut gives 4x3x3",
        ),
        (
            start().layer(nested),
            "layer encoder.0.0.0 (max pool): a kernel of 9x9 (dilation 1x1) does not fit into an \
             image of 8x6 padded by 0x0",
        ),
        (
            start().layer(wrong_shortcut),
            "layer encoder.0.shortcut.1 (conv2d): 1 groups do not divide 3 and 0 channels (input \
             8x6x3): both need a multiple of the groups, and at least 1",
        ),
        (start().layer(Unflatten::new([6, 8, 3])), "a network needs a layer that does something"),
    ] {
        assert_eq!(message(network), want);
    }
    assert!(message(Network::builder([usize::MAX, 2]).layer(Relu)).contains("0"));
    let large = start().layer(Unflatten::new([6, 8, 3])).layer(Upsample::new(1 << 20));
    let large = message(large);
    assert!(
        large.starts_with("layer encoder.1 (upsample): ") && large.contains("too large"),
        "{large}"
    );
}

/// A layer that only reshapes is left out: what it says holds for the layers above it.
#[test]
fn reshaping_costs_nothing_and_keeps_names_sections_and_fusion() {
    let network = autoencoder().build().unwrap();
    assert_eq!((network.input().dims(), network.output().dims()), (&[8, 6, 3][..], &[8, 6, 3][..]));
    // The ReLU behind it went into the linear layer in front of it.
    let summary = network.summary(1);
    let kinds: Vec<_> = summary.layers.iter().map(|l| (l.name.as_str(), l.kind.as_str())).collect();
    assert_eq!(kinds[5..7], [("decoder.0", "linear + relu"), ("decoder.3", "upsample")]);

    // At the start, at the end, and first in a section.
    let network = Network::builder(24)
        .layer(Unflatten::new([4, 3, 2]))
        .layer(Conv2d::new(2, 1))
        .section("head")
        .layer(Unflatten::new([2, 3, 4]))
        .layer(GlobalAvgPool)
        .layer(Unflatten::new([2, 2, 1]))
        .build()
        .unwrap();
    assert_eq!((network.input().dims(), network.output().dims()), (&[24][..], &[2, 2, 1][..]));
    let names: Vec<_> = network.param_entries().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["layers.1.weight", "layers.1.bias"]);
    let mut params = params(&network);
    let x = normal(1, BATCH * 24);
    let (y, _) = pass(&network, &params, &x, &normal(2, BATCH * 4), Pass::train(1, 0));
    // By hand: the convolution of single pixels, then means over the same values as 2x3 pixels of 4
    // channels.
    let (weight, bias) =
        (params.get("layers.1.weight").unwrap(), params.get("layers.1.bias").unwrap());
    let mut want = vec![0.0; BATCH * 4];
    for (i, pixel) in x.chunks(2).enumerate() {
        for o in 0..2 {
            let value = pixel[0] * weight[o] + pixel[1] * weight[2 + o] + bias[o];
            want[i / 12 * 4 + (2 * i + o) % 4] += value / 6.0;
        }
    }
    assert_close("y", &y, &want, 1e-5);
    assert!(network.frozen_output(&params).is_none());
    params.set_trainable("layers", false).unwrap();
    assert!(network.frozen_output(&params).is_none(), "nothing trains");
}

#[test]
fn the_frozen_part_hands_on_the_shape_that_the_next_layer_gets() {
    let head = autoencoder()
        .section("head")
        .layer(Unflatten::new(144))
        .layer(Linear::new(3))
        .build()
        .unwrap();
    let mut params = params(&head);
    params.set_trainable("encoder", false).unwrap();
    assert_eq!(head.frozen_output(&params).unwrap().dims(), [4]);
    params.set_trainable("decoder", false).unwrap();
    assert_eq!(head.frozen_output(&params).unwrap().dims(), [144]);
    // Training on what it hands on gives the bits of training on the samples.
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&head, BATCH).unwrap();
    let x = normal(1, BATCH * 144);
    let codes = head.forward_frozen(&cx, &params, &mut memory, &x).unwrap().to_vec();
    let train = Pass::train(1, 0);
    let whole = bits(head.forward(&cx, &params, &mut memory, &x, train).unwrap());
    let part = bits(head.forward_from_frozen(&cx, &params, &mut memory, &codes, train).unwrap());
    assert_eq!(part, whole);
}

/// The same operations in the same order, in blocks as well.
#[test]
fn fused_and_unfused_blocks_agree_to_the_bit() {
    let (fused, unfused) =
        (autoencoder().build().unwrap(), autoencoder().unfused().build().unwrap());
    let [fewer, more] = [fused, unfused].each_ref().map(operations);
    assert!(fewer + 4 <= more, "{fewer} and {more} operations");
    assert_fusing_keeps_bits(autoencoder, BATCH, BATCH + 2, &[1, 3]);
}

#[test]
fn a_frozen_block_evaluates_and_keeps_its_statistics() {
    let network = Network::builder([4, 3, 5])
        .layer(Conv2d::new(5, 1))
        .layer(Residual::new(body()).with_shortcut(shortcut()))
        .layer(Linear::new(3))
        .build()
        .unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * 60), normal(2, BATCH * 3));
    assert_frozen_middle_evaluates(&network, &mut params, BATCH);
    // One parameter of it alone.
    params.set_trainable("layers.1", true).unwrap();
    let (_, full) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    params.set_trainable("layers.1.shortcut.0", false).unwrap();
    let (_, part) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    assert_frozen(&params, &part, &full, |name| name == "layers.1.shortcut.0.weight");
}

#[test]
fn a_block_with_batch_norm_refuses_to_train_on_one_value() {
    let block = Residual::new(vec![boxed(Linear::new(6)), boxed(BatchNorm::default())]);
    let network = Network::builder(6).layer(block).build().unwrap();
    let cx = Context::new(1).unwrap();
    let params = params(&network);
    let mut memory = PassMemory::new(&network, 2).unwrap();
    let error = network.forward(&cx, &params, &mut memory, &normal(1, 6), Pass::train(1, 0));
    let error = error.expect_err("one value has no variance").to_string();
    assert_eq!(
        error,
        "layer layers.0 (residual) needs at least 2 samples in a training batch, got 1"
    );
    network.forward(&cx, &params, &mut memory, &normal(1, 6), Pass::evaluate()).unwrap();
}

#[test]
fn a_predictor_predicts_what_the_network_computes() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let predictor = Predictor::new(&network, &params).unwrap();
    let x = normal(1, 40 * 144);
    for isa in isas() {
        let cx = Context::with_isa(isa, 2).unwrap();
        let mut memory = PassMemory::new(&network, 40).unwrap();
        let want = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
        let mut workspace = Workspace::default();
        let mut y = vec![f32::NAN; want.len()];
        predictor.predict(&cx, &mut workspace, &x, &mut y).unwrap();
        assert_close(isa.name(), &y, want, 2e-5);
        let mut alone = vec![f32::NAN; 144];
        predictor.predict(&cx, &mut workspace, &x[7 * 144..8 * 144], &mut alone).unwrap();
        assert_eq!(bits(&alone), bits(&y[7 * 144..8 * 144]), "{}", isa.name());
    }
}
