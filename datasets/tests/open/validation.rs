//! Samples for validation in a file of arrays.

use super::{stored, stored_floats, whole};
use crate::made_files::{Member, f32s, npy, put, zip};
use narrows_datasets::{ExportPart, OpenOptions, UNLABELLED, export, open, open_whole, open_with};

fn bytes(values: &[u8]) -> Vec<u8> {
    npy("|u1", &format!("({}, 1)", values.len()), values)
}

fn labels(values: &[i8]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().map(|&value| value as u8).collect();
    npy("|i1", &format!("({},)", values.len()), &values)
}

#[test]
fn they_lie_behind_the_training_samples() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["val", "valid", "validation"] {
        let (x, y) = (format!("X_{name}.npy"), format!("{name}_labels.npy"));
        let path = put(
            dir.path(),
            "all.npz",
            &zip(&[
                Member::stored("X_train.npy", &bytes(&[1, 2, 3])),
                Member::stored("train_labels.npy", &labels(&[5, 7, 5])),
                Member::stored(&x, &bytes(&[4, 5])),
                Member::stored(&y, &labels(&[7, 9])),
                Member::stored("X_test.npy", &bytes(&[6, 7])),
                Member::stored("test_labels.npy", &labels(&[6, 5])),
                Member::stored("names.npy", &bytes(&[0])),
            ]),
        );
        let opened = open_with(&path, &OpenOptions::default(), &|_, _| {}).unwrap();
        let (train, test) = (&opened.data.train, &opened.data.test);
        assert_eq!(stored(train), [[1], [2], [3], [4], [5]]);
        assert_eq!(train.validation(), 3..5);
        // 9 is learnt from nowhere, and so is no label; 6 is one of the test's alone.
        assert_eq!(train.labels().unwrap().unwrap(), [0, 1, 0, 1, UNLABELLED]);
        assert_eq!(train.class_names(), ["5", "7"]);
        assert_eq!(test.class_names(), ["5", "7", "6"]);
        assert_eq!(test.labels().unwrap().unwrap(), [2, 0]);
        for says in
            ["left out were the arrays \"names\"", "2 samples are for validation", "class \"6\""]
        {
            assert!(opened.notes.iter().any(|note| note.contains(says)), "{:?}", opened.notes);
        }
        let whole = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap();
        let exported =
            export(&whole, ExportPart::All, &dir.path().join("out.npz"), &mut |_, _| {}).unwrap();
        assert_eq!((exported.rows, exported.validation), (7, 2));
    }
}

#[test]
fn they_fit_no_preparation_and_are_never_taken_for_the_test() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
    let path = put(
        dir.path(),
        "floats.npz",
        &zip(&[
            Member::stored("x_train.npy", &npy("<f4", "(12, 1)", &f32s(&values))),
            Member::stored("x_val.npy", &npy("<f4", "(2, 1)", &f32s(&[1e6, -1e6]))),
        ]),
    );
    let all = whole(&path, &OpenOptions::default());
    assert_eq!((all.len(), all.learnt()), (14, 12));
    let data = open(&path).unwrap();
    assert_eq!((data.train.len(), data.train.validation(), data.test.len()), (12, 10..12, 2));
    assert_eq!(stored_floats(&data.train)[10..], [[1e6], [-1e6]]);
    let mut seen = [0.0; 2];
    data.train.gather(&[0, 9], &mut seen).unwrap();
    assert!(seen.iter().all(|value| value.abs() < 2.0), "{seen:?}");
}

/// Nothing is learnt from them, and what learnt from others cannot take them.
#[test]
fn their_numbers_far_beyond_the_others_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<f32> = (0..48).map(|value| (value % 7) as f32).collect();
    // Lists of values, and images.
    for (shape, of_validation) in [("(12, 4)", "(2, 4)"), ("(12, 2, 2)", "(2, 2, 2)")] {
        for (wild, written) in [
            (1e20, "sample 13, value 2: 1e20 is far beyond"),
            (-3e38, "sample 13, value 2: -3e38 is far beyond"),
            (f32::NAN, "sample 13 holds NaN at its value 2"),
            (f32::INFINITY, "sample 13 holds inf at its value 2"),
        ] {
            let mut held = [1.0; 8];
            held[6] = wild;
            let members = [
                Member::stored("x_train.npy", &npy("<f4", shape, &f32s(&values))),
                Member::stored("x_val.npy", &npy("<f4", of_validation, &f32s(&held))),
            ];
            let path = put(dir.path(), "floats.npz", &zip(&members));
            let error = open(&path).unwrap_err().to_string();
            assert!(error.contains(written), "{error}");
        }
    }
}

#[test]
fn a_half_may_have_no_labels() {
    let dir = tempfile::tempdir().unwrap();
    for (labelled, of) in [("y_train.npy", 3), ("y_test.npy", 2)] {
        let path = put(
            dir.path(),
            "half.npz",
            &zip(&[
                Member::stored("x_train.npy", &bytes(&[1, 2, 3])),
                Member::stored("x_test.npy", &bytes(&[4, 5])),
                Member::stored(labelled, &labels(&[1, 0, 1][..of])),
            ]),
        );
        let opened = open_with(&path, &OpenOptions::default(), &|_, _| {}).unwrap();
        let has = (opened.data.train.has_labels(), opened.data.test.has_labels());
        assert_eq!(has, (of == 3, of == 2));
        assert!(opened.notes[0].contains("have no labels"), "{:?}", opened.notes);
    }
}
