//! Weights from files that PyTorch wrote (`vectors/weights/make.py`), and from a real one.

mod graph;
mod real;

use narrows_models::weights::{Tensor, Weights};
use std::path::{Path, PathBuf};

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/weights")
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn each_form_gives_the_tensors_that_pytorch_saved() {
    let text = std::fs::read_to_string(vectors().join("expected.json")).unwrap();
    let expected: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let files = [
        ("zip.pt", vec![]),
        ("protocol4.pt", vec![]),
        ("legacy.pt", vec![]),
        ("wrapped.pt", vec!["epoch", "optimizer"]),
        ("no-checksums.pt", vec!["best"]),
        ("state.safetensors", vec![]),
    ];
    for (file, left_out) in files {
        let weights = Weights::open(&vectors().join(file)).unwrap();
        let names: Vec<&str> = expected.iter().map(|t| t["name"].as_str().unwrap()).collect();
        let found: Vec<&str> = weights.names().collect();
        assert_eq!(found, names, "{file}");
        assert_eq!(weights.left_out(), left_out, "{file}");
        for tensor in &expected {
            let name = tensor["name"].as_str().unwrap();
            let values: Vec<f64> = serde_json::from_value(tensor["values"].clone()).unwrap();
            let shape = serde_json::from_value(tensor["shape"].clone()).unwrap();
            let values = values.into_iter().map(|value| value as f32).collect();
            let expected = Tensor { shape, values };
            let read = weights.get(name).unwrap();
            assert_eq!((&read.shape, bits(read)), (&expected.shape, bits(&expected)), "{name}");
        }
        assert!(weights.get("1.num_batches_tracked").is_none());
    }
}

#[test]
fn tensors_made_elsewhere_are_checked() {
    let tensor =
        |shape: &[usize], values: &[f32]| Tensor { shape: shape.to_vec(), values: values.to_vec() };
    let weights = Weights::from_tensors([
        ("b".to_string(), tensor(&[2, 1], &[1.0, 2.0])),
        ("a".to_string(), tensor(&[], &[3.0])),
    ]);
    let weights = weights.unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!((weights.len(), weights.get("a").unwrap().values[0]), (2, 3.0));
    let twice = [("a".to_string(), tensor(&[], &[0.0])), ("a".to_string(), tensor(&[], &[0.0]))];
    let message = Weights::from_tensors(twice).unwrap_err().to_string();
    assert!(message.contains("two tensors have the name \"a\""), "{message}");
    for shape in [&[2][..], &[usize::MAX, 2], &[0]] {
        let wrong = Weights::from_tensors([("a".to_string(), tensor(shape, &[0.0]))]);
        let message = wrong.unwrap_err().to_string();
        assert!(message.contains("1 values for the shape"), "{message}");
    }
}

/// Its first bytes, the length of its header, may be those of a pickle.
#[test]
fn safetensors_of_any_length_are_no_pickle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    for length in [0x280_usize, 0x380, 0x480, 0x580, 0x8480, 0x281] {
        let header = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let mut bytes = (length as u64).to_le_bytes().to_vec();
        bytes.extend(format!("{header:<length$}").bytes());
        bytes.extend(2.5_f32.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        let weights = Weights::open(&path).unwrap();
        assert_eq!(weights.get("w").unwrap().values, [2.5], "{length}");
    }
}
