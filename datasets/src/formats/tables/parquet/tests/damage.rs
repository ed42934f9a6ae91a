//! Damaged files are an error of one line, or change nothing that matters: no panic gets out, and
//! nothing hangs.

use super::*;

/// The columns that small.parquet and small.arrow have, and those of every type without the lists.
const FILES: [(&str, &[&str]); 10] = [
    ("small.parquet", &[]),
    ("small.arrow", &[]),
    ("dictionaries.arrows", &[]),
    ("types.parquet", &NO_CELLS),
    ("types.arrow", &NO_CELLS),
    ("types.arrows", &NO_CELLS),
    (zstandard::ROWS[0], &[]),
    (zstandard::ROWS[1], &[]),
    (zstandard::ROWS[2], &[]),
    (zstandard::ROWS[3], &[]),
];

/// Some of the bytes of files that take long to read, for time's sake.
fn step(file: &str) -> usize {
    if zstandard::ROWS.contains(&file) { 5 } else { 1 }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for (file, ignore) in FILES {
        let whole = fs::read(vector(file)).unwrap();
        for length in (0..whole.len()).step_by(step(file)) {
            fs::write(&path, &whole[..length]).unwrap();
            let message = message(&path, ignore);
            assert!(
                message.contains("is damaged") || length < 8,
                "{file} cut to {length}: {message}"
            );
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_changes_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed");
    for (file, ignore) in FILES {
        let whole = fs::read(vector(file)).unwrap();
        let mut errors = 0;
        for at in (0..whole.len()).step_by(step(file)) {
            let flips = [0x01, 0x80, 0xff];
            // The larger files have all of them in turn, for time's sake.
            let flips =
                if whole.len() < 1000 { &flips[..] } else { &flips[(at / step(file)) % 3..][..1] };
            for flip in flips {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                fs::write(&path, &bytes).unwrap();
                if let Err(error) = read(&path, ignore) {
                    assert_one_line(&error, &path);
                    errors += 1;
                }
            }
        }
        assert!(errors > whole.len() / 10 / step(file), "{file}: {errors} errors");
    }
}

#[test]
fn magic_numbers_without_content_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("magic");
    let footers: [&[u8]; 8] = [
        b"PAR1",
        b"PAR1PAR1",
        b"PAR1\0\0\0\0PAR1",
        b"PAR1\0\0\0\0\0\0\0\0PAR1",
        b"PAR1\xff\xff\xff\x7fPAR1",
        b"ARROW1\0\0",
        b"ARROW1\0\0\0\0\0\0ARROW1",
        b"\xff\xff\xff\xff\x08\0\0\0\0\0\0\0\0\0\0\0",
    ];
    for bytes in footers {
        fs::write(&path, bytes).unwrap();
        assert!(message(&path, &[]).contains("is damaged"), "{bytes:02x?}");
    }
}

#[test]
fn a_footer_of_a_wrong_length_is_an_error_before_anything_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footer");
    for (file, tail) in [("small.parquet", 8), ("small.arrow", 10)] {
        let whole = fs::read(vector(file)).unwrap();
        let place = whole.len() - tail;
        for length in [0, 1, 16, whole.len() as u32, i32::MAX as u32, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[place..place + 4].copy_from_slice(&length.to_le_bytes());
            fs::write(&path, &bytes).unwrap();
            let message = message(&path, &[]);
            assert!(message.contains("is damaged"), "{message}");
            if length >= whole.len() as u32 {
                let truth =
                    format!("its footer promises {length} bytes, the file has {}", whole.len());
                assert!(message.contains(&truth), "{message}");
            }
        }
    }
}

#[test]
fn an_encrypted_file_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encrypted");
    fs::write(&path, b"PARE\0\0\0\0\0\0\0\0PARE").unwrap();
    assert_eq!(
        message(&path, &[]),
        "is an encrypted Parquet file: write it again without encryption"
    );
}

#[test]
fn a_page_that_promises_more_than_its_bytes_can_hold_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("promise");
    let mut bytes = fs::read(vector("small.parquet")).unwrap();
    // The first page begins after the magic number: kind, decompressed length (24 bytes: three
    // numbers), compressed length.
    assert_eq!(bytes[4..8], [0x15, 0x04, 0x15, 0x30]);
    // Four bytes more, so that the footer's offsets are wrong from here on; but this page is the
    // first that is read.
    let longest = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    bytes.splice(7..8, longest);
    fs::write(&path, &bytes).unwrap();
    let message = message(&path, &["name"]);
    assert!(message.contains("bytes promises 2147483647"), "{message}");
}

#[test]
fn a_compressed_buffer_that_promises_more_than_it_can_hold_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("promise");
    let whole = fs::read(vector("types.arrow")).unwrap();
    // A buffer begins with its decompressed length, then LZ4's magic number.
    let magic = 0x184d_2204_u32.to_le_bytes();
    let mut found = 0;
    for at in (0..whole.len() - 12).filter(|&at| whole[at + 8..at + 12] == magic) {
        for promise in [1 << 20, 1 << 50, i64::MAX, i64::MIN] {
            let mut bytes = whole.clone();
            bytes[at..at + 8].copy_from_slice(&promise.to_le_bytes());
            fs::write(&path, &bytes).unwrap();
            let message = message(&path, &NO_CELLS);
            assert!(message.contains(&format!("promise {promise}")), "{message}");
        }
        found += 1;
    }
    assert!(found > 0, "no compressed buffer: nothing is shown");
}
