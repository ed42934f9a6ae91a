//! Data divided into files of their own.

use std::fs;
use std::path::{Path, PathBuf};

use narrows_datasets::{
    OpenOptions, Parts, Shares, UNLABELLED, Undivided, Unlabelled, open, open_whole, split,
};

const SHARES: Shares = Shares { train: 0.6, validation: 0.15, test: 0.25 };

/// An IDX file of bytes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// A sample of one byte for each of `labels`: its number.
fn numbered(folder: &Path, labels: &[i32]) -> Undivided {
    let values: Vec<u8> = (0..labels.len() as u8).collect();
    fs::write(folder.join("values"), idx(&[labels.len() as u32, 1], &values)).unwrap();
    let mut of_labels = idx(&[labels.len() as u32], &[]);
    of_labels[2] = 0x0c;
    of_labels.extend(labels.iter().flat_map(|label| label.to_be_bytes()));
    fs::write(folder.join("labels"), of_labels).unwrap();
    let options = OpenOptions { labels: Some(folder.join("labels")), ..OpenOptions::default() };
    open_whole(&folder.join("values"), &options, &|_, _| {}).unwrap()
}

fn labels_of_45() -> Vec<i32> {
    (0..45).map(|row| if row % 9 == 4 { -1 } else { row % 7 % 3 }).collect()
}

/// The rows in a file of the result, and their labels.
fn rows_in(path: PathBuf) -> (Vec<u8>, Vec<i32>) {
    let data = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap();
    let Parts::Whole(data) = data.data else { panic!("{} is divided", path.display()) };
    let rows = (0..data.len()).map(|row| data.stored_bytes(row).unwrap()[0]).collect();
    let label = |&label: &u16| if label == UNLABELLED { -1 } else { i32::from(label) };
    (rows, data.labels().unwrap().unwrap().iter().map(label).collect())
}

/// The values that `oracle/splits.py` computes. They never change: what was tested on stays apart
/// from what was learnt from.
#[test]
fn the_choice_is_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let data = numbered(folder.path(), &labels_of_45());
    for (unlabelled, validation, test) in [
        (Unlabelled::Train, VALIDATION, TEST),
        (Unlabelled::Spread, SPREAD_VALIDATION, SPREAD_TEST),
    ] {
        let out = folder.path().join(format!("{unlabelled:?}"));
        split(&data, &out, SHARES, 5, unlabelled, &mut |_, _| {}).unwrap();
        let [train, of_validation, of_test] = ["train", "validation", "test"]
            .map(|part| rows_in(out.join(format!("{part}.narrows"))));
        assert_eq!(of_validation.0, validation);
        assert_eq!(of_test.0, test);
        let mut all = [&train.0[..], &of_validation.0, &of_test.0].concat();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..45));
        for (rows, labels) in [train, of_validation, of_test] {
            assert!(rows.is_sorted());
            let expected = rows.iter().map(|&row| labels_of_45()[usize::from(row)]);
            assert_eq!(labels, Vec::from_iter(expected));
        }
        // A folder has them all: those for validation are the last of those to train on.
        let halves = open(&out).unwrap();
        let (train, held) = (&halves.train, halves.train.validation());
        assert_eq!((train.len(), halves.test.len()), (45 - test.len(), test.len()));
        assert_eq!((train.learnt(), held.len()), (45 - test.len() - held.len(), validation.len()));
    }
}

const VALIDATION: &[u8] = &[3, 17, 18, 19, 25, 28, 37];
const TEST: &[u8] = &[2, 29, 33, 34, 35, 38, 39, 41, 43, 44];
const SPREAD_VALIDATION: &[u8] = &[3, 17, 18, 19, 22, 25, 28, 37];
const SPREAD_TEST: &[u8] = &[2, 29, 33, 34, 35, 38, 39, 40, 41, 43, 44];

#[test]
fn classes_are_divided_alike_and_seeds_differ() {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<i32> =
        (0..200).map(|row| i32::from(row >= 20) + i32::from(row >= 80)).collect();
    let data = numbered(folder.path(), &labels);
    let mut seen = Vec::new();
    for seed in 0..5 {
        let out = folder.path().join(seed.to_string());
        let shares = Shares { train: 0.75, validation: 0.0, test: 0.25 };
        let parts = split(&data, &out, shares, seed, Unlabelled::Train, &mut |_, _| {}).unwrap();
        assert!(parts[1].is_none() && !out.join("validation.narrows").exists());
        let (rows, labels) = rows_in(out.join("test.narrows"));
        let counts = [0, 1, 2].map(|class| labels.iter().filter(|&&label| label == class).count());
        assert_eq!(counts, [5, 15, 30]);
        seen.push(rows);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[test]
fn what_cannot_be_divided_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<i32> = (0..45).map(|row| i32::from(row < 3)).collect();
    let data = numbered(folder.path(), &labels);
    let out = folder.path().join("out");
    let refused = |data: &Undivided, shares: Shares| {
        let result = split(data, &out, shares, 1, Unlabelled::Train, &mut |_, _| {});
        result.unwrap_err().to_string()
    };
    let said = refused(&data, SHARES);
    assert!(
        said.contains("class \"1\" has 3 samples, of which validation would get none"),
        "{said}"
    );
    let said = refused(&data, Shares { train: 0.6, validation: 0.15, test: 0.26 });
    assert!(
        said.contains("0.6 to train, 0.15 to validate and 0.26 to test do not sum to 1"),
        "{said}"
    );
    assert!(!out.exists());
    // Damage in the values shows when they are read: what was begun is removed.
    let good = numbered(folder.path(), &labels_of_45());
    split(&good, &out, SHARES, 1, Unlabelled::Train, &mut |_, _| {}).unwrap();
    let said = refused(&good, SHARES);
    assert!(said.contains("out: holds ") && said.contains(".narrows already"), "{said}");
    let train = out.join("train.narrows");
    let mut bytes = fs::read(&train).unwrap();
    bytes[4096] ^= 1;
    fs::write(&train, &bytes).unwrap();
    let damaged = open_whole(&train, &OpenOptions::default(), &|_, _| {}).unwrap();
    let again = folder.path().join("again");
    let error = split(&damaged, &again, SHARES, 1, Unlabelled::Spread, &mut |_, _| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("is damaged"), "{error}");
    assert!(!again.exists());
    bytes[4096] ^= 1;
    fs::write(&train, &bytes).unwrap();
    let halves = open_whole(&out, &OpenOptions::default(), &|_, _| {}).unwrap();
    let said = split(&halves, &again, SHARES, 1, Unlabelled::Train, &mut |_, _| {})
        .unwrap_err()
        .to_string();
    assert!(said.contains("has test samples of its own"), "{said}");
}
