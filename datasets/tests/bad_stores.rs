//! Stores that are damaged, cut off, or lie: each is an error of one line that names the file, and
//! none is a panic.

use std::fs;
use std::path::Path;

use crate::made_files::put;
use crate::messages::assert_says;
use crate::store_files::{ByHand, metadata, read_all, small, with_header};
use narrows_datasets::{Access, OpenOptions, Store, verify};

fn both() -> [OpenOptions; 2] {
    [Access::Map, Access::Read].map(|access| OpenOptions { access, ..OpenOptions::default() })
}

/// The file is refused when it is opened.
fn assert_refused(path: &Path, bytes: &[u8], says: &str) {
    fs::write(path, bytes).unwrap();
    for options in both() {
        let Err(error) = read_all(path, &options) else {
            panic!("it was opened, and not found that it {says}")
        };
        assert_says(&error, path, &[says]);
    }
    assert_says(&verify(path, &mut |_, _| {}).unwrap_err(), path, &[says]);
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let whole = small().bytes();
    let expected = read_all(&put(folder.path(), "whole", &whole), &OpenOptions::default()).unwrap();
    let path = folder.path().join("changed");
    for at in 0..whole.len() {
        // All bytes of the header, of the values and what is after them; of the padding some.
        if (200..4000).contains(&at) && at % 13 != 0 {
            continue;
        }
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            fs::write(&path, &bytes).unwrap();
            let error = verify(&path, &mut |_, _| {}).expect_err(&format!("byte {at} was changed"));
            let says = match at {
                0..8 => "is no store",
                8..12 => "version",
                _ => "is damaged",
            };
            assert_says(&error, &path, &[says]);
            for options in both() {
                match read_all(&path, &options) {
                    // By its first bytes it is something else, or nothing.
                    Err(error) => assert_says(&error, &path, &[if at < 8 { "" } else { says }]),
                    // Values are held against their checksums where whole blocks are read.
                    Ok(read) => {
                        assert!(
                            (128..4160).contains(&at) || (4170..4178).contains(&at),
                            "byte {at}"
                        );
                        assert_eq!(read == expected, !(4096..4106).contains(&at), "byte {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_or_longer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    let whole = small().bytes();
    for length in 0..whole.len() {
        if (200..4000).contains(&length) && length % 13 != 0 {
            continue;
        }
        fs::write(&path, &whole[..length]).unwrap();
        let says = match length {
            0..8 => "is no store",
            8..128 => "within its header",
            _ => "promises",
        };
        assert_says(&Store::open(&path, Access::Map).unwrap_err(), &path, &[says]);
        assert_says(&verify(&path, &mut |_, _| {}).unwrap_err(), &path, &[says]);
        // By its content it may be taken for another format, or for none.
        let error = read_all(&path, &OpenOptions::default()).unwrap_err();
        assert_says(&error, &path, &[if length == 0 { "is empty" } else { "" }]);
    }
    assert_refused(&path, &[&whole[..], b"\0"].concat(), "but the file has");
}

#[test]
fn a_header_that_lies_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lying");
    let whole = small().bytes();
    let (four, eight) = (u32::to_le_bytes, u64::to_le_bytes);
    assert_refused(&path, &with_header(&whole, 8, &four(2)), "version 2");
    for dtype in [0, 3, u32::MAX] {
        assert_refused(&path, &with_header(&whole, 12, &four(dtype)), "unknown type");
    }
    // Of as many bytes as the file has: only the sum of samples is right.
    assert_refused(
        &path,
        &with_header(&whole, 16, &[eight(0), eight(5)].concat()),
        "promises 0 and 5 samples",
    );
    for field in [16, 24, 32] {
        for number in [u64::MAX, 1 << 63, 1 << 62, 1 << 61, 1 << 40, 1 << 32, 100] {
            assert_refused(&path, &with_header(&whole, field, &eight(number)), "promises");
        }
    }
    assert_refused(&path, &with_header(&whole, 16, &eight(0)), "promises");
    assert_refused(&path, &with_header(&whole, 32, &eight(0)), "promises");
    // None of these changes the file's length.
    assert_refused(&path, &with_header(&whole, 32, &eight(1)), "the shape [2], but 1 values");
    assert_refused(&path, &with_header(&whole, 32, &eight(6)), "blocks of");
    let one = ByHand { train: 1, test: 0, values: vec![1, 2], labels: Some(vec![0]), ..small() };
    assert_refused(&path, &with_header(&one.bytes(), 40, &eight(0)), "blocks of 0 samples");
    for rows in [(1 << 16) + 1, 1 << 20, 1 << 62, 1 << 63, u64::MAX] {
        assert_refused(&path, &with_header(&whole, 40, &eight(rows)), "blocks of");
    }
    assert_refused(&path, &with_header(&whole, 40, &eight(1)), "promises");
    for labelled in [2, u32::MAX] {
        assert_refused(&path, &with_header(&whole, 48, &four(labelled)), "where 1 means labels");
    }
    assert_refused(&path, &with_header(&whole, 48, &four(0)), "promises");
    for length in [0, 1, u64::MAX, 1 << 63, 1 << 40] {
        assert_refused(&path, &with_header(&whole, 56, &eight(length)), "promises");
    }
    assert_refused(&path, &with_header(&whole, 64, &four(0)), "its metadata do not fit");
}

#[test]
fn checksums_that_lie_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "lying", &with_header(&small().bytes(), 52, &[0; 4]));
    for options in both() {
        assert_says(
            &read_all(&path, &options).unwrap_err(),
            &path,
            &["the checksums of its blocks"],
        );
    }
    assert_says(
        &verify(&path, &mut |_, _| {}).unwrap_err(),
        &path,
        &["the checksums of its blocks"],
    );
}

#[test]
fn metadata_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lying");
    let many =
        |count: usize| format!(r#""shape":[2],"classes":[{}"x"]"#, "\"\",".repeat(count - 1));
    let columns =
        |columns: &str| format!(r#""shape":[2],"classes":["a","b"],"columns":[{columns}]"#);
    let normalised = |preparation: &str| {
        format!(r#""shape":[2],"classes":["a","b"],"normalisation":{preparation}"#)
    };
    let number = |mean: &str, std: &str| {
        format!(r#"{{"kind":"number","name":"a","mean":{mean},"std":{std},"indicator":false}}"#)
    };
    let table = |columns: &str| normalised(&format!(r#"{{"table":{{"columns":[{columns}]}}}}"#));
    let swapped = format!(
        r#"{},"columns":[{{"name":"x","kind":"number"}},{{"name":"a","kind":"number"}}]"#,
        table(&[number("0", "1"), number("0", "1").replace("\"a\"", "\"x\"")].join(","))
    );
    let one_hot = r#"{"kind":"one-hot","name":"a","names":[]}"#;
    for (dtype, fields, says) in [
        (1, r#""shape":[3]"#.to_owned(), "the shape [3], but 2 values"),
        (1, r#""shape":[]"#.to_owned(), "the shape [], but 2 values"),
        (1, r#""shape":[1,2,1,1]"#.to_owned(), "the shape [1, 2, 1, 1]"),
        (1, r#""shape":[4294967296,4294967296,2]"#.to_owned(), "the shape"),
        (1, r#""shape":[0]"#.to_owned(), "the shape [0]"),
        (1, r#""shape":[-2]"#.to_owned(), "cannot be read"),
        (1, r#""shape":[2.0]"#.to_owned(), "cannot be read"),
        (1, many(65_536), "more than 65535 classes"),
        (1, r#""shape":[2],"max_value":0"#.to_owned(), "0 stands for 1.0"),
        (1, r#""shape":[2],"max_value":256"#.to_owned(), "cannot be read"),
        (1, r#""shape":[2],"more":1"#.to_owned(), "unknown field"),
        (1, r#""shape":[2],"shape":[2]"#.to_owned(), "duplicate field"),
        (1, columns(r#"{"name":"a","kind":"number"}"#), "1 columns"),
        (1, columns(r#"{"name":"a","kind":"other"}"#), "cannot be read"),
        (1, normalised(r#""floats""#), "holds bytes"),
        (1, normalised(r#"{"bytes":{"max":0}}"#), "divided by 0"),
        (2, normalised(r#"{"bytes":{"max":1}}"#), "holds floats"),
        (2, normalised(r#"{"scaled":{"shift":0,"scale":null}}"#), "cannot be read"),
        (2, normalised(r#"{"scaled":{"shift":NaN,"scale":1}}"#), "cannot be read"),
        (2, normalised(r#"{"scaled":{"shift":1e39,"scale":1}}"#), "cannot be read"),
        (2, normalised(r#"{"scaled":{"shift":0,"scale":1e999}}"#), "cannot be read"),
        (2, table(""), "the preparation is for 0"),
        (2, table(&number("0", "1")), "the preparation is for 1"),
        (2, table(&[number("0", "1"), number("0", "0")].join(",")), "the deviation 0"),
        (2, table(&[number("0", "1"), number("0", "-1")].join(",")), "the deviation -1"),
        (2, table(&[number("0", "1"), number("null", "1")].join(",")), "cannot be read"),
        (2, table(&[one_hot, one_hot].join(",")), "leaves nothing"),
        (2, swapped, "a normalisation for other columns"),
    ] {
        let values = if dtype == 1 { small().values } else { vec![0; 40] };
        let block_rows = (1 << 17) / (2 * if dtype == 1 { 1 } else { 4 });
        let store = ByHand { dtype, values, block_rows, metadata: metadata(&fields), ..small() };
        assert_refused(&path, &store.bytes(), says);
    }
    for text in ["", "{}", "[]", "null", "{", "\0", "\u{feff}{}", r#"{"shape":[2]}"#] {
        let store = ByHand { metadata: text.to_owned(), ..small() };
        assert_refused(&path, &store.bytes(), "metadata that cannot be read");
    }
    let deep = ByHand { metadata: "[".repeat(1_000_000), ..small() };
    assert_refused(&path, &deep.bytes(), "metadata that cannot be read");
}

#[test]
fn labels_that_name_no_class_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lying");
    for (labels, says) in [
        (vec![0, 1, 2, 1, 0], "sample 2 has the label 2, where there are 2 classes"),
        (vec![0, 1, 65535, 1, 65534], "sample 4 has the label 65534"),
    ] {
        fs::write(&path, ByHand { labels: Some(labels), ..small() }.bytes()).unwrap();
        for options in both() {
            assert_says(&read_all(&path, &options).unwrap_err(), &path, &[says]);
        }
        assert_says(&verify(&path, &mut |_, _| {}).unwrap_err(), &path, &[says]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn more_samples_than_can_be_numbered_are_refused() {
    use std::io::{Seek, SeekFrom, Write};
    let folder = tempfile::tempdir().unwrap();
    // The values are a hole in the file.
    let (rows, values) = (1_u64 << 32, 1_u64 << 32);
    let metadata = metadata(r#""shape":[1]"#);
    let small = ByHand {
        train: 1,
        test: 0,
        width: 1,
        block_rows: 1 << 17,
        values: vec![0],
        labels: None,
        metadata: metadata.clone(),
        ..small()
    };
    let header = with_header(&small.bytes(), 16, &rows.to_le_bytes());
    let path = put(folder.path(), "many", &header[..4096]);
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4096 + values + (rows >> 17) * 8)).unwrap();
    file.write_all(metadata.as_bytes()).unwrap();
    for options in both() {
        let says = "4294967296 samples are more than the 4294967295 that can be numbered";
        assert_says(&read_all(&path, &options).unwrap_err(), &path, &[says]);
    }
}

#[test]
fn progress_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = ByHand { width: 1 << 16, block_rows: 2, values: vec![7; 5 << 16], ..small() };
    let store = ByHand { metadata: metadata(r#""shape":[65536],"classes":["a","b"]"#), ..store };
    let path = put(folder.path(), "blocks", &store.bytes());
    let mut told = Vec::new();
    verify(&path, &mut |done, of| told.push((done, of))).unwrap();
    assert_eq!(told, [(2 << 16, 5 << 16), (4 << 16, 5 << 16), (5 << 16, 5 << 16)]);
}
