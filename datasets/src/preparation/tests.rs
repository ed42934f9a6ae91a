//! Preparations, against obvious loops and scikit-learn's formulas.

use super::*;
use crate::sample::column::{ColumnKind, Encoding};

fn number(name: &str) -> Column {
    Column { name: name.to_owned(), kind: ColumnKind::NUMBER }
}

fn category(name: &str, names: &[&str], encoding: Encoding) -> Column {
    let names = names.iter().map(ToString::to_string).collect();
    Column { name: name.to_owned(), kind: ColumnKind::Category { names, encoding } }
}

fn fit(columns: &[Column], rows: &[&[f32]]) -> Preparation {
    let mut fit = Fit::new(columns);
    for row in rows {
        fit.push(row);
    }
    fit.finish()
}

fn apply(preparation: &Preparation, row: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; preparation.features(row.len())];
    preparation.apply_floats(row, &mut out);
    out
}

const NAN: f32 = f32::NAN;

fn columns() -> [Column; 5] {
    [
        number("age"),
        number("height"),
        category("colour", &["blue", "red"], Encoding::OneHot),
        category("size", &["L", "M", "S"], Encoding::Ordinal),
        number("same"),
    ]
}

const ROWS: [&[f32]; 4] = [
    &[1.0, NAN, 0.0, 0.0, 7.0],
    &[2.0, 10.0, 1.0, 2.0, 7.0],
    &[6.0, 20.0, NAN, NAN, 7.0],
    &[3.0, 60.0, 1.0, 2.0, 7.0],
];

#[test]
fn each_kind_of_column_becomes_its_features() {
    let preparation = fit(&columns(), &ROWS);
    let names = [
        "age",
        "height",
        "colour=blue",
        "colour=red",
        "size",
        "same",
        "height missing",
        "size missing",
    ];
    assert_eq!(preparation.feature_names(), names);
    assert_eq!(preparation.features(5), 8);
    // Means 3, 30 and 4/3; variances 14/4, 1400/3 and 8/9.
    let (age, height, size) = (3.5_f64.sqrt(), (1400.0_f64 / 3.0).sqrt(), (8.0_f64 / 9.0).sqrt());
    let expected = [
        [-2.0 / age, 0.0, 1.0, 0.0, -4.0 / 3.0 / size, 0.0, 1.0, 0.0],
        [-1.0 / age, -20.0 / height, 0.0, 1.0, 2.0 / 3.0 / size, 0.0, 0.0, 0.0],
        [3.0 / age, -10.0 / height, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 30.0 / height, 0.0, 1.0, 2.0 / 3.0 / size, 0.0, 0.0, 0.0],
    ];
    for (row, expected) in ROWS.iter().zip(expected) {
        for (found, expected) in apply(&preparation, row).iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{row:?}: {found} for {expected}");
        }
    }
}

#[test]
fn categories_never_seen_are_reported_in_either_encoding() {
    for encoding in [Encoding::OneHot, Encoding::Ordinal] {
        let learnt = [category("size", &["L", "M"], encoding)];
        let preparation = fit(&learnt, &[&[0.0], &[1.0], &[1.0]]);
        let stored = [category("size", &["L", "M", "XL"], encoding)];
        let adapted = preparation.adapted(&stored).unwrap();
        let Preparation::Table(table) = &adapted else { panic!("{adapted:?}") };
        let place = adapted.features(1);
        let found = [0.0, 1.0, 2.0, NAN].map(|value| table.out_of_range(&[value]));
        assert_eq!(found, [None, None, Some(place), None], "{encoding:?}");
        assert!(apply(&adapted, &[2.0]).iter().all(|feature| *feature == 0.0), "{encoding:?}");
    }
}

/// Against two passes in f64, for numbers of very different means and spreads, some of them
/// missing.
#[test]
fn standardisation_is_that_of_two_passes() {
    let scales =
        [(0.0, 1.0), (1e9, 300.0), (-5.0, 1e-6), (0.0, 1e30), (1e-30, 1e-32), (65_536.0, 0.25)];
    let noise = |row: usize, column: usize| {
        let bits = (row as u64 * 7 + column as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        bits as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let value = |row: usize, column: usize| {
        let (mean, spread) = scales[column];
        if (row + column).is_multiple_of(11) {
            NAN
        } else {
            (mean + spread * noise(row, column)) as f32
        }
    };
    let rows: Vec<Vec<f32>> = (0..5_000)
        .map(|row| (0..scales.len()).map(|column| value(row, column)).collect())
        .collect();
    let columns: Vec<Column> =
        (0..scales.len()).map(|column| number(&column.to_string())).collect();
    let preparation = fit(&columns, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(preparation.features(6), 12);
    for column in 0..scales.len() {
        let there =
            || rows.iter().map(|row| f64::from(row[column])).filter(|value| !value.is_nan());
        let count = there().count() as f64;
        let mean = there().sum::<f64>() / count;
        let std =
            (there().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt();
        for row in &rows {
            let out = apply(&preparation, row);
            let expected =
                if row[column].is_nan() { 0.0 } else { (f64::from(row[column]) - mean) / std };
            let found = f64::from(out[column]);
            // The second is for the mean of 1e9, which f64 has to a millionth, of a deviation of
            // 87.
            let tolerance = 1e-6 * expected.abs() + 2e-8;
            assert!((found - expected).abs() <= tolerance, "{column}: {found} for {expected}");
            assert_eq!(out[6 + column], f32::from(u8::from(row[column].is_nan())));
        }
    }
}

/// The numbers of scikit-learn's `StandardScaler().fit(x).transform(x)` for `x = [[-1, 1e8], [0.5,
/// 1e8 + 8], [4, 1e8 + 40]]`, by `(x - x.mean(0)) / x.std(0)` in NumPy.
#[test]
fn numbers_are_those_of_scikit_learn() {
    let rows: [&[f32]; 3] = [&[-1.0, 1e8], &[0.5, 100_000_008.0], &[4.0, 100_000_040.0]];
    let preparation = fit(&[number("a"), number("b")], &rows);
    let expected = [-1.0342245, -0.9258201, -0.3182229, -0.46291006, 1.3524474, 1.3887302];
    let found: Vec<f32> = rows.iter().flat_map(|row| apply(&preparation, row)).collect();
    assert_eq!(found, expected);
}

#[test]
fn unknown_and_impossible_values_are_missing() {
    let preparation = fit(&columns(), &ROWS);
    for wrong in [-1.0, 3.0, 1e9, 3e38, NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let out = apply(&preparation, &[wrong, 30.0, wrong, wrong, 7.0]);
        assert_eq!(out[1..], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], "{wrong}");
        assert!(out[0].is_finite() || wrong.abs() > 1e38);
    }
    // A column that no training row has a value of.
    let preparation = fit(&[number("a"), number("b")], &[&[NAN, 1.0]]);
    assert_eq!(apply(&preparation, &[3.0, 3.0]), [3.0, 2.0, 0.0]);
    // And no training row at all.
    assert_eq!(apply(&fit(&[number("a")], &[]), &[3.0]), [3.0]);
}

#[test]
fn another_table_is_found_by_names() {
    let preparation = fit(&columns(), &ROWS);
    let other = [
        category("size", &["M", "S", "XL"], Encoding::OneHot),
        number("more"),
        number("same"),
        category("colour", &["green", "red", "blue"], Encoding::OneHot),
        number("height"),
        number("age"),
    ];
    let adapted = preparation.adapted(&other).unwrap();
    assert_eq!(adapted.feature_names(), preparation.feature_names());
    for (row, same) in [
        ([1.0, -1.0, 7.5, 1.0, 20.0, 4.0], [4.0, 20.0, 1.0, 2.0, 7.5]),
        ([0.0, -1.0, 7.0, 2.0, NAN, 1.0], [1.0, NAN, 0.0, 1.0, 7.0]),
        ([2.0, -1.0, 7.0, 0.0, 5.0, NAN], [NAN, 5.0, NAN, NAN, 7.0]),
    ] {
        assert_eq!(apply(&adapted, &row), apply(&preparation, &same));
    }
    assert_eq!(
        serde_json::to_string(&adapted).unwrap(),
        serde_json::to_string(&preparation).unwrap()
    );
    let says = |columns: &[Column]| preparation.adapted(columns).unwrap_err();
    assert_eq!(says(&other[..5]), "has no column \"age\", which the model learnt from");
    let mut wrong = other.clone();
    wrong[3] = number("colour");
    let problem = "holds numbers in column \"colour\", where the model learnt from categories";
    assert_eq!(says(&wrong), format!("{problem}: read it as categories"));
    wrong[5] = category("age", &["old"], Encoding::OneHot);
    assert_eq!(says(&wrong), "holds texts in column \"age\", where the model learnt from numbers");
}

#[test]
fn bytes_and_floats() {
    let mut out = [NAN; 3];
    Preparation::Bytes { max: 255 }.apply_bytes(&[0, 51, 255], &mut out);
    assert_eq!(out, [0.0, 0.2, 1.0]);
    assert_eq!(apply(&Preparation::Floats, &[1.5, -2.0]), [1.5, -2.0]);
    assert_eq!(apply(&Preparation::Scaled { shift: 1.0, scale: 0.5 }, &[1.5, -2.0]), [0.25, -1.5]);
    assert_eq!(
        (Preparation::Floats.features(7), Preparation::Floats.feature_names().len()),
        (7, 0)
    );
}

#[test]
fn what_is_stored_comes_back_or_is_refused() {
    for preparation in [
        fit(&columns(), &ROWS),
        Preparation::Bytes { max: 16 },
        Preparation::Floats,
        Preparation::Scaled { shift: 0.5, scale: 2.0 },
    ] {
        let text = serde_json::to_string(&preparation).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&text).unwrap(), preparation, "{text}");
    }
    for text in [
        r#"{"bytes":{"max":0}}"#,
        r#"{"bytes":{"max":256}}"#,
        r#"{"bytes":{}}"#,
        r#"{"bytes":{"max":1,"more":1}}"#,
        r#"{"floats":{"more":1}}"#,
        r#"{"scaled":{"shift":1e39,"scale":1}}"#,
        r#""other""#,
        concat!(
            r#"{"table":{"columns":["#,
            r#"{"kind":"number","name":"a","mean":0,"std":0,"indicator":false}]}}"#
        ),
        concat!(
            r#"{"table":{"columns":["#,
            r#"{"kind":"number","name":"a","mean":0,"std":-1,"indicator":false}]}}"#
        ),
        concat!(
            r#"{"table":{"columns":["#,
            r#"{"kind":"number","name":"a","mean":0,"std":1e-320,"indicator":false}]}}"#
        ),
        concat!(
            r#"{"table":{"columns":["#,
            r#"{"kind":"number","name":"a","mean":0,"std":1,"indicator":false,"x":1}]}}"#
        ),
        concat!(
            r#"{"table":{"columns":["#,
            r#"{"kind":"number","name":"a","mean":null,"std":1,"indicator":false}]}}"#
        ),
    ] {
        assert!(serde_json::from_str::<Preparation>(text).is_err(), "{text}");
    }
}

#[test]
fn a_preparation_is_for_values_of_one_type_and_number() {
    let table = fit(&columns(), &ROWS);
    let bytes = Preparation::Bytes { max: 1 };
    assert_eq!(table.takes(Dtype::F32, 5), Ok(()));
    assert_eq!(bytes.takes(Dtype::U8, 5), Ok(()));
    assert_eq!(Preparation::Floats.takes(Dtype::F32, 5), Ok(()));
    for (preparation, dtype, problem) in [
        (table.clone(), Dtype::U8, "holds bytes, where the preparation is for floats"),
        (bytes, Dtype::F32, "holds floats, where the preparation is for bytes"),
        (table, Dtype::F32, "has 4 columns, where the preparation is for 5"),
        (Preparation::Bytes { max: 0 }, Dtype::U8, "bytes cannot be divided by 0"),
        (
            Preparation::Scaled { shift: NAN, scale: 1.0 },
            Dtype::F32,
            "floats cannot be shifted by NaN and scaled by 1",
        ),
    ] {
        assert_eq!(preparation.takes(dtype, 4), Err(problem.to_owned()));
    }
}
