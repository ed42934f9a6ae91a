//! A real network with weights that were trained: EfficientNet-Lite0, from its two files, against
//! what ONNX Runtime makes of four pictures.

use narrows_engine::{Context, Pass, PassMemory};
use narrows_models::backbones::{Backbone, Imported, Pixels};
use narrows_models::weights::Weights;
use std::fs;
use std::path::PathBuf;

/// What Lite0 does to pixels: (pixel - 127) / 128.
const PIXELS: Pixels = Pixels { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3] };

/// The folder of backbones, from `NARROWS_BACKBONES` or beside the project; `None`, loudly, where
/// it is not.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("NARROWS_BACKBONES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/backbones"),
        PathBuf::from,
    );
    if !folder.join("efficientnet-lite0.onnx").exists() {
        eprintln!(
            "SKIPPED: no efficientnet-lite0 in {}: set NARROWS_BACKBONES to the folder of it",
            folder.display()
        );
        return None;
    }
    Some(folder)
}

/// The values of an array in an .npz file that compresses nothing.
fn array(npz: &[u8], name: &str) -> Vec<u8> {
    let entry = format!("{name}.npy");
    let find = |from: usize, what: &[u8]| {
        from + npz[from..].windows(what.len()).position(|window| window == what).unwrap()
    };
    let start = find(find(0, entry.as_bytes()), b"\x93NUMPY");
    let length = usize::from(u16::from_le_bytes([npz[start + 8], npz[start + 9]]));
    let header = String::from_utf8_lossy(&npz[start + 10..start + 10 + length]).into_owned();
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let count: usize = shape.split(',').filter_map(|n| n.trim().parse::<usize>().ok()).product();
    let size = if header.contains("u1") { 1 } else { 4 };
    npz[start + 10 + length..][..count * size].to_vec()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn outputs(imported: &Imported, pixels: &[u8]) -> Vec<f32> {
    let x: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let mut memory = PassMemory::new(&imported.network, 4).unwrap();
    let cx = Context::new(2).unwrap();
    let pass = Pass::evaluate();
    imported.network.forward(&cx, &imported.params, &mut memory, &x, pass).unwrap().to_vec()
}

fn check(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() < 1e-4, "{what} {i}: {x}, not {y}");
    }
}

#[test]
fn both_files_give_the_reference_by_the_same_bits() {
    let Some(folder) = folder() else { return };
    let npz = fs::read(folder.join("efficientnet-lite0-reference.npz")).unwrap();
    let [logits, features] = ["logits", "features"].map(|name| floats(&array(&npz, name)));
    let pixels = array(&npz, "pixels");
    let weights = Weights::open(&folder.join("efficientnet-lite0-57934424.pth")).unwrap();
    let onnx = folder.join("efficientnet-lite0.onnx");
    for (what, expected, classifier) in [("logits", logits, true), ("features", features, false)] {
        let torch =
            Backbone::import("efficientnet_lite0", &weights, [224, 224], classifier).unwrap();
        let onnx = Backbone::import_onnx(&onnx, None, Some(PIXELS), classifier).unwrap();
        let found = [torch, onnx].map(|imported| outputs(&imported, &pixels));
        check(what, &found[0], &expected);
        assert!(found[0].iter().zip(&found[1]).all(|(a, b)| a.to_bits() == b.to_bits()), "{what}");
    }
}
