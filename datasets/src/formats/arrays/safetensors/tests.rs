use super::*;
use crate::formats::arrays::decoder::ArrayValues;
use crate::formats::arrays::tests::vectors::{OneFile, assert_is, assert_says, bytes_of, vectors};

fn file(text: &str, values: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), values].concat()
}

#[test]
fn what_the_reference_writes_is_read() {
    let vectors = vectors();
    let one = OneFile::new("arrays.safetensors", &bytes_of(&vectors["safetensors"]["hex"]));
    let expected = vectors["safetensors"]["arrays"].as_object().unwrap();
    let arrays = read(&one.path).unwrap();
    assert_eq!((arrays.len(), expected.len()), (13, 13));
    for NamedArray { name, array } in arrays {
        let array = array.unwrap().read().unwrap();
        assert_is(&array, &one.path, &expected[&name], &name);
        let in_place = matches!(array.values, ArrayValues::BytesAt(_) | ArrayValues::FloatsAt(_));
        assert_eq!(in_place, ["U8", "BOOL", "F32"].contains(&&name[..]), "{name}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let whole = file(r#"{"x":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]}}"#, b"abcdef");
    let one = OneFile::new("cut.safetensors", &whole);
    assert!(read(&one.path).unwrap()[0].array.is_ok());
    for length in 0..whole.len() {
        one.put(&whole[..length]);
        let says = match length {
            ..8 => "within its header",
            _ if length < whole.len() - 6 => "promises a header of 55 bytes",
            _ => "array \"x\": has the bytes 0 to 6",
        };
        assert_says(&read(&one.path).err().unwrap(), &one.path, says);
    }
    one.put(&[&whole[..], b"!"].concat());
    assert_says(
        &read(&one.path).err().unwrap(),
        &one.path,
        "holds 7 bytes of values, where its arrays are 6",
    );
}

#[test]
fn every_field_of_the_header_is_checked() {
    let x = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#""x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let and_y = |offsets: &str| {
        let (x, y) = (x("U8", "[4]", "[0,4]"), x("U8", "[4]", offsets).replace("\"x\"", "\"y\""));
        format!("{{{y},{x}}}")
    };
    let cases: &[(String, &str)] = &[
        (and_y("[3,7]"), "array \"y\": has the bytes 3 to 7, where 4 to at most 8 follow"),
        (and_y("[0,4]"), "has the bytes 0 to 4, where 4"),
        (and_y("[5,8]"), "array \"y\": has the bytes 5 to 8"),
        (and_y("[4,9]"), "array \"y\": has the bytes 4 to 9"),
        (and_y("[4,3]"), "array \"y\": has the bytes 4 to 3"),
        (and_y("[4,18446744073709551615]"), "array \"y\": has the bytes 4 to 18446744073709551615"),
        (and_y("[4,18446744073709551616]"), "damaged header"),
        (and_y("[-4,8]"), "damaged header"),
        (and_y("[4,7]"), "holds 8 bytes of values, where its arrays are 7"),
        (and_y("[4]"), "damaged header"),
        (
            format!("{{{},{}}}", x("U8", "[4]", "[0,4]"), x("U8", "[4]", "[4,8]")),
            "two arrays of the name",
        ),
        ("[]".to_owned(), "damaged header"),
        (String::new(), "damaged header"),
        ("{".to_owned(), "damaged header"),
        ("{}".to_owned(), "its arrays are 0"),
        (format!("{{{}}}x", x("U8", "[8]", "[0,8]")), "damaged header"),
        (r#"{"x":{"dtype":"U8","shape":[8]}}"#.to_owned(), "damaged header"),
        (
            r#"{"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"two\nlines":1}}"#.to_owned(),
            "damaged header",
        ),
    ];
    let one = OneFile::new("bad.safetensors", &[]);
    for (text, says) in cases {
        one.put(&file(text, &[0; 8]));
        assert_says(&read(&one.path).err().unwrap(), &one.path, says);
    }
    // Wrong by itself, beside others that are right.
    for (text, says) in [
        (x("F8_E4M3", "[8]", "[0,8]"), "holds values of the type \"F8_E4M3\""),
        (x("U8", "[7]", "[0,8]"), "promises 7 bytes"),
        (x("F32", "[8]", "[0,8]"), "promises 32 bytes (8 values of 4 bytes"),
        (x("F32", "[]", "[0,8]"), "a single number"),
        (x("U8", "[0]", "[0,8]"), "holds nothing"),
        (x("U8", "[4294967296,4294967296]", "[0,8]"), "more than memory"),
        (x("U8", "[18446744073709551615]", "[0,8]"), "more than memory"),
    ] {
        one.put(&file(&format!("{{{text}}}"), &[0; 8]));
        let array = read(&one.path).unwrap().pop().unwrap().array;
        assert_says(&array.unwrap_err(), &one.path, says);
    }
    one.put(&file(&format!("{{{}}}", x("BOOL", "[8]", "[0,8]")), &[0, 1, 0, 1, 1, 1, 255, 0]));
    let array = read(&one.path).unwrap().pop().unwrap().array.unwrap();
    assert_says(&array.read().unwrap_err(), &one.path, "array \"x\": truth value 6 is 255");
}

#[test]
fn a_huge_header_is_refused_before_memory_is_asked_for() {
    let one = OneFile::new("huge.safetensors", &[]);
    for (length, says) in [
        (u64::MAX, "where 100 MB are the most"),
        (100_000_001, "where 100 MB are the most"),
        (100_000_000, "but the file goes on for 2"),
        (3, "but the file goes on for 2"),
    ] {
        one.put(&[&length.to_le_bytes()[..], b"{}"].concat());
        assert_says(&read(&one.path).err().unwrap(), &one.path, says);
    }
}
