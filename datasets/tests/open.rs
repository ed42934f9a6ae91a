//! Every format through the one door, from the file to what a model sees.

mod arrays;
mod refused;
mod tables;
mod validation;

use std::collections::BTreeMap;
use std::path::Path;

use narrows_datasets::{
    Dataset, Dtype, Metadata, OpenOptions, Parts, StoreWriter, TrainTest, UNLABELLED, open,
    open_whole, open_with,
};

fn options(cache: &Path) -> OpenOptions {
    OpenOptions { cache: Some(cache.to_owned()), ..OpenOptions::default() }
}

fn whole(path: &Path, options: &OpenOptions) -> Dataset {
    match open_whole(path, options, &|_, _| {}).unwrap().data {
        Parts::Whole(data) => data,
        Parts::Halves(..) => panic!("it is one"),
    }
}

/// All samples as a model sees them.
fn seen(data: &Dataset) -> Vec<Vec<f32>> {
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    let mut out = vec![-9.0; rows.len() * data.sample_len()];
    data.gather(&rows, &mut out).unwrap();
    out.chunks(data.sample_len()).map(<[f32]>::to_vec).collect()
}

/// All samples as they are stored.
fn stored(data: &Dataset) -> Vec<Vec<u8>> {
    (0..data.len()).map(|row| data.stored_bytes(row).unwrap()).collect()
}

fn stored_floats(data: &Dataset) -> Vec<Vec<f32>> {
    let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    stored(data).iter().map(|sample| sample.chunks(4).map(float).collect()).collect()
}

/// 24 samples of 2 x 3 bytes that begin with their number.
fn bytes_of(rows: std::ops::Range<usize>) -> Vec<u8> {
    rows.flat_map(|row| {
        (0..6).map(move |at| if at == 0 { row as u8 } else { (row * 37 + at * 11) as u8 })
    })
    .collect()
}

fn label(row: usize) -> u16 {
    (row % 3) as u16
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / values.len() as f64).sqrt())
}

fn assert_near(found: f32, expected: f64) {
    assert!(
        (f64::from(found) - expected).abs() < 1e-5 * (1.0 + expected.abs()),
        "{found} is not {expected}"
    );
}

#[test]
fn the_test_has_one_sample_in_six_of_each_class_and_none_without_a_label() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.narrows");
    let classes = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let metadata = Metadata { classes, ..Metadata::default() };
    let write = |labels: &[u16], labelled: bool| {
        let mut writer = StoreWriter::create(&path, Dtype::U8, &[2], labelled).unwrap();
        for (row, &label) in labels.iter().enumerate() {
            writer.push_bytes(&(row as u16).to_le_bytes(), label).unwrap();
        }
        writer.finish(&metadata).unwrap();
    };
    let rows = |data: &Dataset| -> Vec<u16> {
        stored(data).iter().map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).collect()
    };
    // 100 of class 0, 11 of 1, 2 of 2, 1 of 3, and 300 without.
    let mut labels =
        [vec![0; 100], vec![1; 11], vec![2; 2], vec![3], vec![UNLABELLED; 300]].concat();
    labels.sort_by_key(|&label| (u32::from(label) * 7 + 1) % 11);
    let count = labels.len();
    for row in 0..count {
        labels.swap(row, row * 131 % count);
    }
    write(&labels, true);
    let TrainTest { train, test } = open(&path).unwrap();
    for half in [&train, &test] {
        let expected: Vec<u16> = rows(half).iter().map(|&row| labels[usize::from(row)]).collect();
        assert_eq!(half.labels().unwrap(), Some(&expected[..]));
        assert_eq!(half.class_names(), metadata.classes);
    }
    let mut counts = BTreeMap::new();
    test.labels()
        .unwrap()
        .unwrap()
        .iter()
        .for_each(|&label| *counts.entry(label).or_insert(0) += 1);
    assert_eq!(counts, BTreeMap::from([(0, 16), (1, 1), (2, 1)]));
    let mut all = [rows(&train), rows(&test)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..count as u16).collect::<Vec<_>>());
    assert!(rows(&train).is_sorted() && rows(&test).is_sorted());
    assert_eq!(rows(&open(&path).unwrap().test), rows(&test));

    // Without any label, said so or not, the test is of all.
    for labelled in [false, true] {
        write(&[UNLABELLED; 60], labelled);
        let TrainTest { train, test } = open(&path).unwrap();
        assert_eq!((train.len(), test.len()), (50, 10));
    }
    write(&[0, 1, 2, UNLABELLED], true);
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("no class has two"), "{error}");
}

#[test]
fn a_store_keeps_its_halves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.narrows");
    let mut writer = StoreWriter::create(&path, Dtype::F32, &[1], true).unwrap();
    for row in 0..10 {
        if row == 4 {
            writer.test_begins();
        }
        writer.push_floats(&[row as f32], row % 2).unwrap();
    }
    let classes = vec!["even".to_owned(), "odd".to_owned()];
    writer.finish(&Metadata { classes, ..Metadata::default() }).unwrap();
    let TrainTest { train, test } = open(&path).unwrap();
    assert_eq!(stored_floats(&train).concat(), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(test.labels().unwrap(), Some(&[0, 1, 0, 1, 0, 1][..]));
    let (mean, deviation) = mean_and_deviation(&[0.0, 1.0, 2.0, 3.0]);
    for (row, seen) in (4..).zip(seen(&test).concat()) {
        assert_near(seen, (f64::from(row) - mean) / deviation);
    }
    let with_labels = OpenOptions { labels: Some(path.clone()), ..OpenOptions::default() };
    let error = open_with(&path, &with_labels, &|_, _| {}).unwrap_err().to_string();
    assert!(error.ends_with("give no others"), "{error}");
}
