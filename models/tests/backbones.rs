//! Networks of others against PyTorch: outputs and all gradients, with weights that are functions
//! of their names (`backbones/generate.py`).

mod exported;
mod lite0;

use narrows_engine::{Context, Gradients, Params, Pass, PassMemory};
use narrows_models::architecture::ENCODER;
use narrows_models::backbones::{Backbone, Imported, Naming, tensors};
use narrows_models::layer_spec::LayerSpec;
use narrows_models::weights::{Tensor, Weights};
use serde_json::Value;

const VECTORS: &str = include_str!("backbones/vectors.json");
const BATCH: usize = 4;
const SIDE: usize = 64;
/// Relative to the length of a tensor.
const TOLERANCE: f64 = 1e-4;

/// `n` numbers in [-1, 1) that the name decides: splitmix64, begun by its FNV-1a.
fn values(name: &str, n: usize) -> Vec<f64> {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| {
        (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let u = values(name, shape.iter().product());
    let wide = shape.iter().filter(|&&n| n > 1).count() > 1;
    let scaled: Vec<f64> = if name.ends_with("running_var") {
        u.iter().map(|u| 1.0 + 0.5 * u).collect()
    } else if name.ends_with("running_mean") {
        u.iter().map(|u| 0.1 * u).collect()
    } else if name.ends_with("bias") {
        u.iter().map(|u| 1.5 + 0.1 * u).collect()
    } else if wide || (shape.len() > 1 && !name.contains("scale")) {
        let fan_in: usize = shape[1..].iter().product();
        u.iter().map(|u| u * (6.0 / fan_in as f64).sqrt()).collect()
    } else if name.ends_with("weight") {
        u.iter().map(|u| 0.3 * (1.0 + 0.25 * u)).collect()
    } else {
        u.iter().map(|u| 1.0 + 0.25 * u).collect()
    };
    scaled.iter().map(|&x| x as f32).collect()
}

/// The length of a tensor, and its product with numbers that its name decides.
fn summary(name: &str, x: &[f32]) -> [f64; 2] {
    let product = values(&format!("{name} product"), x.len());
    let square = |x: &f32| f64::from(*x).powi(2);
    [
        x.iter().map(square).sum::<f64>().sqrt(),
        x.iter().zip(product).map(|(x, p)| f64::from(*x) * p).sum(),
    ]
}

/// The network of that name, whose modules are called as in timm or torchvision, with such weights,
/// and without dropout.
fn imported(name: &str, naming: Naming) -> Imported {
    let mut backbone = Backbone::of(name, naming).unwrap();
    for spec in &mut backbone.classifier {
        if let LayerSpec::Dropout { p } = spec {
            *p = 0.0;
        }
    }
    let network = backbone.network([SIDE, SIDE], true).unwrap();
    let zeros = Params::zeros(&network);
    let named = tensors(&sections(&backbone), &zeros).into_iter().map(|(name, tensor)| {
        let values = weights(&name, &tensor.shape);
        (name, Tensor { values, ..tensor })
    });
    let weights = Weights::from_tensors(named).unwrap();
    // The names tell who named them.
    let found = Backbone::import(name, &weights, [SIDE, SIDE], false).unwrap();
    assert_eq!(found.backbone.features, backbone.features);
    backbone.with_weights(&weights, [SIDE, SIDE], true).unwrap()
}

fn sections(backbone: &Backbone) -> [(&str, &[LayerSpec]); 2] {
    [(ENCODER, &backbone.features), ("classifier", &backbone.classifier)]
}

/// Compares numbers with PyTorch's, the first of which is the length of the tensor: relative to it
/// and to `least`.
fn check_numbers(what: &str, found: &[f64], expected: &Value, least: f64, tolerance: f64) {
    let numbers = expected.as_array().unwrap().iter();
    let expected: Vec<f64> = numbers.map(|x| x.as_f64().unwrap()).collect();
    for (found, x) in found.iter().zip(&expected) {
        let error = (found - x).abs() / (expected[0] + least);
        assert!(error <= tolerance, "{what}: {found}, not {x}: {error:.1e} of {}", expected[0]);
    }
}

fn check_logits(case: &str, logits: &[f32], expected: &Value) {
    let first = logits.chunks_exact(1000).map(|row| f64::from(row[0]));
    let found: Vec<f64> = summary("logits", logits).into_iter().chain(first).collect();
    check_numbers(&format!("{case}: logits"), &found, expected, 0.0, TOLERANCE);
}

fn check(case: &str) {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let expected = &vectors[case];
    let (name, naming) = match case.strip_prefix("timm/") {
        Some(name) => (name, Naming::Timm),
        None => (case, Naming::Torchvision),
    };
    let Imported { backbone, network, params, unused } = imported(name, naming);
    assert!(unused.is_empty(), "{case}: {unused:?}");
    let cx = Context::new(2).unwrap();
    let x: Vec<f32> = values("images", BATCH * SIDE * SIDE * 3)
        .iter()
        .map(|&x| (f64::from(x as f32) * 0.5 + 0.5) as f32)
        .collect();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let logits = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
    check_logits(case, logits, &expected["evaluated"]);

    let logits = network.forward(&cx, &params, &mut memory, &x, Pass::train(0, 0)).unwrap();
    check_logits(case, logits, &expected["trained"]);
    let (y, dy) = memory.output_and_gradient();
    for (dy, value) in dy.iter_mut().zip(values("gradient", y.len())) {
        *dy = value as f32;
    }
    let mut grads = params.clone();
    let into = Gradients::overwriting(grads.values_mut());
    network.backward(&cx, &params, &mut memory, &x, into).unwrap();
    let gradients = expected["gradients"].as_object().unwrap();
    let lengths = gradients.values().map(|numbers| numbers[0].as_f64().unwrap());
    // A bias in front of a batch norm has no gradient but rounding.
    let least = 1e-3 * lengths.fold(0.0, f64::max);
    let tolerance = TOLERANCE.max(2.0 * expected["float32_error"].as_f64().unwrap());
    let mut checked = 0;
    for (name, gradient) in tensors(&sections(&backbone), &grads) {
        if let Some(expected) = gradients.get(&name) {
            let what = format!("{case}: gradient of {name}");
            check_numbers(&what, &summary(&name, &gradient.values), expected, least, tolerance);
            checked += 1;
        }
    }
    assert_eq!(checked, gradients.len(), "{case}");
}

macro_rules! cases {
    ($($test:ident: $case:literal,)+) => {
        $(#[test]
        fn $test() {
            check($case);
        })+

        #[test]
        fn each_case_of_the_vectors_is_tested() {
            let vectors: Value = serde_json::from_str(VECTORS).unwrap();
            let tested = [$($case),+];
            for name in vectors.as_object().unwrap().keys() {
                assert!(tested.contains(&&name[..]), "{name}");
            }
        }
    };
}

cases! {
    resnet18: "resnet18",
    resnet50: "resnet50",
    resnet34_of_timm: "timm/resnet34",
    mobilenet_v2: "mobilenet_v2",
    mobilenet_v2_of_timm: "timm/mobilenetv2_100",
    mobilenet_v3_small: "mobilenet_v3_small",
    mobilenet_v3_small_of_timm: "timm/mobilenetv3_small_100",
    mobilenet_v3_large: "mobilenet_v3_large",
    efficientnet_b0: "efficientnet_b0",
    efficientnet_b0_of_timm: "timm/efficientnet_b0",
    convnext_tiny: "convnext_tiny",
    convnext_tiny_of_timm: "timm/convnext_tiny",
}
