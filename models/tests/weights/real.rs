//! EfficientNet-Lite0 as its author published it: a legacy file, 50 of whose tensors have strides
//! of their own.

use narrows_models::weights::Weights;
use std::path::PathBuf;

/// The file of that name in `../shared/backbones` beside the project, or in `NARROWS_BACKBONES`;
/// `None`, loudly, where it is not.
pub fn backbone(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("NARROWS_BACKBONES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/backbones"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there: set NARROWS_BACKBONES", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn strides_of_the_published_file_are_honoured() {
    let Some(path) = backbone("efficientnet-lite0-57934424.pth") else { return };
    let weights = Weights::open(&path).unwrap();
    // 296 tensors, of which 49 count batches.
    assert_eq!(weights.len(), 247);
    let stem = weights.get("_conv_stem.weight").unwrap();
    assert_eq!(stem.shape, [32, 3, 3, 3]);
    // By PyTorch. The strides are 1, 32, 288, 96.
    for ([o, i, y, x], expected) in [
        ([0, 0, 0, 1], -1.308_770_4),
        ([0, 1, 0, 0], -2.116_202_4),
        ([1, 0, 0, 0], -0.296_026_83),
        ([5, 1, 2, 0], 0.063_007_71),
        ([31, 2, 2, 2], 2.235_174_2e-8),
    ] {
        assert_eq!(stem.values[((o * 3 + i) * 3 + y) * 3 + x], expected, "{o} {i} {y} {x}");
    }
    // A sum over all values, which depends on the place of each in its tensor; by PyTorch, too.
    let values = weights.iter().map(|(_, tensor)| tensor.values.len()).sum::<usize>();
    let sum = weights.iter().flat_map(|(_, tensor)| tensor.values.iter().enumerate());
    let sum: f64 = sum.map(|(at, &value)| (at % 97) as f64 * f64::from(value)).sum();
    assert_eq!(values, 4_694_024);
    assert!((sum / 19_630_065.255_747_71 - 1.0).abs() < 1e-9, "{sum}");
}
