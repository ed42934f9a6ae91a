//! Arrays of bytes and of floats, from each format.

use std::path::PathBuf;

use super::{
    assert_near, bytes_of, label, mean_and_deviation, options, seen, stored, stored_floats, whole,
};
use crate::made_files::{self, Member, f32s, gzip, idx, npy, put, zip};
use narrows_datasets::{
    Access, Dataset, Dtype, OpenOptions, Preparation, TrainTest, open, open_with,
};

fn safetensors(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut at = 0;
    let mut entries = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let end = at + bytes.len();
        entries.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
        ));
        at = end;
    }
    let mut header = format!("{{{}}}", entries.join(","));
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let values: Vec<u8> = tensors.iter().flat_map(|(.., bytes)| bytes.clone()).collect();
    made_files::safetensors(&header, &values)
}

/// The samples begin with their number, which says their label and all other values.
fn assert_samples(data: &Dataset, labelled: bool) {
    let labels = data.labels().unwrap();
    assert_eq!(labels.is_some(), labelled);
    for (at, sample) in stored(data).into_iter().enumerate() {
        let row = usize::from(sample[0]);
        assert_eq!(sample, bytes_of(row..row + 1));
        assert!(labels.is_none_or(|labels| labels[at] == label(row)));
    }
    assert_eq!(data.preparation(), &Preparation::Bytes { max: 255 });
    assert_eq!(data.dtype(), Dtype::U8);
    let expected: Vec<Vec<f32>> = stored(data)
        .iter()
        .map(|sample| sample.iter().map(|&value| f32::from(value) / 255.0).collect())
        .collect();
    assert_eq!(seen(data), expected);
}

fn numbers(data: &Dataset) -> Vec<usize> {
    stored(data).iter().map(|sample| usize::from(sample[0])).collect()
}

#[test]
fn arrays_of_bytes_come_out_of_every_format_alike() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let labels: Vec<u8> = (0..24).map(|row| label(row) as u8).collect();
    let x = |rows: std::ops::Range<usize>| {
        npy("|u1", &format!("({}, 2, 3)", rows.len()), &bytes_of(rows))
    };
    let y = |rows: std::ops::Range<usize>| npy("|u1", &format!("({},)", rows.len()), &labels[rows]);
    let idx_file = put(dir, "data.idx", &idx(0x08, &[24, 2, 3], &bytes_of(0..24)));
    let idx_gz = put(dir, "data.idx.gz", &gzip(&idx(0x08, &[24, 2, 3], &bytes_of(0..24))));
    let npy_file = put(dir, "data", &x(0..24));
    let idx_labels = put(dir, "labels.idx", &idx(0x08, &[24], &labels));
    let npy_labels = put(dir, "labels", &y(0..24));
    let npz = put(
        dir,
        "xy.npz",
        &zip(&[Member::stored("y.npy", &y(0..24)), Member::stored("x.npy", &x(0..24))]),
    );
    let tensors = |rows: std::ops::Range<usize>, suffix: &str| {
        [
            (format!("x{suffix}"), "U8", vec![rows.len(), 2, 3], bytes_of(rows.clone())),
            (format!("y{suffix}"), "U8", vec![rows.len()], labels[rows].to_vec()),
        ]
    };
    let save = |name: &str, tensors: &[(String, &'static str, Vec<usize>, Vec<u8>)]| {
        let tensors: Vec<_> = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| (name.as_str(), *dtype, &shape[..], bytes.clone()))
            .collect();
        put(dir, name, &safetensors(&tensors))
    };
    let tensors_file = save("xy.safetensors", &tensors(0..24, ""));
    let mut splits = Vec::new();
    for access in [Access::Map, Access::Read] {
        let plain = OpenOptions { access, ..options(dir) };
        let with = |labels: &PathBuf| OpenOptions { labels: Some(labels.clone()), ..plain.clone() };
        for (path, options, labelled) in [
            (&idx_file, with(&idx_labels), true),
            (&idx_gz, with(&npy_labels), true),
            (&npy_file, with(&npy_labels), true),
            (&npz, plain.clone(), true),
            (&tensors_file, plain.clone(), true),
            (&idx_file, plain.clone(), false),
            (&npy_file, plain.clone(), false),
        ] {
            let data = whole(path, &options);
            assert_eq!((data.len(), data.image_shape()), (24, Some((2, 3, 1))));
            assert_eq!(numbers(&data), (0..24).collect::<Vec<_>>());
            assert_samples(&data, labelled);
            let TrainTest { train, test } = open_with(path, &options, &|_, _| {}).unwrap().data;
            assert_samples(&train, labelled);
            assert_samples(&test, labelled);
            let mut all = [numbers(&train), numbers(&test)].concat();
            all.sort_unstable();
            assert_eq!((all, test.len()), ((0..24).collect(), if labelled { 3 } else { 4 }));
            splits.push((labelled, numbers(&test)));
        }
    }
    // The same for all that are labelled, and for all that are not.
    splits.sort();
    splits.dedup();
    assert_eq!(splits.len(), 2, "{splits:?}");

    // Two halves.
    let members = [
        Member::stored("x_train.npy", &x(0..20)),
        Member::stored("y_train.npy", &y(0..20)),
        Member::deflated("x_test.npy", &x(20..24)),
        Member::deflated("y_test.npy", &y(20..24)),
    ];
    let npz = put(dir, "halves.npz", &zip(&members));
    let halves = [tensors(0..20, "_train"), tensors(20..24, "_test")].concat();
    for path in [npz, save("halves.safetensors", &halves)] {
        let TrainTest { train, test } = open(&path).unwrap();
        assert_eq!((numbers(&train), numbers(&test)), ((0..20).collect(), (20..24).collect()));
        assert_samples(&train, true);
        assert_samples(&test, true);
        assert_eq!((train.classes(), test.classes()), (3, 3));
    }
}

#[test]
fn floats_are_prepared_by_the_training_samples_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let values: Vec<f32> = (0..120).map(|at| ((at * 7919 % 1000) as f32 - 300.0) / 7.0).collect();
    // Flat: standardised, column by column.
    let TrainTest { train, test } =
        open(&put(dir, "flat.npy", &npy("<f4", "(40, 3)", &f32s(&values)))).unwrap();
    assert_eq!((train.len(), test.len(), train.image_shape()), (34, 6, None));
    let learnt_from = stored_floats(&train);
    for column in 0..3 {
        let all: Vec<f64> = learnt_from.iter().map(|sample| f64::from(sample[column])).collect();
        let (mean, deviation) = mean_and_deviation(&all);
        for half in [&train, &test] {
            for (stored, seen) in stored_floats(half).iter().zip(seen(half)) {
                assert_near(seen[column], (f64::from(stored[column]) - mean) / deviation);
            }
        }
    }
    // Images: from the smallest to the largest of the training samples.
    let image = put(dir, "images.npy", &npy("<f4", "(20, 2, 3)", &f32s(&values)));
    let TrainTest { train, test } = open(&image).unwrap();
    let all = stored_floats(&train).concat();
    let low = all.iter().copied().fold(f32::INFINITY, f32::min);
    let high = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert!(train.in_unit_range() && low < 0.0 && high > 1.0);
    for half in [&train, &test] {
        for (stored, seen) in stored_floats(half).concat().iter().zip(seen(half).concat()) {
            assert_near(
                seen,
                (f64::from(*stored) - f64::from(low)) / (f64::from(high) - f64::from(low)),
            );
        }
    }
    let seen_by_training = seen(&train).concat();
    assert!(
        seen_by_training.contains(&0.0)
            && seen_by_training.iter().all(|value| (-1e-6..=1.0 + 1e-6).contains(value))
    );
    // Those that lie there already stay as they are.
    let inside: Vec<f32> = values.iter().map(|value| value.abs() / 1000.0).collect();
    let data = open(&put(dir, "inside.npy", &npy("<f4", "(20, 2, 3)", &f32s(&inside)))).unwrap();
    assert_eq!(seen(&data.train), stored_floats(&data.train));
    // Undivided nothing is fitted.
    assert_eq!(whole(&image, &OpenOptions::default()).preparation(), &Preparation::Floats);
}

#[test]
fn constant_and_huge_images_are_finite() {
    let folder = tempfile::tempdir().unwrap();
    for values in [[-5.0; 24], [f32::MAX; 24]] {
        let path = put(folder.path(), "constant.npy", &npy("<f4", "(6, 2, 2)", &f32s(&values)));
        assert!(seen(&open(&path).unwrap().train).concat().iter().all(|value| *value == 0.0));
    }
    let mut values = [f32::MAX; 24];
    values.iter_mut().step_by(2).for_each(|value| *value = f32::MIN);
    let path = put(folder.path(), "wide.npy", &npy("<f4", "(6, 2, 2)", &f32s(&values)));
    let seen = seen(&open(&path).unwrap().train).concat();
    assert!(seen.iter().all(|value| value.is_finite()), "{seen:?}");
}

#[test]
fn a_value_of_an_array_that_is_not_finite_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        // Whatever half it is in.
        for row in 0..12 {
            let mut values = [1.0_f32; 36];
            values[row * 3 + 2] = bad;
            for shape in ["(12, 3)", "(12, 1, 3)"] {
                let path = put(folder.path(), "bad.npy", &npy("<f4", shape, &f32s(&values)));
                let Err(error) = open(&path) else { panic!("row {row} of {shape} holds {bad}") };
                let error = error.to_string();
                assert!(
                    error.ends_with(&format!(
                        "sample {row} holds {bad} at its value 2: mend or remove it"
                    )),
                    "{error}"
                );
            }
        }
    }
}

/// A number beside which the others do not count is named, in either half and in every format.
#[test]
fn a_value_of_an_array_far_beyond_all_others_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut seen = [false; 2];
    for (wrong, huge) in (0..24).zip([1e20_f32, -3e38, 1e30, f32::MAX].into_iter().cycle()) {
        let mut values: Vec<f32> = (0..24 * 4).map(|at| (at % 7) as f32 + 0.5).collect();
        values[wrong * 4 + 2] = huge;
        let bytes = f32s(&values);
        let x = npy("<f4", "(24, 4)", &bytes);
        let tensors = safetensors(&[("x", "F32", &[24, 4], bytes.clone())]);
        for path in [
            put(dir, "columns.npy", &x),
            put(dir, "images.npy", &npy("<f4", "(24, 2, 2)", &bytes)),
            put(dir, "wide.npy", &npy("<f8", "(24, 4)", &f64s(&values))),
            put(dir, "x.npz", &zip(&[Member::stored("x.npy", &x)])),
            put(dir, "x.idx", &idx(0x0d, &[24, 4], &big_endian(&values))),
            put(dir, "x.safetensors", &tensors),
        ] {
            let error = open(&path).unwrap_err().to_string();
            let place = format!("sample {wrong}, value 2: {huge:e} is ");
            assert!(error.contains(&place), "{error}");
            seen[usize::from(error.contains("far beyond the numbers learnt from"))] = true;
        }
    }
    assert_eq!(seen, [true; 2], "each half has had it");
}

/// Samples that come later are compared with those learnt from.
#[test]
fn later_samples_of_an_array_are_compared_with_those_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    for shape in ["4", "2, 2"] {
        let file =
            |rows: usize, values: &[f32]| npy("<f4", &format!("({rows}, {shape})"), &f32s(values));
        let values: Vec<f32> = (0..24 * 4).map(|at| (at % 7) as f32 + 0.5).collect();
        let learnt = put(folder.path(), "learnt.npy", &file(24, &values));
        let learnt = open(&learnt).unwrap().train.preparation().clone();
        for (wrong, problem) in [
            (1e12_f32, "sample 1, value 3: 1e12 is far beyond the numbers learnt from"),
            (-3e38, "sample 1, value 3: -3e38 is far beyond the numbers learnt from"),
            (f32::NAN, "sample 1 holds NaN at its value 3"),
            (f32::INFINITY, "sample 1 holds inf at its value 3"),
        ] {
            let new = [0.5, 1.5, 2.5, 3.5, 0.5, 1.5, 2.5, wrong];
            let new = put(folder.path(), "new.npy", &file(2, &new));
            let new = whole(&new, &OpenOptions::default());
            let error = new.prepared_like(&learnt).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        let new = put(folder.path(), "new.npy", &file(1, &[-1e3, 1e3, 0.0, 1e5]));
        let new = whole(&new, &OpenOptions::default()).prepared_like(&learnt).unwrap();
        assert!(seen(&new)[0].iter().all(|value| value.is_finite()));
    }
}

/// Data that are large throughout are standardised like others.
#[test]
fn arrays_of_large_numbers_alone_are_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    for scale in [1e20_f32, 1e30, 4e37] {
        let values: Vec<f32> = (0..24 * 4).map(|at| ((at % 7) as f32 + 0.5) * scale).collect();
        for shape in ["(24, 4)", "(24, 2, 2)"] {
            let path = put(folder.path(), "large.npy", &npy("<f4", shape, &f32s(&values)));
            let seen = seen(&open(&path).unwrap().train).concat();
            assert!(seen.iter().all(|value| value.abs() < 10.0), "{seen:?}");
            assert!(seen.iter().any(|value| *value != seen[0]), "{seen:?}");
        }
    }
}

fn f64s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect()
}

fn big_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}
