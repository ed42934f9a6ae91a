//! Every format through the one door, from the file to what a model sees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::idx_files::{gzip, idx, put};
use narrows_datasets::{
    Access, Dataset, Dtype, Error, LabelColumn, Metadata, OpenOptions, Parts, Preparation,
    StoreWriter, TableOptions, TrainTest, UNLABELLED, open, open_whole, open_with,
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

fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Members as they are, one after the other.
fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let name = format!("{name}.npy");
        let (crc, length) = (crc32fast::hash(bytes), bytes.len() as u32);
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.to_le_bytes());
        fields.extend([length.to_le_bytes(), length.to_le_bytes()].concat());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&fields);
        file.extend(name.as_bytes());
        file.extend(bytes);
    }
    let (at, length, count) =
        (file.len() as u32, directory.len() as u32, (members.len() as u16).to_le_bytes());
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend([length.to_le_bytes(), at.to_le_bytes()].concat());
    file.extend([0, 0]);
    file
}

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
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    tensors.iter().for_each(|(.., bytes)| file.extend(bytes));
    file
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
    let npz = put(dir, "xy.npz", &zip(&[("y", y(0..24)), ("x", x(0..24))]));
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
    let names = |suffix: &str| [format!("x{suffix}"), format!("y{suffix}")];
    let ([x_train, y_train], [x_test, y_test]) = (names("_train"), names("_test"));
    let members = [
        (&*x_train, x(0..20)),
        (&*y_train, y(0..20)),
        (&*x_test, x(20..24)),
        (&*y_test, y(20..24)),
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
fn floats_are_prepared_by_the_training_samples_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let values: Vec<f32> = (0..120).map(|at| ((at * 7919 % 1000) as f32 - 300.0) / 7.0).collect();
    // Flat: standardised, column by column.
    let TrainTest { train, test } =
        open(&put(dir, "flat.npy", &npy("<f4", "(40, 3)", &floats(&values)))).unwrap();
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
    let image = put(dir, "images.npy", &npy("<f4", "(20, 2, 3)", &floats(&values)));
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
    let data = open(&put(dir, "inside.npy", &npy("<f4", "(20, 2, 3)", &floats(&inside)))).unwrap();
    assert_eq!(seen(&data.train), stored_floats(&data.train));
    // Undivided nothing is fitted.
    assert_eq!(whole(&image, &OpenOptions::default()).preparation(), &Preparation::Floats);
}

#[test]
fn constant_and_huge_images_are_finite() {
    let folder = tempfile::tempdir().unwrap();
    for values in [[-5.0; 24], [f32::MAX; 24]] {
        let path = put(folder.path(), "constant.npy", &npy("<f4", "(6, 2, 2)", &floats(&values)));
        assert!(seen(&open(&path).unwrap().train).concat().iter().all(|value| *value == 0.0));
    }
    let mut values = [f32::MAX; 24];
    values.iter_mut().step_by(2).for_each(|value| *value = f32::MIN);
    let path = put(folder.path(), "wide.npy", &npy("<f4", "(6, 2, 2)", &floats(&values)));
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
                let path = put(folder.path(), "bad.npy", &npy("<f4", shape, &floats(&values)));
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

const TABLE: &str = "age,colour,zip,label\n31,red,5,yes\n,green,7,no\n44.5,red,5,\n20,blue,,yes\n\
                     31,red,7,no\n9,blue,5,no\n";

#[test]
fn tables_of_text_are_the_same_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let tabs = TABLE.replace(',', "\t");
    let mut found = Vec::new();
    for (name, bytes) in [
        ("a.csv", TABLE.as_bytes().to_vec()),
        ("b.tsv.gz", gzip(tabs.as_bytes())),
        ("c", TABLE.replace('\n', "\r\n").into_bytes()),
    ] {
        let data = whole(&put(dir, name, &bytes), &OpenOptions::default());
        assert_eq!((data.len(), data.dtype(), data.label_name()), (6, Dtype::F32, Some("label")));
        assert_eq!(data.class_names(), ["no", "yes"]);
        assert_eq!(data.labels().unwrap(), Some(&[1, 0, UNLABELLED, 1, 0, 0][..]));
        let bits: Vec<u8> = stored(&data).concat();
        found.push((bits, data.columns().unwrap().to_vec()));
    }
    assert!(found.iter().all(|one| *one == found[0]));
    let data = whole(&dir.join("a.csv"), &OpenOptions::default());
    let values = stored_floats(&data);
    assert_eq!(values[0], [31.0, 2.0, 5.0]);
    assert!(values[1][0].is_nan() && values[1][1..] == [1.0, 7.0]);
    assert!(values[3][..2] == [20.0, 0.0] && values[3][2].is_nan());
    let unlabelled = TableOptions {
        label: LabelColumn::Absent,
        ignore: vec!["label".to_owned()],
        ..TableOptions::default()
    };
    let options = OpenOptions { table: unlabelled, ..OpenOptions::default() };
    assert_eq!(whole(&dir.join("a.csv"), &options).labels().unwrap(), None);
    let opened = open_with(&dir.join("a.csv"), &OpenOptions::default(), &|_, _| {}).unwrap();
    assert_eq!(opened.notes, ["the column \"label\" is taken for the labels, by its name"]);
}

#[test]
fn the_halves_of_a_table_are_matched_by_names() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    put(dir, "train.csv", b"age,colour,label\n30,red,yes\n50,green,no\n,blue,yes\n40,red,no\n");
    // Other columns beside, in another order; categories in another order, and one that is new.
    put(
        dir,
        "test.csv",
        b"label,more,colour,age\nno,x,violet,40\nyes,y,green,\nno,x,amber,30\nno,y,red,50\n",
    );
    let TrainTest { train, test } = open(dir).unwrap();
    let (mean, deviation) = mean_and_deviation(&[30.0, 50.0, 40.0]);
    let z = |age: f64| (age - mean) / deviation;
    // age, blue, green, red, age is missing.
    let expected_train = [
        [z(30.0), 0., 0., 1., 0.],
        [z(50.0), 0., 1., 0., 0.],
        [0., 1., 0., 0., 1.],
        [z(40.0), 0., 0., 1., 0.],
    ];
    let expected_test = [
        [z(40.0), 0., 0., 0., 0.],
        [0., 0., 1., 0., 1.],
        [z(30.0), 0., 0., 0., 0.],
        [z(50.0), 0., 0., 1., 0.],
    ];
    for (data, expected) in [(&train, expected_train), (&test, expected_test)] {
        for (seen, expected) in seen(data).iter().zip(expected) {
            assert_eq!(seen.len(), 5);
            seen.iter().zip(expected).for_each(|(&seen, expected)| assert_near(seen, expected));
        }
        assert_eq!(data.class_names(), ["no", "yes"]);
    }
    assert_eq!(train.labels().unwrap(), Some(&[1, 0, 1, 0][..]));
    assert_eq!(test.labels().unwrap(), Some(&[0, 1, 0, 0][..]));

    // Only one of the classes, and therefore other numbers.
    put(dir, "test.csv", b"age,colour,label\n1,red,yes\n");
    let test = open(dir).unwrap().test;
    assert_eq!((test.labels().unwrap(), test.classes()), (Some(&[1][..]), 2));
    for (text, file, says) in [
        (
            "age,colour,label\n1,red,maybe\n",
            "test.csv",
            "row 0 has the label \"maybe\", which is none of the classes \"no\", \"yes\": give a sample to \
             learn from that label",
        ),
        ("age,colour\n1,red\n", "test.csv", "has no labels, and the other half has some"),
        ("age,label\n1,yes\n", "", "has no column \"colour\""),
        ("age,colour,label\nx,red,yes\n", "", "holds texts in column \"age\""),
    ] {
        put(dir, "test.csv", text.as_bytes());
        let error = open(dir).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(says) && !error.contains('\n'), "{error}");
    }
    put(dir, "test.csv.gz", b"");
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("lies beside"), "{error}");
    fs::remove_file(dir.join("test.csv.gz")).unwrap();
    fs::remove_file(dir.join("test.csv")).unwrap();
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("has no other half"), "{error}");
}

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
        (Dtype::F32, &[2, 3][..], Some(1), "values of another kind"),
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
        (&x, npy("<f4", "(24,)", &floats(&[0.5; 24])), ""),
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
    assert!(open(&empty).unwrap_err().to_string().contains("no images"));
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
