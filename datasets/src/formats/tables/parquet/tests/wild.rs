//! Numbers that no training can take are refused by row and column, as in a text.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};

use super::*;
use crate::formats::tables::cell::{FieldKind, TableCell};
use crate::formats::tables::write::{TableFormat, TableWriter};
use crate::{OpenOptions, TrainTest, open, open_whole};

const ROWS: usize = 60;
const FILES: [&str; 3] = ["t.parquet", "t.arrow", "t.arrows"];

/// A table of two columns of numbers and the labels, with `wild` in the second of row `at`.
fn put(path: &Path, (at, wild): (usize, f64), wide: bool) {
    let second = |row: usize| if row == at { wild } else { (row * 7 % 13) as f64 / 4.0 };
    let label = |row: usize| ["x", "y"][row % 2];
    if path.extension().is_some_and(|ending| ending == "parquet") {
        let fields =
            [("a", FieldKind::Number), ("b", FieldKind::Number), ("label", FieldKind::Text)];
        let mut writer = TableWriter::create(path, TableFormat::Parquet, &fields).unwrap();
        for row in 0..ROWS {
            let [a, b] = [(row % 5) as f32, second(row) as f32].map(TableCell::Number);
            writer.row(&[a, b, TableCell::Text(label(row))]).unwrap();
        }
        writer.finish().unwrap();
        return;
    }
    let column = |value: &dyn Fn(usize) -> f64| -> ArrayRef {
        match wide {
            true => Arc::new(Float64Array::from_iter_values((0..ROWS).map(value))),
            false => Arc::new(Float32Array::from_iter_values((0..ROWS).map(|r| value(r) as f32))),
        }
    };
    let columns: [(&str, ArrayRef); 3] = [
        ("a", column(&|row| (row % 5) as f64)),
        ("b", column(&second)),
        ("label", Arc::new(StringArray::from_iter_values((0..ROWS).map(label)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "arrow") {
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).and_then(|()| writer.finish()).unwrap();
    } else {
        let mut writer = StreamWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).and_then(|()| writer.finish()).unwrap();
    }
}

#[test]
fn a_number_beside_which_others_do_not_count_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        let path = folder.path().join(file);
        for (wild, written) in [
            (1e20, "1e20 is "),
            (1e30, "1e30 is "),
            (-3e38, "-3e38 is "),
            (f64::INFINITY, "is infinite"),
            (f64::NEG_INFINITY, "is infinite"),
        ] {
            // Rows to learn from, and some for the test.
            for at in 0..12 {
                put(&path, (at, wild), at % 2 == 0);
                let error = open(&path).unwrap_err().to_string();
                assert!(error.contains(", column \"b\": "), "{file}: {error}");
                assert!(error.contains(written), "{file}: {error}");
                assert!(error.contains(&format!("row {at},")), "{file}, {at}: {error}");
            }
        }
    }
}

/// By a model that learnt from good numbers.
#[test]
fn a_number_far_beyond_those_learnt_from_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        let path = folder.path().join(file);
        put(&path, (0, 1.0), false);
        let TrainTest { train, .. } = open(&path).unwrap();
        for (wild, written) in [(1e30, "1e30 is far"), (3e38, "3e38 is far")] {
            put(&path, (9, wild), false);
            let whole = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap().data;
            let error = whole.prepared_like(train.preparation()).unwrap_err().to_string();
            assert!(error.contains("row 9, column \"b\": ") && error.contains(written), "{error}");
        }
    }
}

/// NaN is a missing number, and one beyond 32 bits is none that can be stored.
#[test]
fn nan_is_missing_and_a_number_beyond_32_bits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        let path = folder.path().join(file);
        put(&path, (5, f64::NAN), false);
        let TrainTest { train, test } = open(&path).unwrap();
        assert_eq!(train.preparation().feature_names().last().unwrap(), "b missing");
        let mut missing = 0.0;
        for half in [&train, &test] {
            let mut seen = vec![0.0; half.sample_len()];
            for row in 0..half.len() as u32 {
                half.gather(&[row], &mut seen).unwrap();
                assert!(seen.iter().all(|value| value.is_finite()), "{seen:?}");
                missing += seen[half.sample_len() - 1];
            }
        }
        assert!(missing > 0.0, "{file}: nothing is missing");
    }
    let path = folder.path().join("t.arrow");
    put(&path, (7, 1e300), true);
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("row 7, column \"b\": "), "{error}");
}
