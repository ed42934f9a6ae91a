//! Residual networks (He, Zhang, Ren and Sun, CVPR 2016, tables 1 and 2), as torchvision has them:
//! the stride of a bottleneck lies in its 3x3 convolution. timm's names are the same.

use super::{Backbone, IMAGENET, Naming, normalize};
use crate::layer_spec::{ConvSpec, Function, LayerSpec, LinearSpec, Padding, PoolSpec};

/// The widths of the four stages.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

/// A network of so many blocks in each stage, of two 3x3 convolutions, or of bottlenecks.
pub(super) fn resnet(_: Naming, name: &str, bottleneck: bool, blocks: [usize; 4]) -> Backbone {
    let mut features = vec![normalize(IMAGENET)];
    features.extend(conv_bn("conv1", "bn1", 64, 7, 2));
    features.push(Function::Relu.into());
    features
        .push(LayerSpec::MaxPool2d(PoolSpec { padding: Padding::all(1), ..PoolSpec::new(3, 2) }));
    let mut channels = 64;
    for (stage, (width, count)) in WIDTHS.into_iter().zip(blocks).enumerate() {
        for i in 0..count {
            let at = |module: &str| format!("layer{}.{i}.{module}", stage + 1);
            let stride = if stage > 0 && i == 0 { 2 } else { 1 };
            let out = if bottleneck { 4 * width } else { width };
            let convolutions: &[(usize, usize, usize)] = match bottleneck {
                true => &[(width, 1, 1), (width, 3, stride), (out, 1, 1)],
                false => &[(width, 3, stride), (width, 3, 1)],
            };
            let mut body = Vec::new();
            for (j, &(width, kernel, stride)) in convolutions.iter().enumerate() {
                if j > 0 {
                    body.push(Function::Relu.into());
                }
                let [conv, bn] = ["conv", "bn"].map(|kind| at(&format!("{kind}{}", j + 1)));
                body.extend(conv_bn(&conv, &bn, width, kernel, stride));
            }
            let shortcut = match channels != out || stride != 1 {
                true => conv_bn(&at("downsample.0"), &at("downsample.1"), out, 1, stride).into(),
                false => Vec::new(),
            };
            features.push(LayerSpec::Residual { body, shortcut });
            features.push(Function::Relu.into());
            channels = out;
        }
    }
    features.push(LayerSpec::GlobalAvgPool);
    let classifier = LinearSpec { name: "fc".into(), ..LinearSpec::new(1000) };
    Backbone {
        name: name.into(),
        size: [224; 2],
        features,
        classifier: vec![LayerSpec::Linear(classifier)],
    }
}

/// A convolution that keeps the size, its stride aside, and the batch norm behind it.
fn conv_bn(conv: &str, bn: &str, channels: usize, kernel: usize, stride: usize) -> [LayerSpec; 2] {
    let conv = ConvSpec {
        name: conv.into(),
        stride: [stride; 2],
        bias: false,
        ..ConvSpec::new(channels, kernel)
    };
    [LayerSpec::Conv2d(conv), LayerSpec::batch_norm(bn)]
}
