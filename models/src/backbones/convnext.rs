//! ConvNeXt (Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, CVPR 2022, arXiv:2201.03545).

use super::{Backbone, IMAGENET, Naming, normalize};
use crate::layer_spec::{ConvSpec, Function, LayerSpec, LinearSpec, Padding};

/// The smallest one: blocks and widths of the four stages.
const TINY: [(usize, usize); 4] = [(3, 96), (3, 192), (9, 384), (3, 768)];

/// What is added to the variances.
const EPS: f32 = 1e-6;

pub(super) fn convnext_tiny(by: Naming) -> Backbone {
    let timm = by == Naming::Timm;
    let stem = if timm { "stem" } else { "features.0" };
    let mut features = vec![normalize(IMAGENET)];
    features.extend([patches(format!("{stem}.0"), TINY[0].1, 4), norm(format!("{stem}.1"))]);
    for (stage, (blocks, width)) in TINY.into_iter().enumerate() {
        if stage > 0 {
            let down = match timm {
                true => format!("stages.{stage}.downsample"),
                false => format!("features.{}", 2 * stage),
            };
            features.extend([norm(format!("{down}.0")), patches(format!("{down}.1"), width, 2)]);
        }
        for i in 0..blocks {
            let block = match timm {
                true => format!("stages.{stage}.blocks.{i}"),
                false => format!("features.{}.{i}", 2 * stage + 1),
            };
            let at = |module: [&str; 2]| format!("{block}.{}", module[usize::from(timm)]);
            let depthwise = ConvSpec {
                name: at(["block.0", "conv_dw"]),
                groups: width,
                ..ConvSpec::new(width, 7)
            };
            let pointwise =
                |name, channels| LayerSpec::Conv2d(ConvSpec { name, ..ConvSpec::new(channels, 1) });
            let body = vec![
                LayerSpec::Conv2d(depthwise),
                norm(at(["block.2", "norm"])),
                pointwise(at(["block.3", "mlp.fc1"]), 4 * width),
                Function::Gelu.into(),
                pointwise(at(["block.5", "mlp.fc2"]), width),
                LayerSpec::LayerScale { name: at(["layer_scale", "gamma"]) },
            ];
            features.push(LayerSpec::Residual { body, shortcut: Vec::new() });
        }
    }
    let (last, fc) = if timm { ("head.norm", "head.fc") } else { ("classifier.0", "classifier.2") };
    features.extend([LayerSpec::GlobalAvgPool, norm(last.into())]);
    let classifier = LinearSpec { name: fc.into(), ..LinearSpec::new(1000) };
    Backbone {
        name: "convnext_tiny".into(),
        size: [224; 2],
        features,
        classifier: vec![LayerSpec::Linear(classifier)],
    }
}

fn norm(name: String) -> LayerSpec {
    LayerSpec::LayerNorm { name, eps: EPS }
}

/// A convolution of patches that do not overlap.
fn patches(name: String, channels: usize, side: usize) -> LayerSpec {
    LayerSpec::Conv2d(ConvSpec {
        name,
        stride: [side; 2],
        padding: Padding::NONE,
        ..ConvSpec::new(channels, side)
    })
}
