//! Networks of images: batch norm goes into convolutions of every kind, in blocks as well.

use super::support::{assert_close, bits, isas};
use super::{forward, normal, params, predict};
use narrows_engine::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, GlobalAvgPool, Linear, Relu, Relu6, Residual,
};
use narrows_engine::{Context, Layer, Network, NetworkBuilder, Predictor};

const IMAGE: [usize; 3] = [9, 10, 12];

fn conv(channels: usize, kernel: usize) -> Conv2d {
    Conv2d::new(channels, kernel).with_padding(kernel / 2)
}

/// An inverted residual block (MobileNetV2).
fn inverted(channels: usize, kernel: usize) -> Residual {
    let wide = 3 * channels;
    let body: Vec<Box<dyn Layer>> = vec![
        Box::new(conv(wide, 1).without_bias()),
        Box::new(BatchNorm::default()),
        Box::new(Relu6),
        Box::new(conv(wide, kernel).with_groups(wide).without_bias()),
        Box::new(BatchNorm::default()),
        Box::new(Relu6),
        Box::new(conv(channels, 1).without_bias()),
        Box::new(BatchNorm::default()),
    ];
    Residual::new(body)
}

/// A block of ResNet, whose shortcut has a convolution, and in it another block.
fn with_shortcut() -> Residual {
    let inner: Vec<Box<dyn Layer>> = vec![Box::new(conv(16, 3)), Box::new(BatchNorm::default())];
    let body: Vec<Box<dyn Layer>> = vec![
        Box::new(conv(16, 3).with_stride(2)),
        Box::new(BatchNorm::default()),
        Box::new(Relu),
        Box::new(Residual::new(inner)),
        Box::new(BatchNorm::default()),
    ];
    let shortcut: Vec<Box<dyn Layer>> =
        vec![Box::new(conv(16, 1).with_stride(2)), Box::new(BatchNorm::default())];
    Residual::new(body).with_shortcut(shortcut)
}

fn networks() -> Vec<(&'static str, NetworkBuilder)> {
    let start = || Network::builder(IMAGE);
    let norm = BatchNorm::default;
    let up = |groups| ConvTranspose2d::new(8, 3).with_stride(2).with_groups(groups);
    vec![
        ("convolution", start().layer(conv(16, 3)).layer(norm()).layer(Relu)),
        ("two norms", start().layer(conv(7, 3).without_bias()).layer(norm()).layer(norm())),
        ("relu between", start().layer(conv(7, 3)).layer(Relu).layer(norm()).layer(Relu)),
        ("relu6 behind", start().layer(conv(7, 3)).layer(norm()).layer(Relu6).layer(norm())),
        ("groups", start().layer(conv(8, 3).with_groups(4)).layer(norm())),
        ("depthwise", start().layer(conv(12, 5).with_groups(12)).layer(norm()).layer(Relu6)),
        ("depthwise, two each", start().layer(conv(24, 3).with_groups(12)).layer(norm())),
        ("transposed", start().layer(up(1)).layer(norm()).layer(Relu)),
        ("transposed, groups", start().layer(up(4)).layer(norm()).layer(Relu)),
        ("unfused", start().unfused().layer(conv(8, 1)).layer(norm()).layer(Relu)),
        ("norm of other channels", start().layer(conv(4, 3)).layer(GlobalAvgPool).layer(norm())),
        (
            "blocks",
            start()
                .layer(inverted(12, 3))
                .layer(inverted(12, 5))
                .layer(Relu)
                .layer(with_shortcut())
                .layer(Relu)
                .layer(GlobalAvgPool)
                .layer(Linear::new(5)),
        ),
    ]
}

#[test]
fn predictions_are_those_of_the_network() {
    for isa in isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for (name, builder) in networks() {
            let network = builder.build().unwrap();
            let params = params(&network);
            let predictor = Predictor::new(&network, &params).unwrap();
            for batch in [1, 3, 20] {
                let x = normal(batch as u64, batch * network.input().len());
                let want = forward(&cx, &network, &params, &x);
                let what = format!("{name}, {batch} images on {}", isa.name());
                assert_close(&what, &predict(&cx, &predictor, &x), &want, 2e-5);
            }
        }
    }
}

#[test]
fn an_image_has_the_same_bits_in_any_batch_and_on_any_number_of_threads() {
    for isa in isas() {
        let [one, two] = [1, 2].map(|threads| Context::with_isa(isa, threads).unwrap());
        for (name, builder) in networks() {
            let network = builder.build().unwrap();
            let predictor = Predictor::new(&network, &params(&network)).unwrap();
            let (inputs, outputs) = (network.input().len(), network.output().len());
            let x = normal(7, 30 * inputs);
            let all = predict(&one, &predictor, &x);
            assert_eq!(bits(&predict(&two, &predictor, &x)), bits(&all), "{name}");
            for rows in [0..1, 13..20] {
                let some = predict(&two, &predictor, &x[rows.start * inputs..rows.end * inputs]);
                let want = &all[rows.start * outputs..rows.end * outputs];
                assert_eq!(bits(&some), bits(want), "{name}, {rows:?} on {}", isa.name());
            }
        }
    }
}

/// Without batch norm there is nothing to run but products and activations.
#[test]
fn batch_norm_is_gone_from_convolutions_and_blocks() {
    for (name, builder) in networks() {
        let network = builder.build().unwrap();
        let predictor = Predictor::new(&network, &params(&network)).unwrap();
        let norms = format!("{predictor:?}").matches("BatchNormOp").count();
        let normalise = format!("{predictor:?}").matches("Normalise {").count();
        let kept = match name {
            "relu between" | "relu6 behind" | "norm of other channels" => 1,
            // Behind the inner block.
            "blocks" => 1,
            _ => 0,
        };
        assert_eq!(norms + normalise, kept, "{name}");
    }
}
