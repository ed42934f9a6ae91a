//! The binary batches of CIFAR-10, good and bad.

use std::fs;
use std::path::Path;

use narrows_datasets::{Channels, ImageOptions, TrainTest, open, open_with};

const RECORD: usize = 3073;

/// `records` of batch `batch`: labels and values that tell where they are from.
fn batch(batch: usize, records: usize) -> Vec<u8> {
    let value = |i: usize| match i % RECORD {
        0 => ((batch + i / RECORD) % 10) as u8,
        at => ((batch * 7 + i / RECORD * 31 + at * at) % 256) as u8,
    };
    (0..records * RECORD).map(value).collect()
}

fn name(i: usize) -> String {
    if i == 5 { "test_batch.bin".to_owned() } else { format!("data_batch_{}.bin", i + 1) }
}

fn put_good(dir: &Path) {
    for i in 0..6 {
        fs::write(dir.join(name(i)), batch(i, 3 + i)).unwrap();
    }
}

#[test]
fn planes_become_channels() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let TrainTest { train, test } = open(dir.path()).unwrap();
    assert_eq!((train.len(), test.len()), (3 + 4 + 5 + 6 + 7, 8));
    let mut row = 0;
    for i in 0..6 {
        if i == 5 {
            row = 0;
        }
        let half = if i == 5 { &test } else { &train };
        let bytes = batch(i, 3 + i);
        assert_eq!((half.image_shape(), 255, half.classes()), (Some((32, 32, 3)), 255, 10));
        for record in 0..3 + i {
            assert_eq!(half.labels().unwrap().unwrap()[row], u16::from(bytes[record * RECORD]));
            for channel in 0..3 {
                for y in 0..32 {
                    for x in 0..32 {
                        let stored = bytes[record * RECORD + 1 + channel * 1024 + y * 32 + x];
                        assert_eq!(
                            half.stored_bytes(row).unwrap()[(y * 32 + x) * 3 + channel],
                            stored
                        );
                    }
                }
            }
            row += 1;
        }
    }
    assert_eq!(train.class_names()[..3], ["0", "1", "2"]);
}

#[test]
fn classes_have_the_names_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let names =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    fs::write(dir.path().join("batches.meta.txt"), names.join("\r\n") + "\n\n").unwrap();
    let data = open(dir.path()).unwrap();
    assert_eq!(
        (data.train.class_names(), data.test.class_names()),
        (&names.map(String::from)[..], &names.map(String::from)[..])
    );
    let cat = data.one_against_rest("cat").unwrap();
    let expected: Vec<u16> =
        data.train.labels().unwrap().unwrap().iter().map(|&label| u16::from(label == 3)).collect();
    assert_eq!(cat.train.labels().unwrap(), Some(&expected[..]));
}

#[test]
fn batches_that_are_wrong_are_named() {
    let mut label = batch(2, 4);
    label[RECORD * 2] = 10;
    type Case<'a> = (&'a str, Option<Vec<u8>>, &'a str, &'a [&'a str]);
    let cases: Vec<Case> = vec![
        ("data_batch_3.bin", None, "", &["no data_batch_3.bin", "put it there"]),
        ("test_batch.bin", None, "", &["no test_batch.bin"]),
        (
            "data_batch_2.bin",
            Some(vec![]),
            "data_batch_2.bin",
            &["has 0 bytes", "download it again"],
        ),
        (
            "data_batch_2.bin",
            Some(vec![0; RECORD - 1]),
            "data_batch_2.bin",
            &["has 3072 bytes", "records of 3073"],
        ),
        ("test_batch.bin", Some(vec![0; RECORD + 1]), "test_batch.bin", &["has 3074 bytes"]),
        (
            "data_batch_3.bin",
            Some(label),
            "data_batch_3.bin",
            &["record 2 has the label 10", "ends at 9"],
        ),
        (
            "batches.meta.txt",
            Some(b"cat\ndog\n".to_vec()),
            "batches.meta.txt",
            &["names 2 classes"],
        ),
        ("batches.meta.txt", Some(vec![0xff; 100]), "batches.meta.txt", &["UTF-8"]),
    ];
    for (file, bytes, named, parts) in cases {
        let dir = tempfile::tempdir().unwrap();
        put_good(dir.path());
        match bytes {
            Some(bytes) => fs::write(dir.path().join(file), bytes).unwrap(),
            None => fs::remove_file(dir.path().join(file)).unwrap(),
        }
        let message = open(dir.path()).unwrap_err().to_string();
        let path = if named.is_empty() { dir.path().to_owned() } else { dir.path().join(named) };
        assert!(
            message.starts_with(path.to_str().unwrap()) && !message.contains('\n'),
            "{message:?}"
        );
        parts
            .iter()
            .for_each(|part| assert!(message.contains(part), "{message:?} does not say {part:?}"));
    }
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    fs::remove_file(dir.path().join("data_batch_1.bin")).unwrap();
    fs::create_dir(dir.path().join("data_batch_1.bin")).unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("is a folder, where"));
    let options = ImageOptions { channels: Channels::Grey, ..ImageOptions::default() };
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let message =
        open_with(dir.path(), &options.clone().into(), &|_, _| {}).unwrap_err().to_string();
    assert!(message.contains("holds no images in files"), "{message:?}");
}
