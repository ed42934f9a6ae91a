//! Damaged files are errors of one line, or other values: nothing panics.

use super::*;

/// Reads damaged copies of `whole`; the number of errors.
fn errors(whole: &[u8], rounds: usize) -> usize {
    let mut stream = Stream::new(0, Purpose::Shuffle, 0);
    let mut errors = 0;
    for round in 0..rounds {
        let mut draw = |below: usize| stream.next_u32() as usize % below;
        let mut bytes = whole.to_vec();
        match round % 3 {
            0 => bytes.truncate(draw(whole.len())),
            1 => bytes[draw(whole.len())] ^= 1 << draw(8),
            _ => bytes[draw(whole.len())] = b"\0\"\\{}[],:\n\r 0-eE.nt\x80\xff"[draw(21)],
        }
        // `rows` checks the message.
        errors += usize::from(rows(&bytes, &TableOptions::default()).is_err());
    }
    errors
}

#[test]
fn no_truncation_and_no_changed_byte_panics() {
    for text in [LINES, ARRAY] {
        assert!(errors(text.as_bytes(), 1_500) > 300);
        assert!(errors(&gzip(text.as_bytes()), 300) > 200);
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_damaged_frame_of_zstandard_never_changes_a_value() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    let packed = compress_to_vec(LINES.as_bytes(), CompressionLevel::Fastest);
    for at in 0..packed.len() {
        for bit in 0..8 {
            let mut bytes = packed.clone();
            bytes[at] ^= 1 << bit;
            // Not its magic number: then it is no compressed file, nor a table.
            let Ok(found) = rows(&bytes, &TableOptions::default()) else { continue };
            assert_eq!(found, expected([1, 3, 4, 5, 6]), "{at} {bit}");
        }
    }
    assert!(errors(&packed, 300) > 200);
}
