//! Stores as they should be: what is written is what the format's description says, and is read
//! back.

use std::fs;
use std::path::Path;

use crate::made_files::{names_in, put};
use crate::messages::assert_says;
use crate::store_files::{ByHand, crc32, read_all, small, stored};
use narrows_datasets::{
    Access, Column, ColumnKind, Dtype, Encoding, Error, Metadata, OpenOptions, Parts, Preparation,
    Provenance, Store, StoreWriter, UNLABELLED, open_whole, verify,
};

fn check(path: &Path) -> Result<(), Error> {
    verify(path, &mut |_, _| {})
}

fn provenance() -> Provenance {
    let word = |word: &str| word.to_owned();
    Provenance {
        source: word("by hand"),
        format: word("none"),
        packed_by: word("a test"),
        ..Provenance::default()
    }
}

#[test]
fn the_checksum_is_the_published_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn a_file_is_what_its_description_says_to_the_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.narrows");
    let ByHand { values, labels, .. } = small();
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[2], true).unwrap();
    for (row, (sample, label)) in values.chunks(2).zip(labels.unwrap()).enumerate() {
        if row == 3 {
            writer.test_begins();
        }
        writer.push_bytes(sample, label).unwrap();
    }
    assert_eq!((writer.len(), writer.is_empty()), (5, false));
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    writer.finish(&Metadata { classes, provenance: provenance(), ..Metadata::default() }).unwrap();
    let written = fs::read(&path).unwrap();
    // What the metadata's text looks like is up to the writer.
    let text = String::from_utf8(written[4096 + 64 + 2 * 5 + 8..].to_vec()).unwrap();
    assert_eq!(written, ByHand { metadata: text.clone(), ..small() }.bytes());
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(&small().metadata).unwrap();
    expected["provenance"]["rounded"] = 0.into();
    assert_eq!(read, expected);
}

#[test]
fn a_file_made_by_hand_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let floats = [1.5_f32, -0.0, f32::NAN, 3.0e38, f32::INFINITY, 1.0e-45];
    let values: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    let of_floats = ByHand {
        dtype: 2,
        train: 2,
        test: 0,
        width: 3,
        block_rows: 10_922,
        values: values.clone(),
        labels: None,
        metadata: crate::store_files::metadata(r#""shape":[1,3,1]"#),
    };
    for access in [Access::Map, Access::Read] {
        let options = OpenOptions { access, ..OpenOptions::default() };
        let path = put(folder.path(), "small.narrows", &small().bytes());
        check(&path).unwrap();
        assert_eq!(
            read_all(&path, &options).unwrap(),
            [
                (vec![10, 11, 20, 21, 30, 31], Some(vec![0, 1, UNLABELLED])),
                (vec![40, 41, 50, 255], Some(vec![1, 0]))
            ]
        );
        let path = put(folder.path(), "floats.narrows", &of_floats.bytes());
        check(&path).unwrap();
        assert_eq!(read_all(&path, &options).unwrap(), [(values.clone(), None)]);
        let Parts::Whole(data) = open_whole(&path, &options, &|_, _| {}).unwrap().data else {
            panic!("it has no halves");
        };
        assert_eq!(
            (data.image_shape(), data.dtype(), data.classes()),
            (Some((1, 3, 1)), Dtype::F32, 0)
        );
        let mut seen = [0.0; 6];
        data.gather(&[1, 0], &mut seen).unwrap();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&seen), [bits(&floats[3..]), bits(&floats[..3])].concat());
    }
}

/// A value that differs from its neighbours.
fn value(at: usize) -> u8 {
    ((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

#[test]
fn what_is_written_is_read_back_whatever_the_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.narrows");
    let none = |_: usize| UNLABELLED;
    let all = |row: usize| (row % 3) as u16;
    let some = |row: usize| if row.is_multiple_of(2) { UNLABELLED } else { (row % 3) as u16 };
    // A block of 2 and half of one; of one sample, which is longer than 128 KiB; just one block; a
    // single sample.
    for (width, rows) in [(50_000, 5), (187_500, 3), (32_768, 4), (1, 1), (7, 100)] {
        for dtype in [Dtype::U8, Dtype::F32] {
            for label in [None, Some(&none as &dyn Fn(usize) -> u16), Some(&all), Some(&some)] {
                let first_of_test = (label.is_some() && rows > 1).then_some(rows / 2);
                let width = width / dtype.size().min(width);
                let sample = |row: usize| {
                    (0..width * dtype.size())
                        .map(|at| value(row * width * 4 + at))
                        .collect::<Vec<u8>>()
                };
                let mut writer =
                    StoreWriter::create(&path, dtype, &[width, 1], label.is_some()).unwrap();
                for row in 0..rows {
                    if first_of_test == Some(row) {
                        writer.test_begins();
                    }
                    let label = label.map_or(9, |label| label(row));
                    match dtype {
                        Dtype::U8 => writer.push_bytes(&sample(row), label).unwrap(),
                        Dtype::F32 => {
                            let floats: Vec<f32> = sample(row)
                                .chunks(4)
                                .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
                                .collect();
                            writer.push_floats(&floats, label).unwrap();
                        }
                    }
                }
                let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
                writer.finish(&Metadata { classes, ..Metadata::default() }).unwrap();
                check(&path).unwrap();
                let expected = |rows: std::ops::Range<usize>| {
                    let values: Vec<u8> = rows.clone().flat_map(sample).collect();
                    (values, label.map(|label| rows.map(label).collect::<Vec<u16>>()))
                };
                let expected = match first_of_test {
                    Some(first) => vec![expected(0..first), expected(first..rows)],
                    None => vec![expected(0..rows)],
                };
                for access in [Access::Map, Access::Read] {
                    let options = OpenOptions { access, ..OpenOptions::default() };
                    let read = read_all(&path, &options).unwrap();
                    assert!(read == expected, "{rows} samples of {width} {dtype:?}");
                }
            }
        }
    }
}

#[test]
fn metadata_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.narrows");
    let columns = vec![
        Column { name: "ä\n\"".to_owned(), kind: ColumnKind::NUMBER },
        Column {
            name: String::new(),
            kind: ColumnKind::Category {
                names: vec!["x".to_owned(), String::new()],
                encoding: Encoding::Ordinal,
            },
        },
    ];
    let mut fit = narrows_datasets::Fit::new(&columns);
    fit.push(&[0.1, 1.0]);
    fit.push(&[1.0e30, f32::NAN]);
    let metadata = Metadata {
        shape: vec![2],
        columns: Some(columns.clone()),
        label: Some("y".to_owned()),
        classes: vec!["no".to_owned(), "yes".to_owned()],
        normalisation: Some(fit.finish()),
        provenance: Provenance { rounded: 3, fingerprint: Some("f".to_owned()), ..provenance() },
        ..Metadata::default()
    };
    let mut writer = StoreWriter::create(&path, Dtype::F32, &[2], true).unwrap();
    writer.push_floats(&[1.0, f32::NAN], 1).unwrap();
    writer.finish(&metadata).unwrap();
    let store = Store::open(&path, Access::Map).unwrap();
    assert_eq!(
        (store.metadata(), store.file_bytes()),
        (&metadata, fs::metadata(&path).unwrap().len())
    );
    let Parts::Whole(data) = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap().data
    else {
        panic!("it has no halves");
    };
    assert_eq!((data.label_name(), data.columns()), (Some("y"), Some(&columns[..])));
    assert_eq!(
        (data.class_names(), Some(data.preparation())),
        (&metadata.classes[..], metadata.normalisation.as_ref())
    );
    assert_eq!(data.provenance(), &metadata.provenance);
    // Not what every two bytes are: what 1.0 stands for.
    let path = folder.path().join("bytes.narrows");
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[1], false).unwrap();
    writer.push_bytes(&[8], 0).unwrap();
    writer.finish(&Metadata { max_value: Some(16), ..Metadata::default() }).unwrap();
    let Parts::Whole(data) = open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap().data
    else {
        panic!("it has no halves");
    };
    assert_eq!(data.preparation(), &Preparation::Bytes { max: 16 });
    assert_eq!(stored(&data).unwrap(), [8]);
}

#[test]
fn a_writer_that_is_not_finished_leaves_nothing_and_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "data.narrows", &small().bytes());
    let mut writer = StoreWriter::create(&path, Dtype::F32, &[1], true).unwrap();
    for _ in 0..100_000 {
        writer.push_floats(&[1.0], 0).unwrap();
    }
    drop(writer);
    assert_eq!(names_in(folder.path()), ["data.narrows"]);
    check(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), small().bytes());
}

#[test]
fn two_writers_of_a_path_do_not_spoil_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.narrows");
    let begin = || StoreWriter::create(&path, Dtype::U8, &[1], true).unwrap();
    let classes = vec!["0".to_owned(), "1".to_owned()];
    let metadata = Metadata { classes, ..Metadata::default() };
    let (mut one, mut other, third) = (begin(), begin(), begin());
    for row in 0..300_000 {
        one.push_bytes(&[1], 0).unwrap();
        if row % 3 == 0 {
            other.push_bytes(&[2], 1).unwrap();
        }
    }
    for (writer, rows, value, label) in [(one, 300_000, 1, 0), (other, 100_000, 2, 1)] {
        writer.finish(&metadata).unwrap();
        check(&path).unwrap();
        let read = read_all(&path, &OpenOptions::default()).unwrap();
        assert!(read == [(vec![value; rows], Some(vec![label; rows]))]);
    }
    drop(third);
    assert_eq!(names_in(folder.path()), ["data.narrows"]);

    let written: Vec<_> = (0..4_u8)
        .map(|number| {
            let (path, metadata) = (path.clone(), metadata.clone());
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let mut writer = StoreWriter::create(&path, Dtype::U8, &[1], true).unwrap();
                    (0..1_000)
                        .for_each(|_| writer.push_bytes(&[number], u16::from(number % 2)).unwrap());
                    writer.finish(&metadata).unwrap();
                    check(&path).unwrap();
                }
            })
        })
        .collect();
    written.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(names_in(folder.path()), ["data.narrows"]);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.narrows");
    let names = |count: usize| vec![String::new(); count];
    let column = Column { name: "a".to_owned(), kind: ColumnKind::NUMBER };
    let normalised = |preparation| Metadata {
        normalisation: Some(preparation),
        classes: names(3),
        ..Metadata::default()
    };
    for (metadata, says) in [
        (
            Metadata { classes: names(2), ..Metadata::default() },
            "the label 2, where 2 classes are named",
        ),
        (Metadata { classes: names(65_536), ..Metadata::default() }, "65536 classes"),
        (Metadata { max_value: Some(0), ..Metadata::default() }, "0 stands for 1.0"),
        (Metadata { columns: Some(vec![column; 3]), ..Metadata::default() }, "3 columns"),
        (
            Metadata {
                label: Some("x".repeat(64 << 20)),
                classes: names(3),
                ..Metadata::default()
            },
            "bytes of metadata",
        ),
        (normalised(Preparation::Floats), "holds bytes"),
        (normalised(Preparation::Bytes { max: 0 }), "divided by 0"),
    ] {
        let mut writer = StoreWriter::create(&path, Dtype::U8, &[2], true).unwrap();
        writer.push_bytes(&[0, 0], UNLABELLED).unwrap();
        writer.push_bytes(&[0, 0], 2).unwrap();
        let error = writer.finish(&metadata).unwrap_err();
        assert_says(&error, &path, &[says]);
        assert_says(&error, &path, &["is not written"]);
    }
    let empty = StoreWriter::create(&path, Dtype::U8, &[2], false).unwrap();
    assert_says(&empty.finish(&Metadata::default()).unwrap_err(), &path, &["no sample"]);
    let mut all_test = StoreWriter::create(&path, Dtype::U8, &[1], false).unwrap();
    all_test.test_begins();
    all_test.push_bytes(&[1], 0).unwrap();
    assert_says(
        &all_test.finish(&Metadata::default()).unwrap_err(),
        &path,
        &["no sample to learn"],
    );
    for shape in [&[][..], &[0], &[2, 0], &[usize::MAX, 2], &[1, 1, 1, 1]] {
        let error = StoreWriter::create(&path, Dtype::U8, shape, false).unwrap_err().to_string();
        assert_eq!(error, format!("no sample can have the shape {shape:?}"));
    }
    let nowhere = folder.path().join("missing/data.narrows");
    let error = StoreWriter::create(&nowhere, Dtype::U8, &[1], false).unwrap_err();
    assert_says(&error, &nowhere, &["cannot be written"]);
    assert!(names_in(folder.path()).is_empty());
}

/// The limit on the length of a file stands for a disk that is full; it is a process's own.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error() {
    const FOLDER: &str = "NARROWS_TEST_FULL_DISK";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let path = Path::new(&folder).join("data.narrows");
        // In the values, in the labels, and only when the rest is written.
        for rows in [1_000_000, 600_000, 20_000] {
            let mut writer = StoreWriter::create(&path, Dtype::U8, &[1], true).unwrap();
            let pushed = (0..rows).try_for_each(|_| writer.push_bytes(&[1], 0));
            let metadata = Metadata { classes: vec!["x".repeat(600_000)], ..Metadata::default() };
            let error = pushed.and_then(|()| writer.finish(&metadata)).unwrap_err();
            assert_says(&error, &path, &["cannot be written"]);
            assert!(names_in(Path::new(&folder)).is_empty());
        }
        println!("all were errors");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 1000 && \
             exec \"$0\" --exact store::a_full_disk_is_an_error --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("all were errors"), "{said}{output:?}");
}
