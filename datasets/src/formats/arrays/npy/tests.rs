use super::*;
use crate::formats::arrays::decoder::{Array, ArrayValues};
use crate::formats::arrays::tests::vectors::{
    OneFile, assert_is, assert_says, bytes_of, floats, npy, npy_of, vectors,
};

fn read_array(path: &Path) -> Result<Array, Error> {
    find_array(path)?.read()
}

#[test]
fn every_type_order_and_version_is_read_as_numpy_reads_it() {
    let vectors = vectors();
    let files = vectors["npy"].as_array().unwrap();
    assert_eq!(files.len(), 3 * (3 + 2 * 9) + 3);
    for file in files {
        let name = file["name"].as_str().unwrap();
        let one = OneFile::new("array.npy", &bytes_of(&file["hex"]));
        let array = read_array(&one.path).unwrap();
        assert_is(&array, &one.path, file, name);
        let in_place = matches!(array.values, ArrayValues::BytesAt(_) | ArrayValues::FloatsAt(_));
        let native = ["|b1", "|u1", "<f4", "vers"].iter().any(|start| name.starts_with(start));
        assert_eq!(in_place, native && !name.ends_with('F'), "{name}");
    }
}

#[test]
fn fortrans_order_is_turned_around_over_many_pieces() {
    let shape = [7_usize, 50, 300];
    let index = |i: usize, j: usize, k: usize| ((i * 50 + j) * 300 + k) as i32;
    let mut values = Vec::new();
    for k in 0..300 {
        for j in 0..50 {
            for i in 0..7 {
                values.extend(index(i, j, k).to_be_bytes());
            }
        }
    }
    let text = "{'descr': '>i4', 'fortran_order': True, 'shape': (7, 50, 300)}";
    let one = OneFile::new("fortran.npy", &npy(text, &values));
    let array = read_array(&one.path).unwrap();
    assert_eq!(array.shape, shape);
    let expected: Vec<f32> = (0..7 * 50 * 300).map(|value| value as f32).collect();
    assert_eq!(floats(&array, &one.path), expected);
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let whole = npy_of("<i2", "(2, 3)", &[7; 12]);
    let one = OneFile::new("cut.npy", &whole);
    assert!(read_array(&one.path).is_ok());
    for length in 0..whole.len() {
        one.put(&whole[..length]);
        let says = if length < whole.len() - 12 {
            "within its header"
        } else {
            "2 x 3 values of 2 bytes and a header), but the file has"
        };
        assert_says(&read_array(&one.path).unwrap_err(), &one.path, says);
    }
    one.put(&[&whole[..], b"!"].concat());
    assert_says(&read_array(&one.path).unwrap_err(), &one.path, "but the file has");
}

#[test]
fn every_field_of_the_header_is_checked() {
    let with = |at: usize, value: u8| {
        let mut bytes = npy_of("|u1", "(4,)", &[0; 4]);
        bytes[at] = value;
        bytes
    };
    let typed = |descr: &str| npy_of(descr, "(4,)", &[0; 4]);
    let shaped = |shape: &str| npy_of("|u1", shape, &[0; 4]);
    let fields = "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (1,)}";
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    let cases: &[(Vec<u8>, &str)] = &[
        (b"<!DOCTYPE html>".to_vec(), "is not NumPy's .npy data: it starts with the bytes [3c, 21"),
        (with(0, 0), "is not NumPy's"),
        (with(5, 0), "is not NumPy's"),
        (with(6, 0), "version 0.0"),
        (with(6, 4), "version 4.0"),
        (with(7, 1), "version 1.1"),
        (long, "a header of 4294967295 bytes"),
        (with(10, b'['), "damaged header"),
        (with(10, b'\n'), "damaged header"),
        (npy(fields, &[0; 8]), "records of several fields"),
        (typed("|O"), "never unpickled"),
        (typed("<U4"), "holds texts"),
        (typed("|S4"), "holds texts"),
        (typed("<c8"), "complex"),
        (typed("<M8[s]"), "times"),
        (typed("<f16"), "the type \"<f16\""),
        (typed("<b1x"), "the type \"<b1x\""),
        (typed("|f4"), "the type \"|f4\""),
        (typed("=f4"), "the type \"=f4\""),
        (typed("f4"), "the type \"f4\""),
        (typed("<"), "the type \"<\""),
        (typed(""), "the type \"\""),
        (typed("|V4"), "the type \"|V4\""),
        (shaped("()"), "a single number"),
        (shaped("(0,)"), "holds nothing: its header says 0"),
        (shaped("(4, 0)"), "holds nothing: its header says 4 x 0"),
        (shaped("(1, 1, 1, 1, 1, 1, 1, 1, 4)"), "9-dimensional"),
        (shaped("(3,)"), "but the file has"),
        (shaped("(5,)"), "but the file has"),
        (shaped("(1000000000000,)"), "promises 1000000000"),
        (shaped("(4294967296, 4294967296)"), "more than memory can address"),
        (shaped("(18446744073709551615,)"), "more than memory can address"),
        (npy_of("|b1", "(4,)", &[0, 1, 2, 1]), "truth value 2 is 2"),
    ];
    let one = OneFile::new("bad.npy", &[]);
    for (bytes, says) in cases {
        one.put(bytes);
        assert_says(&read_array(&one.path).unwrap_err(), &one.path, says);
    }
}

#[test]
fn no_changed_byte_of_a_header_is_a_panic() {
    let whole = npy_of("<f8", "(2, 3)", &[0; 48]);
    let one = OneFile::new("changed.npy", &whole);
    for at in 0..whole.len() - 48 {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            one.put(&bytes);
            match read_array(&one.path) {
                Ok(array) => assert_eq!(array.shape.iter().product::<usize>(), 6, "byte {at}"),
                Err(error) => assert_says(&error, &one.path, ""),
            }
        }
    }
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert_says(&read_array(folder.path()).unwrap_err(), folder.path(), "is a folder");
    let path = folder.path().join("missing.npy");
    assert_says(&read_array(&path).unwrap_err(), &path, "check the path");
}

#[test]
fn what_is_written_is_numpys_to_the_byte() {
    // numpy.save of numpy.float32([[1, 2, -3.5]]), version 2.
    let mut expected =
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }"
            .to_vec();
    expected.resize(127, b' ');
    expected.push(b'\n');
    expected.extend([1.0_f32, 2.0, -3.5].iter().flat_map(|value| value.to_le_bytes()));
    let mut writer = NpyWriter::new(Vec::new(), 1, Some(3)).unwrap();
    writer.rows(&[1.0, 2.0, -3.5]).unwrap();
    assert_eq!(writer.finish().unwrap(), expected);
    let line = NpyWriter::new(Vec::new(), 0, None).unwrap().finish().unwrap();
    assert!(line.len() == 128 && line.windows(4).any(|part| part == b"(0,)"));
    assert!(NpyWriter::new(Vec::new(), usize::MAX, Some(2)).is_err());
}
