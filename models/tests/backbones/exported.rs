//! Networks as ONNX files of ours, read again: the same numbers. What reads them was tested with
//! files of others.

use super::{SIDE, imported, sections, values};
use narrows_engine::predictor::{Predictor, Workspace};
use narrows_engine::{Context, Network, Params};
use narrows_models::SampleShape;
use narrows_models::backbones::{Backbone, Imported, Naming};
use narrows_models::export::{ImageOrder, Portable};
use narrows_models::layer_spec::NetworkSpec;

const IMAGES: usize = 2;
/// Relative to the largest number: rounding, and where batch norm is folded other weights.
const TOLERANCE: f32 = 2e-5;

fn outputs(network: &Network, params: &Params) -> Vec<f32> {
    let x: Vec<f32> = values("images", IMAGES * SIDE * SIDE * 3)
        .iter()
        .map(|&x| (x * 0.5 + 0.5) as f32)
        .collect();
    let predictor = Predictor::new(network, params).unwrap();
    let mut y = vec![0.0; IMAGES * network.output().len()];
    let cx = Context::new(2).unwrap();
    predictor.predict(&cx, &mut Workspace::default(), &x, &mut y).unwrap();
    y
}

fn check(name: &str, naming: Naming) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let Imported { backbone, network, params, .. } = imported(name, naming);
    let expected = outputs(&network, &params);
    let largest = expected.iter().fold(0.0, |largest: f32, y| largest.max(y.abs()));
    let mut spec = NetworkSpec::new([SIDE, SIDE, 3]);
    for (section, layers) in sections(&backbone) {
        let section = if section == "classifier" { "classifier" } else { "encoder" };
        spec = spec.with_section(section, layers.to_vec());
    }
    let sample = SampleShape::Image([SIDE, SIDE, 3]);
    for order in [ImageOrder::ChannelsFirst, ImageOrder::ChannelsLast] {
        for fold in [false, true] {
            let mut portable = Portable::new(sample, &spec, &params);
            if fold {
                portable.fold_batch_norm();
            }
            let bytes = portable.to_onnx(order, "logits", None, Vec::new()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let back = Backbone::import_onnx(&path, None, None, true).unwrap();
            assert!(back.unused.is_empty(), "{name}: {:?}", back.unused);
            let found = outputs(&back.network, &back.params);
            for (found, y) in found.iter().zip(&expected) {
                let error = (found - y).abs() / largest;
                assert!(error <= TOLERANCE, "{name}, {order:?}, {fold}: {found}, not {y}");
            }
        }
    }
}

macro_rules! cases {
    ($($test:ident: $name:literal by $naming:ident,)+) => {
        $(#[test]
        fn $test() {
            check($name, Naming::$naming);
        })+
    };
}

cases! {
    resnet18: "resnet18" by Torchvision,
    resnet50: "resnet50" by Torchvision,
    mobilenet_v2: "mobilenet_v2" by Torchvision,
    mobilenet_v3_small: "mobilenet_v3_small" by Timm,
    efficientnet_b0: "efficientnet_b0" by Torchvision,
    efficientnet_lite0: "efficientnet_lite0" by Timm,
    convnext_tiny: "convnext_tiny" by Torchvision,
}
