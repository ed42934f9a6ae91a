//! Models on disk: a round trip, and every way to break the file.

use crate::support;
use narrows_engine::Params;
use narrows_engine::params::ParamEntry;
use narrows_models::model_file::{Description, load, save};
use narrows_models::{Architecture, SampleShape};
use safetensors::tensor::TensorView;
use std::collections::HashMap;
use support::{IMAGE_MODELS, architecture, image_architecture};

fn description() -> Description {
    Description { classes: Some(10), dataset: "digits".into(), ..Description::of(architecture()) }
}

#[test]
fn what_is_saved_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for classes in [None, Some(10)] {
        let description = Description { classes, ..description() };
        let params = Params::new(&description.network().unwrap(), 9);
        save(&path, &params, &description).unwrap();
        let (loaded, network, read) = load(&path).unwrap();
        assert_eq!(loaded, description);
        assert_eq!(network.output().len(), classes.unwrap_or(64));
        assert_eq!(read.values(), params.values());
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 1, "no partial file is left");
    }
}

#[test]
fn models_of_images_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for model in IMAGE_MODELS {
        for classes in [None, Some(10)] {
            let architecture = Architecture { depth: 2, ..image_architecture(model) };
            let description = Description { architecture, classes, ..description() };
            let params = Params::new(&description.network().unwrap(), 9);
            save(&path, &params, &description).unwrap();
            let (loaded, network, read) = load(&path).unwrap();
            assert_eq!(loaded, description);
            assert_eq!(network.output(), description.network().unwrap().output());
            assert_eq!(read.values(), params.values());
        }
    }
}

/// A file as they were before there were several models: the description says `inputs`, and no
/// model.
#[test]
fn files_of_before_are_those_of_dense_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let architecture = Architecture { input: SampleShape::Flat(64), ..architecture() };
    let description = Description { architecture, ..description() };
    let params = Params::new(&description.network().unwrap(), 9);
    let bytes = |entry: &ParamEntry| -> Vec<u8> {
        params.values()[entry.range.clone()].iter().flat_map(|x| x.to_le_bytes()).collect()
    };
    let tensors: Vec<_> =
        params.entries().iter().map(|e| (e.name.clone(), e.spec.shape.clone(), bytes(e))).collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let json = r#"{"architecture":{"inputs":64,"widths":[24,16],"latent":6,"activation":"relu",
        "output":"sigmoid","batch_norm":true,"dropout":0.1},"classes":10,"dataset":"digits"}"#;
    let metadata = HashMap::from([("narrows".to_string(), json.to_string())]);
    std::fs::write(&path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
    let (loaded, _, read) = load(&path).unwrap();
    assert_eq!(loaded, description);
    assert_eq!(read.values(), params.values());
}

#[test]
fn names_are_those_of_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    save(&path, &Params::new(&description().network().unwrap(), 9), &description()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (name, shape) in [
        ("encoder.0.weight", &[24, 64][..]),
        ("encoder.1.running_var", &[24]),
        ("encoder.8.bias", &[6]),
        ("head.1.weight", &[10, 6]),
    ] {
        assert_eq!(tensors.tensor(name).unwrap().shape(), shape, "{name}");
    }
}

#[test]
fn a_broken_file_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    save(&path, &Params::new(&description().network().unwrap(), 9), &description()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let message = load(&path).unwrap_err().to_string();
        assert!(
            message.contains("model.safetensors") && !message.contains('\n'),
            "{what}: {message}"
        );
        message
    };
    for length in [0, 1, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        check(&whole[..length], &format!("cut to {length}"));
    }
    let mut endless = whole.clone();
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    check(&endless, "a header that claims to be endless");

    let replace = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = whole.windows(from.len()).position(|w| w == from.as_bytes()).expect("there");
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let message = check(&replace("head.1.bias", "head.1.bios"), "a renamed tensor");
    assert!(message.contains("head.1.bias is missing"), "{message}");
    let message = check(&replace("[24,16]", "[16,24]"), "other widths");
    assert!(message.contains("encoder"), "{message}");
    check(&replace("\"narrows\"", "\"narrowz\""), "no description");
    // JSON in JSON: the name of the field has a line break.
    let message = check(&replace("classes", r"cl\\nes"), "an unknown field");
    assert!(message.contains("unknown field `cl es`"), "{message}");
    assert!(
        load(&folder.path().join("none"))
            .unwrap_err()
            .to_string()
            .contains("cannot read the model")
    );
}
