use super::*;
use crate::formats::arrays::npy::find_array;
use crate::formats::arrays::tests::vectors::{OneFile, assert_says, npy_of};

fn labels(
    descr: &str,
    shape: &str,
    values: &[u8],
) -> Result<(Vec<u16>, Vec<String>), (String, OneFile)> {
    let one = OneFile::new("y.npy", &npy_of(descr, shape, values));
    match labels_of(&[&find_array(&one.path).unwrap()]) {
        Ok((mut labels, names)) => Ok((labels.pop().unwrap(), names)),
        Err(error) => {
            assert_says(&error, &one.path, "");
            Err((error.to_string(), one))
        }
    }
}

fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn classes_are_the_numbers_that_occur_in_ascending_order() {
    type Case<'a> = (&'a str, &'a str, Vec<u8>, &'a [u16], &'a [&'a str]);
    let cases: &[Case] = &[
        ("|u1", "(4,)", vec![9, 0, 10, 9], &[1, 0, 2, 1], &["0", "9", "10"]),
        ("|b1", "(3,)", vec![1, 0, 1], &[1, 0, 1], &["0", "1"]),
        ("|i1", "(3,)", vec![255, 3, 2], &[UNLABELLED, 1, 0], &["2", "3"]),
        (">u2", "(2, 1)", vec![1, 0, 0, 1], &[1, 0], &["1", "256"]),
        ("<i8", "(3,)", i64s(&[-1, 7, -1]), &[UNLABELLED, 0, UNLABELLED], &["7"]),
        ("<i8", "(2,)", i64s(&[-1, -1]), &[UNLABELLED, UNLABELLED], &[]),
        // One number as f32, and not even all different as f64.
        (
            "<i8",
            "(4,)",
            i64s(&[(1 << 24) + 1, 1 << 24, i64::MAX, i64::MAX - 1]),
            &[1, 0, 3, 2],
            &["16777216", "16777217", "9223372036854775806", "9223372036854775807"],
        ),
        ("<u8", "(2,)", [[0xff; 8], [0; 8]].concat(), &[1, 0], &["0", "18446744073709551615"]),
        (
            "<f8",
            "(5,)",
            f64s(&[2.0, f64::NAN, -0.0, -1.0, 16_777_217.0]),
            &[1, UNLABELLED, 0, UNLABELLED, 2],
            &["0", "2", "16777217"],
        ),
    ];
    for (descr, shape, values, expected, expected_names) in cases {
        let (labels, read) = labels(descr, shape, values).map_err(|(message, _)| message).unwrap();
        assert_eq!((&labels[..], read), (*expected, names(expected_names)), "{descr}");
    }
}

#[test]
fn what_is_no_label_is_an_error_that_names_the_row() {
    let cases: &[(&str, &str, Vec<u8>, &str)] = &[
        ("<i8", "(3,)", i64s(&[0, 1, -2]), "row 2 has the label -2"),
        ("<f8", "(2,)", f64s(&[0.0, 0.5]), "row 1 has the label 0.5, which is no whole number"),
        ("<f8", "(2,)", f64s(&[0.0, -3.0]), "row 1 has the label -3, where only -1"),
        ("<f8", "(1,)", f64s(&[f64::INFINITY]), "row 0 has the label inf"),
        ("<f8", "(1,)", f64s(&[2_f64.powi(64)]), "row 0 has the label 18446744073709552000, which"),
        ("|u1", "(2, 2)", vec![0, 1, 1, 0], "holds 2 x 2 values"),
        ("|u1", "(2, 2)", vec![0, 1, 1, 0], "if they are one-hot, save their argmax"),
        ("|u1", "(2, 1, 1)", vec![0, 1], "holds 2 x 1 x 1 values"),
    ];
    for (descr, shape, values, says) in cases {
        let (message, _) = labels(descr, shape, values).unwrap_err();
        assert!(message.contains(says), "{message:?} does not say {says:?}");
    }
}

#[test]
fn there_are_65535_classes_at_most() {
    let all: Vec<i64> = (0..65_536).rev().collect();
    let (read, names) =
        labels("<i8", "(65535,)", &i64s(&all[1..])).map_err(|(message, _)| message).unwrap();
    assert_eq!((names.len(), read[0], read[65_534]), (65_535, 65_534, 0));
    let (message, _) = labels("<i8", "(65536,)", &i64s(&all)).unwrap_err();
    assert!(
        message.contains("row 65535 has the label 0, and with it more than 65535 classes"),
        "{message}"
    );
}

#[test]
fn the_classes_of_both_halves_are_numbered_together() {
    let train = OneFile::new("train.npy", &npy_of("|u1", "(3,)", &[5, 3, 5]));
    let test = OneFile::new("test.npy", &npy_of("<i8", "(3,)", &i64s(&[4, -1, 3])));
    let arrays = [find_array(&train.path).unwrap(), find_array(&test.path).unwrap()];
    let read = labels_of(&[&arrays[0], &arrays[1]]).unwrap();
    assert_eq!(read, (vec![vec![2, 0, 2], vec![1, UNLABELLED, 0]], names(&["3", "4", "5"])));
}
