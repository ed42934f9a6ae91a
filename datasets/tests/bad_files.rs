//! Files that are not what they should be: each is an error of one line that names the file, and
//! none is a panic.

use std::fs;
use std::io;
use std::path::Path;

use crate::made_files::{gzip, idx, put};
use crate::messages::assert_says;
use crate::mnist_files::{GOOD, put_good};
use narrows_datasets::{Dataset, Error, open};

fn read_as_images(folder: &Path, name: &str, bytes: &[u8], parts: &[&str]) {
    let path = put(folder, name, bytes);
    let error = Dataset::from_idx("bad", &path, None).expect_err(name);
    assert_says(&error, &path, parts);
}

fn good_images() -> Vec<u8> {
    let (_, sizes, values) = GOOD[0];
    idx(0x08, sizes, values)
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = good_images();
    read_as_images(folder.path(), "empty", &[], &["ends after 0 bytes", "download it again"]);
    for length in 1..whole.len() {
        let says: &[&str] = match length {
            ..16 => &["ends after", "header"],
            16.. => &["promises 46 bytes (5 x 2 x 3 and a header)", "the file has"],
        };
        read_as_images(folder.path(), "plain", &whole[..length], says);
        // Cut off before it was compressed, and after.
        let says: &[&str] =
            if length < 16 { &["ends after"] } else { &["promises", "it decompresses to"] };
        read_as_images(folder.path(), "cut-before.gz", &gzip(&whole[..length]), says);
    }
    let whole = gzip(&whole);
    for length in 0..whole.len() {
        let says: &[&str] =
            if length < 2 { &["ends after"] } else { &["is cut off", "download it again"] };
        read_as_images(folder.path(), "cut-after.gz", &whole[..length], says);
    }
}

#[test]
fn a_changed_byte_of_a_gzip_file_is_an_error_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, values) = GOOD[0];
    let whole = gzip(&good_images());
    let mut errors = 0;
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            let path = put(folder.path(), "changed.gz", &bytes);
            match Dataset::from_idx("changed", &path, None) {
                Err(error) => {
                    assert_says(&error, &path, &[]);
                    errors += 1;
                }
                // No checksum covers the time and the system in the header, nor the bits that fill
                // up the last byte.
                Ok(dataset) => {
                    let read: Vec<u8> =
                        (0..5).flat_map(|row| dataset.stored_bytes(row).unwrap()).collect();
                    assert_eq!(read, values, "byte {at} was changed");
                }
            }
        }
    }
    assert!(errors > 2 * whole.len());
}

#[test]
fn every_field_of_the_header_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (_, sizes, values) = GOOD[0];
    let cases: &[(&str, Vec<u8>, &[&str])] = &[
        ("text", b"<!DOCTYPE html><html>".to_vec(), &["is not an IDX file", "3c, 21"]),
        ("first", [&[1], &good_images()[1..]].concat(), &["is not an IDX file"]),
        ("second", [&[0, 1], &good_images()[2..]].concat(), &["is not an IDX file"]),
        ("type-0", idx(0, sizes, values), &["unknown type 0x00"]),
        ("type-7", idx(7, sizes, values), &["unknown type 0x07"]),
        ("signed", idx(0x09, sizes, values), &["signed bytes", "convert it"]),
        ("shorts", idx(0x0b, sizes, values), &["16-bit integers"]),
        ("ints", idx(0x0c, sizes, values), &["32-bit integers"]),
        ("floats", idx(0x0d, sizes, values), &["32-bit floats"]),
        ("doubles", idx(0x0e, sizes, values), &["64-bit floats"]),
        ("type-255", idx(0xff, sizes, values), &["unknown type 0xff"]),
        ("rank-0", idx(8, &[], values), &["0-dimensional", "1 to 8 dimensions"]),
        ("rank-1", idx(8, &[5], &[0; 12]), &["1-dimensional"]),
        ("rank-2", idx(8, &[5, 6], values), &["2-dimensional"]),
        ("rank-5", idx(8, &[5, 2, 3, 1, 1], values), &["5-dimensional"]),
        ("rank-255", [&[0, 0, 8, 255], &[0; 2000][..]].concat(), &["255-dimensional"]),
        ("no-images", idx(8, &[0, 2, 3], &[]), &["holds nothing", "0 x 2 x 3"]),
        ("no-rows", idx(8, &[5, 0, 3], &[]), &["holds nothing", "5 x 0 x 3"]),
        ("no-columns", idx(8, &[5, 2, 0], values), &["holds nothing", "5 x 2 x 0"]),
        ("no-channels", idx(8, &[5, 2, 3, 0], values), &["holds nothing", "5 x 2 x 3 x 0"]),
        (
            "channels",
            idx(8, &[5, 2, 1, 3], &values[1..]),
            &["promises 50 bytes", "5 x 2 x 1 x 3", "has 49"],
        ),
        (
            "rank-4-cut-off",
            [&[0, 0, 8, 4], &[1; 15][..]].concat(),
            &["ends after 19 bytes, within its header"],
        ),
        ("one-less", idx(8, &[4, 2, 3], values), &["promises 40 bytes", "the file has 46"]),
        ("one-more", idx(8, &[6, 2, 3], values), &["promises 52 bytes", "the file has 46"]),
        (
            "trailing",
            [&good_images()[..], b"!"].concat(),
            &["promises 46 bytes", "the file has 47"],
        ),
        ("trailing.gz", gzip(&[&good_images()[..], b"!"].concat()), &["it decompresses to more"]),
        (
            "after-the-end.gz",
            [gzip(&good_images()), b"!".to_vec()].concat(),
            &["download it again"],
        ),
    ];
    for (name, bytes, parts) in cases {
        read_as_images(folder.path(), name, bytes, parts);
    }
}

/// The promise is refused before memory is asked for: all of these would need more than any machine
/// has.
#[test]
fn a_small_file_that_promises_terabytes_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let values = vec![0; 4096 - 16];
    for (sizes, promise) in [
        ([u32::MAX, u32::MAX, u32::MAX], "promises 4294967295 x 4294967295 x 4294967295 values"),
        ([u32::MAX, u32::MAX, 1], "promises 4294967295 x 4294967295 x 1 values"),
        (
            [60_000, 65_536, 1_024],
            "promises 4026531840016 bytes (60000 x 65536 x 1024 and a header)",
        ),
    ] {
        let bytes = idx(8, &sizes, &values);
        read_as_images(folder.path(), "plain", &bytes, &[promise]);
        read_as_images(folder.path(), "compressed.gz", &gzip(&bytes), &[promise]);
    }
    read_as_images(
        folder.path(),
        "plain",
        &idx(8, &[60_000, 65_536, 1_024], &values),
        &["the file has 4096"],
    );
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing");
    let error = Dataset::from_idx("bad", &path, None).unwrap_err();
    assert_says(&error, &path, &["No such file", "check the path"]);
    assert_says(
        &Dataset::from_idx("bad", folder.path(), None).unwrap_err(),
        folder.path(),
        &["is a folder"],
    );
    #[cfg(unix)]
    {
        let path = Path::new("/dev/zero");
        assert_says(
            &Dataset::from_idx("bad", path, None).unwrap_err(),
            path,
            &["is not a regular file"],
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_an_error() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "images", &good_images());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read every file, so none is unreadable");
        return;
    }
    assert_says(
        &Dataset::from_idx("bad", &path, None).unwrap_err(),
        &path,
        &["ermission denied", "allow"],
    );
}

#[test]
fn a_folder_without_its_files_says_which_were_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_says(
        &open(path).unwrap_err(),
        path,
        &["train-images-idx3-ubyte", "train-images.idx3-ubyte", ".gz", "put the data there"],
    );
    let missing = path.join("missing");
    assert_says(&open(&missing).unwrap_err(), &missing, &["No such file"]);
    let file = put(path, "file", b"");
    assert_says(&open(&file).unwrap_err(), &file, &["is empty"]);

    for (name, ..) in GOOD {
        put_good(path);
        fs::remove_file(path.join(name)).unwrap();
        assert_says(&open(path).unwrap_err(), path, &[&format!("holds no {name}")]);
        fs::create_dir(path.join(name)).unwrap();
        assert_says(&open(path).unwrap_err(), &path.join(name), &["is a folder"]);
        fs::remove_dir(path.join(name)).unwrap();
    }
}

#[test]
fn files_that_do_not_belong_together_are_an_error() {
    let cases: &[(&str, Vec<u8>, &[&str])] = &[
        (
            "train-labels-idx1-ubyte",
            idx(8, &[4], &[0, 1, 2, 0]),
            &["4 labels for the 5 images of", "train-images"],
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx(8, &[4], &[0, 1, 2, 0]),
            &["4 labels for the 3 images of", "t10k-images"],
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx(8, &[3], &[2, 3, 0]),
            &["label 1 is 3", "no training sample has"],
        ),
        ("t10k-labels-idx1-ubyte", idx(8, &[3], &[2, 1, 255]), &["label 2 is 255"]),
        (
            "t10k-images-idx3-ubyte",
            idx(8, &[3, 3, 2], &[0; 18]),
            &["samples of the shape [3, 2]", "those to learn from have [2, 3]"],
        ),
        (
            "t10k-images-idx3-ubyte",
            idx(8, &[3, 2, 3, 2], &[0; 36]),
            &["samples of the shape [2, 3, 2]", "those to learn from have [2, 3]: the two"],
        ),
        ("train-labels-idx1-ubyte", good_images(), &["3-dimensional", "labels in 1 dimension"]),
        ("train-images-idx3-ubyte", idx(8, &[5], &[0; 5]), &["images in 3 dimensions"]),
    ];
    for (name, bytes, parts) in cases {
        let folder = tempfile::tempdir().unwrap();
        put_good(folder.path());
        let path = put(folder.path(), name, bytes);
        assert_says(&open(folder.path()).unwrap_err(), &path, parts);
    }
}

/// Classes may have any numbers, as in arrays; those of the test have to be among them.
#[test]
fn gaps_in_the_training_labels_are_no_error() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    let train = |labels| put(folder.path(), "train-labels-idx1-ubyte", &idx(8, &[5], labels));
    let test = |labels| put(folder.path(), "t10k-labels-idx1-ubyte", &idx(8, &[3], labels));
    train(&[0, 7, 200, 2, 7]);
    test(&[200, 2, 0]);
    let data = open(folder.path()).unwrap();
    assert_eq!(data.train.class_names(), ["0", "2", "7", "200"]);
    assert_eq!(data.test.class_names(), data.train.class_names());
    assert_eq!(data.train.labels().unwrap().unwrap(), [0, 2, 3, 1, 2]);
    assert_eq!(data.test.labels().unwrap().unwrap(), [3, 1, 0]);
    let path = test(&[200, 3, 0]);
    assert_says(&open(folder.path()).unwrap_err(), &path, &["label 1 is 3", "no training sample"]);
}

/// Halves of other names than MNIST's.
#[test]
fn files_called_test_and_val_are_found() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    for kind in ["images-idx3", "labels-idx1"] {
        let at = |half: &str| folder.path().join(format!("{half}-{kind}-ubyte"));
        std::fs::copy(at("t10k"), at("val")).unwrap();
        std::fs::rename(at("t10k"), at("test")).unwrap();
    }
    let data = open(folder.path()).unwrap();
    let test = data.test.len();
    assert_eq!((data.train.validation().len(), data.train.learnt()), (test, 5));
}

#[test]
fn what_the_system_refuses_comes_with_advice() {
    // Permissions do not bind every user that may run this: so the errors themselves.
    let display = |kind: io::ErrorKind| {
        let error = Error::Io { path: "some/file".into(), source: kind.into() };
        error.to_string()
    };
    assert_eq!(
        display(io::ErrorKind::NotFound),
        "some/file: entity not found: check the path for a mistake"
    );
    let denied = display(io::ErrorKind::PermissionDenied);
    assert_eq!(denied, "some/file: permission denied: allow this user to read it");
}

#[test]
fn values_that_are_no_data_set_are_an_error() {
    type Case<'a> = (Vec<u8>, &'a [usize], u8, Option<Vec<u16>>, &'a str);
    let cases: &[Case] = &[
        (vec![], &[2], 1, None, "0 values do not divide"),
        (vec![0; 5], &[2], 1, None, "5 values do not divide into samples of 2"),
        (vec![0; 4], &[], 1, None, "the shape []"),
        (vec![0; 4], &[2, 0], 1, None, "the shape [2, 0]"),
        (vec![0; 4], &[usize::MAX, 2], 1, None, "the shape"),
        (vec![0; 4], &[2], 0, None, "given as 0"),
        (vec![0, 1, 2, 1], &[2], 1, None, "value 2 is 2, above the given maximum of 1"),
        (vec![0; 4], &[2], 1, Some(vec![0]), "2 samples come with 1 labels"),
        (vec![0; 4], &[2], 1, Some(vec![]), "2 samples come with 0 labels"),
    ];
    for (values, shape, max_value, labels, part) in cases {
        let error =
            Dataset::from_values("made up", values.clone(), shape, *max_value, labels.clone());
        let message = error.unwrap_err().to_string();
        assert!(
            message.starts_with("data set \"made up\": ") && message.contains(part),
            "{message:?}"
        );
        assert!(!message.contains('\n'));
    }
}
