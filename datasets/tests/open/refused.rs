//! Inputs that do not fit together, or are no data.

use std::fs;

use super::tables::TABLE;
use super::{bytes_of, options, whole};
use crate::made_files::{f32s, npy, put};
use narrows_datasets::{
    Dtype, Error, LabelColumn, Metadata, OpenOptions, StoreWriter, TableOptions, TrainTest,
    UNLABELLED, open, open_with,
};

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let store = |name: &str, dtype: Dtype, shape: &[usize], label: Option<u16>| {
        let mut writer =
            StoreWriter::create(&dir.join(name), dtype, shape, label.is_some()).unwrap();
        let width = shape.iter().product();
        for row in 0..3 {
            match dtype {
                Dtype::U8 => writer.push_bytes(&vec![row; width], label.unwrap_or(0)).unwrap(),
                Dtype::F32 => {
                    writer.push_floats(&vec![f32::from(row); width], label.unwrap_or(0)).unwrap()
                }
            }
        }
        let classes = label.map(|_| vec!["a".to_owned(), "b".to_owned()]).unwrap_or_default();
        writer.finish(&Metadata { classes, ..Metadata::default() }).unwrap();
    };
    store("train.narrows", Dtype::U8, &[2, 3], Some(0));
    store("test.narrows", Dtype::U8, &[2, 3], Some(1));
    let TrainTest { train, test } = open(dir).unwrap();
    assert_eq!((train.len(), test.len(), test.labels().unwrap()), (3, 3, Some(&[1; 3][..])));
    for (dtype, shape, label, says) in [
        (Dtype::F32, &[2, 3][..], Some(1), "values of another type"),
        (Dtype::U8, &[3, 2], Some(1), "samples of the shape [3, 2]"),
        (Dtype::U8, &[2, 3, 1], Some(1), "samples of the shape [2, 3, 1]"),
        (Dtype::U8, &[7], Some(1), "samples of the shape [7]"),
        (Dtype::U8, &[2, 3], None, "has no labels"),
    ] {
        store("test.narrows", dtype, shape, label);
        let error = open(dir).unwrap_err().to_string();
        assert!(error.contains("test.narrows: ") && error.contains(says), "{error}");
    }
    store("train.narrows", Dtype::U8, &[2, 3], None);
    store("test.narrows", Dtype::U8, &[2, 3], Some(1));
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("train.narrows: has no labels"), "{error}");
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let x = put(dir, "x.npy", &npy("|u1", "(24, 2, 3)", &bytes_of(0..24)));
    let table = put(dir, "table.csv", TABLE.as_bytes());
    for (data, labels, says) in [
        (&x, npy("|u1", "(23,)", &[0; 23]), "23 labels for 24 samples"),
        (&x, npy("<f4", "(24,)", &f32s(&[0.5; 24])), ""),
        (&x, npy("|u1", "(24, 2)", &[0; 48]), ""),
        (&x, b"a\n1\n".to_vec(), "is no array of labels"),
        (&table, npy("|u1", "(6,)", &[0; 6]), "whose labels are one of its columns"),
    ] {
        let labels = put(dir, "labels.npy", &labels);
        let options = OpenOptions { labels: Some(labels), ..options(dir) };
        let error = open_with(data, &options, &|_, _| {}).unwrap_err().to_string();
        assert!(error.starts_with(dir.to_str().unwrap()) && error.contains(says), "{error}");
    }
    // Some are not known.
    let labels: Vec<u8> = (0..24_i64).flat_map(|row| (row % 4 - 1).to_le_bytes()).collect();
    let labels = put(dir, "labels.npy", &npy("<i8", "(24,)", &labels));
    let data = whole(&x, &OpenOptions { labels: Some(labels), ..options(dir) });
    let expected: Vec<u16> = (0..24).map(|row| [UNLABELLED, 0, 1, 2][row % 4]).collect();
    assert_eq!((data.labels().unwrap(), data.classes()), (Some(&expected[..]), 3));
}

#[test]
fn what_is_no_data_is_an_error_of_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for (name, bytes, says) in [
        ("empty", &b""[..], "is empty"),
        ("binary", b"\x01\x02\x00\x03", "is none of store"),
        ("gz", b"\x1f\x8b\x08\x00\x00", ""),
        ("parquet", b"PAR1....", ""),
        ("zip", b"PK\x03\x04", ""),
    ] {
        let path = put(dir, name, bytes);
        let error: Error = open_with(&path, &options(dir), &|_, _| {}).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(says), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let empty = dir.join("folder");
    fs::create_dir(&empty).unwrap();
    assert!(open(&empty).unwrap_err().to_string().contains("is empty"));
    assert!(open(&dir.join("missing")).unwrap_err().to_string().contains("check the path"));
}

#[test]
fn what_is_said_of_columns_is_refused_where_there_are_none_to_choose() {
    let folder = tempfile::tempdir().unwrap();
    let digits = folder.path().join("digits.npy");
    let mut bytes =
        b"\x93NUMPY\x01\0\x76\0{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2), }"
            .to_vec();
    bytes.resize(127, b' ');
    bytes.extend(b"\n\x01\x02\x03\x04\x05\x06\x07\x08");
    fs::write(&digits, bytes).unwrap();
    let open = |table| {
        let options = OpenOptions { table, ..options(folder.path()) };
        open_with(&digits, &options, &|_, _| {}).map(|opened| opened.data.train.len())
    };
    assert_eq!(open(TableOptions::default()).unwrap(), 3);
    let ignore = TableOptions { ignore: vec!["id".to_owned()], ..TableOptions::default() };
    let label =
        TableOptions { label: LabelColumn::Named("y".to_owned()), ..TableOptions::default() };
    for table in [ignore, label, TableOptions { header: Some(true), ..TableOptions::default() }] {
        let message = open(table).unwrap_err().to_string();
        assert!(
            message.contains("digits.npy: is no table whose columns could be chosen"),
            "{message}"
        );
    }
}
