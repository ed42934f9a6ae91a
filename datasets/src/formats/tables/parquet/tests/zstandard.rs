//! Files that Zstandard compressed.

use super::*;
use crate::files::zstd::LARGEST_EXPANSION;

pub(super) const ROWS: [&str; 4] =
    ["zstd-rows-1.parquet", "zstd-rows-2.parquet", "zstd-rows.arrow", "zstd-rows.arrows"];

/// The rows of `columnar.py`.
fn rows() -> Vec<Vec<Owned>> {
    let row = |row: usize| {
        vec![
            if row % 7 == 3 { Missing } else { Number(row as f64 * 0.25) },
            Number((row * row) as f64),
            if row % 11 == 5 { Missing } else { text(["red", "green", "blue"][row % 3]) },
            text(&format!("text {}", row % 50)),
            Number(if row.is_multiple_of(2) { 1.0 } else { 0.0 }),
            Missing,
        ]
    };
    (0..300).map(row).collect()
}

#[test]
fn dictionaries_and_missing_values_in_pages_of_both_versions_are_read() {
    for file in ROWS {
        let (names, found) = read(&vector(file), &[]).unwrap();
        assert_eq!(names, ["x", "n", "color", "text", "flag", "none"], "{file}");
        assert_eq!(found, rows(), "{file}");
    }
}

#[test]
fn one_column_or_all_may_be_compressed() {
    let name = |row: usize| ["a", "b"].get(row).map_or(Missing, |name| text(name));
    let expected: Vec<_> = (0..3).map(|row| vec![Number(1.5 + row as f64), name(row)]).collect();
    assert_eq!(read(&vector("zstd.parquet"), &[]).unwrap().1, expected);
    let expected = vec![vec![Number(1.5), text("a")]; 300];
    assert_eq!(read(&vector("zstd.arrow"), &[]).unwrap().1, expected);
}

#[test]
fn other_compression_is_named_and_only_in_the_way_where_it_is_needed() {
    let path = vector("brotli.parquet");
    let advice = "write it again with compression=\"zstd\", or ignore the column";
    let expected =
        format!("column \"name\" is compressed by Brotli, which cannot be read: {advice}");
    assert_eq!(message(&path, &[]), expected);
    let numbers = [1.5, 2.5, 3.5].map(|number| vec![Number(number), Missing]);
    assert_eq!(read(&path, &["name"]).unwrap().1, numbers);
}

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The places of Zstandard's frames.
fn frames(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&MAGIC)).collect()
}

#[test]
fn a_damaged_frame_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    for file in ROWS {
        let whole = fs::read(vector(file)).unwrap();
        let frames = frames(&whole);
        assert!(frames.len() > 5, "{file}: {} frames", frames.len());
        for at in frames {
            // Its magic number, and what says how its header goes on.
            for (place, byte) in [(0, 0), (4, 0xff)] {
                let mut bytes = whole.clone();
                bytes[at + place] = byte;
                fs::write(&path, &bytes).unwrap();
                let message = message(&path, &[]);
                assert!(
                    message.starts_with("is damaged: ") && message.contains("Zstandard data"),
                    "{file} at {at}: {message}"
                );
            }
        }
    }
}

#[test]
fn a_promise_beyond_what_a_frame_can_hold_is_an_error_before_anything_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("promise");
    for file in ["zstd-rows.arrow", "zstd-rows.arrows"] {
        let whole = fs::read(vector(file)).unwrap();
        for at in frames(&whole) {
            for promise in [1, 1 << 20, 1 << 50, i64::MAX, i64::MIN, -2] {
                let mut bytes = whole.clone();
                bytes[at - 8..at].copy_from_slice(&promise.to_le_bytes());
                fs::write(&path, &bytes).unwrap();
                let message = message(&path, &[]);
                let problem = if promise < 0 { "a negative length" } else { "promise another" };
                assert!(message.contains(problem), "{file}: {promise}: {message}");
            }
        }
    }
    // The first page of a Parquet file promises the most that there can be.
    let mut bytes = fs::read(vector("zstd-rows-1.parquet")).unwrap();
    assert_eq!((bytes[4], bytes[6]), (0x15, 0x15));
    let end = 7 + bytes[7..].iter().position(|byte| byte & 0x80 == 0).unwrap();
    bytes.splice(7..=end, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    fs::write(&path, &bytes).unwrap();
    let message = message(&path, &[]);
    assert!(message.contains("bytes promises 2147483647"), "{message}");
    assert!(100 * LARGEST_EXPANSION < i32::MAX as u64);
}

#[test]
fn values_of_two_columns_in_one_place_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared");
    let whole = fs::read(vector("zstd-rows.arrows")).unwrap();
    // The place and the length of a batch's largest buffers, one after the other in its metadata.
    let body = frames(&whole)[0];
    let largest = whole[..body].windows(16).enumerate().filter_map(|(at, place)| {
        let number = |at: usize| i64::from_le_bytes(place[at..at + 8].try_into().unwrap());
        let fits = (8..2000).contains(&number(0)) && (60..2000).contains(&number(8));
        fits.then_some((at, number(8)))
    });
    let places: Vec<(usize, i64)> = largest.collect();
    assert!(!places.is_empty());
    for (at, _) in places {
        let mut bytes = whole.clone();
        // It has the place of the first, and a length that takes in most of the others.
        bytes[at..at + 8].copy_from_slice(&0_i64.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&1000_i64.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        assert!(message(&path, &[]).starts_with("is damaged: "));
    }
}
