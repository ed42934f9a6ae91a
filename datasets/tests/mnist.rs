//! MNIST itself, where it is at hand: `NARROWS_DATA` or `../shared/datasets` beside the workspace,
//! in the folder `mnist`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use narrows_datasets::{Dataset, open};

fn mnist() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets");
    let folder = std::env::var_os("NARROWS_DATA").map_or(beside, PathBuf::from).join("mnist");
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: no MNIST in {}; name the folder above it in NARROWS_DATA",
            folder.display()
        );
        return None;
    }
    Some(folder)
}

fn mean_and_deviation(dataset: &Dataset) -> (f64, f64) {
    let (mut sum, mut squares) = (0_u64, 0_u64);
    for row in 0..dataset.len() {
        for value in dataset.stored_bytes(row).unwrap() {
            sum += u64::from(value);
            squares += u64::from(value) * u64::from(value);
        }
    }
    let n = (dataset.len() * dataset.sample_len()) as f64;
    let mean = sum as f64 / n;
    (mean / 255.0, (squares as f64 / n - mean * mean).sqrt() / 255.0)
}

#[test]
fn mnist_is_read_as_it_is_known() {
    let Some(folder) = mnist() else { return };
    let both = open(&folder).unwrap();
    for (dataset, len, first, per_class) in [
        (
            &both.train,
            60_000,
            [5, 0, 4, 1, 9],
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        ),
        (
            &both.test,
            10_000,
            [7, 2, 1, 0, 4],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        ),
    ] {
        assert_eq!((dataset.name(), dataset.len(), dataset.classes()), ("mnist", len, 10));
        assert_eq!(dataset.image_shape(), Some((28, 28, 1)));
        let labels = dataset.labels().unwrap().unwrap();
        assert_eq!(labels[..5], first);
        let mut counts = [0; 10];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        assert_eq!(counts, per_class);
    }
    // The mean and the standard deviation that everyone normalises MNIST by.
    let (mean, deviation) = mean_and_deviation(&both.train);
    assert!(
        (mean - 0.1307).abs() < 5e-5 && (deviation - 0.3081).abs() < 5e-5,
        "{mean} {deviation}"
    );

    let rows: Vec<u32> = (0..10_000).collect();
    let mut x = vec![0.0; 10_000 * 784];
    both.test.gather(&rows, &mut x).unwrap();
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64;
    assert!((mean - mean_and_deviation(&both.test).0).abs() < 1e-8);
}

#[test]
fn mapped_and_decompressed_mnist_are_the_same() {
    let Some(folder) = mnist() else { return };
    let plain = tempfile::tempdir().unwrap();
    for half in ["train", "t10k"] {
        for end in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
            let name = format!("{half}-{end}");
            let compressed = folder.join(format!("{name}.gz"));
            let target = plain.path().join(&name);
            if compressed.exists() {
                let mut decoder = GzDecoder::new(File::open(compressed).unwrap());
                io::copy(&mut decoder, &mut File::create(target).unwrap()).unwrap();
            } else {
                fs::copy(folder.join(&name), target).unwrap();
            }
        }
    }
    let (compressed, mapped) = (open(&folder).unwrap(), open(plain.path()).unwrap());
    for (one, other) in [(compressed.train, mapped.train), (compressed.test, mapped.test)] {
        assert_eq!(one.labels().unwrap(), other.labels().unwrap());
        assert!(
            (0..one.len())
                .all(|row| one.stored_bytes(row).unwrap() == other.stored_bytes(row).unwrap())
        );
    }
}
