//! The summary of a network against numbers worked out by hand.

use narrows_engine::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Dropout, GlobalAvgPool, Linear, MaxPool2d, Relu, Residual,
    Unflatten,
};
use narrows_engine::{Layer, Network};

fn network() -> Network {
    let body: Vec<Box<dyn Layer>> = vec![
        Box::new(Conv2d::new(16, 3).with_padding(1).without_bias()),
        Box::new(BatchNorm::default()),
        Box::new(Relu),
        Box::new(Conv2d::new(16, 3).with_padding(1)),
    ];
    Network::builder([28, 28, 1])
        .section("encoder")
        .layer(Conv2d::new(16, 3).with_stride(2).with_padding(1))
        .layer(Relu)
        .layer(Residual::new(body))
        .layer(Relu)
        .layer(MaxPool2d::new(2))
        .layer(Dropout { p: 0.5 })
        .layer(Linear::new(20))
        .section("decoder")
        .layer(Linear::new(784))
        .layer(Unflatten::new([7, 7, 16]))
        .layer(ConvTranspose2d::new(4, 4).with_stride(2).with_padding(1))
        .layer(GlobalAvgPool)
        .build()
        .unwrap()
}

#[test]
fn layers_shapes_parameters_and_multiply_adds() {
    let summary = network().summary(10);
    let got: Vec<_> = summary
        .layers
        .iter()
        .map(|l| (l.name.as_str(), l.kind.as_str(), l.output.to_string(), l.parameters, l.macs))
        .collect();
    let row = |name, kind, output: &str, parameters, macs| {
        (name, kind, output.to_string(), parameters, macs)
    };
    let want = [
        // 16 kernels of 3x3 and a bias; 14x14 positions
        row("encoder.0", "conv2d + relu", "14x14x16", 144 + 16, 196 * 144),
        // two convolutions of 2304 weights, gamma and beta, one bias; no running statistics
        row("encoder.2", "residual + relu", "14x14x16", 2304 + 32 + 2304 + 16, 2 * 196 * 2304),
        row("encoder.4", "max pool", "7x7x16", 0, 0),
        row("encoder.5", "dropout", "7x7x16", 0, 0),
        row("encoder.6", "linear", "20", 784 * 20 + 20, 784 * 20),
        row("decoder.0", "linear", "7x7x16", 20 * 784 + 784, 20 * 784),
        // each of 7x7 pixels of 16 channels goes to 4x4 pixels of 4 channels
        row("decoder.2", "conv transpose2d", "14x14x4", 16 * 64 + 4, 49 * 16 * 64),
        row("decoder.3", "global avg pool", "4", 0, 0),
    ];
    assert_eq!(got, want);
    assert_eq!(summary.parameters, want.iter().map(|row| row.3).sum::<usize>());
    assert_eq!(summary.parameters, 160 + 4656 + 15_700 + 16_464 + 1028);
    assert_eq!(summary.macs, 28_224 + 903_168 + 15_680 + 15_680 + 50_176);
    assert_eq!(summary.input.dims(), [28, 28, 1]);
}

/// Of a network whose sizes are whole cache lines, so that nothing is rounded up.
#[test]
fn memory_is_that_of_the_values() {
    let network =
        Network::builder(32).layer(Linear::new(64)).layer(BatchNorm::default()).layer(Relu);
    let network = network.layer(Linear::new(16).without_bias()).build().unwrap();
    let summary = network.summary(100);
    assert_eq!(summary.batch, 100);
    // Running statistics take memory, though they are not counted.
    assert_eq!(summary.parameters, 32 * 64 + 64 + 2 * 64 + 64 * 16);
    assert_eq!(summary.parameter_bytes, 4 * (32 * 64 + 64 + 4 * 64 + 64 * 16));
    // Three outputs, and three statistics that batch norm saves.
    assert_eq!(summary.activation_bytes, 4 * (100 * (64 + 64 + 16) + 3 * 64));
    // Two gradients of the widest layer, and what one layer at a time needs.
    let scratch = [
        Linear::new(64).plan(&32.into()),
        BatchNorm::default().plan(&64.into()),
        Linear::new(16).without_bias().plan(&64.into()),
    ]
    .map(|planned| planned.unwrap().op.scratch_len(100));
    assert_eq!(summary.work_bytes, 4 * (2 * 100 * 64 + scratch.into_iter().max().unwrap()));
    let twice = network.summary(200);
    assert_eq!(twice.activation_bytes - summary.activation_bytes, 4 * 100 * (64 + 64 + 16));
    assert_eq!(twice.parameter_bytes, summary.parameter_bytes);
}

#[test]
fn the_table_is_aligned() {
    let text = network().summary(128).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "layer      kind                output  parameters  multiply-adds");
    assert_eq!(lines[1], "           input              28x28x1");
    assert_eq!(lines[3], "encoder.2  residual + relu   14x14x16       4,656        903,168");
    assert_eq!(lines[10], "total                               4      38,008      1,012,928");
    assert_eq!(lines.len(), 12);
    assert!(
        lines[11].starts_with("parameters 15") && lines[11].contains("a batch of 128"),
        "{}",
        lines[11]
    );
}
