use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};

use super::*;
use crate::formats::arrays::decoder::ArrayValues;
use crate::formats::arrays::tests::vectors::{
    OneFile, assert_is, assert_says, bytes_of, npy_of, vectors,
};

/// A member as the test wants it, true or not.
#[derive(Clone)]
struct Made {
    name: &'static str,
    flags: u16,
    method: u16,
    crc: u32,
    length: u32,
    data: Vec<u8>,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Made {
    fn stored(name: &'static str, content: &[u8]) -> Self {
        let (crc, length) = (crc(content), content.len() as u32);
        Made { name, flags: 0, method: 0, crc, length, data: content.to_vec() }
    }

    fn deflated(name: &'static str, content: &[u8]) -> Self {
        Made { method: 8, data: deflate(content), ..Made::stored(name, content) }
    }
}

fn zip(members: &[Made]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let mut fields = Vec::new();
        for field in [20, member.flags, member.method, 0, 0x21] {
            fields.extend(field.to_le_bytes());
        }
        for field in [member.crc, member.data.len() as u32, member.length] {
            fields.extend(field.to_le_bytes());
        }
        fields.extend((member.name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(member.name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(member.name.as_bytes());
        bytes.extend(&member.data);
    }
    let (at, length, count) =
        (bytes.len() as u32, directory.len() as u32, (members.len() as u16).to_le_bytes());
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count);
    bytes.extend(count);
    bytes.extend(length.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn good() -> Vec<u8> {
    npy_of("|u1", "(2, 3)", b"abcdef")
}

#[test]
fn what_numpy_writes_is_read() {
    let vectors = vectors();
    let expected = vectors["npz"]["arrays"].as_object().unwrap();
    for kind in ["stored", "deflated"] {
        let one = OneFile::new("arrays.npz", &bytes_of(&vectors["npz"][kind]));
        let mut names = Vec::new();
        for NamedArray { name, array } in read(&one.path).unwrap() {
            if name == "texts" {
                assert_says(&array.unwrap_err(), &one.path, "array \"texts\": holds texts");
            } else {
                let array = array.unwrap().read().unwrap();
                assert_is(&array, &one.path, &expected[&name], &name);
                let in_place =
                    matches!(array.values, ArrayValues::BytesAt(_) | ArrayValues::FloatsAt(_));
                assert_eq!(
                    in_place,
                    kind == "stored" && ["bytes", "floats"].contains(&&name[..]),
                    "{name}"
                );
            }
            names.push(name);
        }
        assert_eq!(names, ["bytes", "floats", "doubles", "fortran", "texts"]);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let whole = zip(&[Made::stored("x.npy", &good()), Made::deflated("y.npy", &good())]);
    let one = OneFile::new("cut.npz", &whole);
    assert_eq!(read(&one.path).unwrap().len(), 2);
    for length in 0..whole.len() {
        one.put(&whole[..length]);
        assert_says(&read(&one.path).err().unwrap(), &one.path, "is no zip file, or a damaged one");
    }
}

#[test]
fn a_changed_byte_is_an_error_or_changes_no_value() {
    let vectors = vectors();
    for kind in ["stored", "deflated"] {
        let whole = bytes_of(&vectors["npz"][kind]);
        let one = OneFile::new("changed.npz", &whole);
        let expected = &vectors["npz"]["arrays"];
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= if at % 2 == 0 { 0x01 } else { 0x80 };
            one.put(&bytes);
            let arrays = match read(&one.path) {
                Ok(arrays) => arrays,
                Err(error) => {
                    assert_says(&error, &one.path, "");
                    continue;
                }
            };
            for NamedArray { name, array } in arrays {
                match array.and_then(|array| array.read()) {
                    Err(error) => assert_says(&error, &one.path, "array "),
                    Ok(array) if expected[&name].is_object() => {
                        assert_is(&array, &one.path, &expected[&name], &name);
                    }
                    // Its name was what changed.
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Reads the only array of a file, or says why not.
fn read_one(one: &OneFile) -> Result<crate::formats::arrays::decoder::Array, Error> {
    let mut arrays = read(&one.path)?;
    assert_eq!(arrays.len(), 1);
    arrays.pop().unwrap().array?.read()
}

#[test]
fn members_that_lie_are_errors() {
    let content = good();
    let (stored, deflated) = (Made::stored("x.npy", &content), Made::deflated("x.npy", &content));
    let more = [&content[..], b"!"].concat();
    let huge = npy_of("|u1", "(60000, 50000)", b"abcdef");
    let cut = deflated.data[..deflated.data.len() - 3].to_vec();
    let cases: &[(Made, &str)] = &[
        (Made { crc: 1, ..stored.clone() }, "array \"x\": is damaged: its checksum"),
        (Made { crc: 1, ..deflated.clone() }, "array \"x\": is damaged: its checksum"),
        (Made { flags: 1, ..stored.clone() }, "encrypted"),
        (Made { method: 14, ..stored.clone() }, "compressed by method 14"),
        (Made { length: 7, ..stored.clone() }, "its zip entry says 7"),
        (Made { length: 7, ..deflated.clone() }, "its zip entry has 7"),
        (Made { length: content.len() as u32 + 1, ..deflated.clone() }, "its zip entry has"),
        (Made::stored("x.npy", &more), "its zip entry has"),
        // More arrives than both promise.
        (Made { data: deflate(&more), ..deflated.clone() }, "it decompresses to more"),
        (Made { data: cut, ..deflated.clone() }, "array \"x\": "),
        (Made { data: vec![0xff; 50], ..deflated.clone() }, "array \"x\": is damaged"),
        (Made { data: vec![], ..deflated.clone() }, "array \"x\": "),
        // Both promise what the file cannot hold.
        (
            Made {
                length: 3_000_000_000 + huge.len() as u32 - 6,
                ..Made::deflated("x.npy", &huge)
            },
            "bytes of zip cannot hold that many",
        ),
        (Made::stored("x.npy", b"text"), "is not NumPy's"),
    ];
    let one = OneFile::new("lies.npz", &[]);
    for (member, says) in cases {
        one.put(&zip(std::slice::from_ref(member)));
        assert_says(&read_one(&one).unwrap_err(), &one.path, says);
    }
}

#[test]
fn a_bomb_is_left_at_once() {
    let mut content = good();
    let length = content.len() as u32;
    content.extend(vec![0; 1 << 26]);
    let bomb = Made { length, ..Made::deflated("x.npy", &content) };
    let one = OneFile::new("bomb.npz", &zip(&[bomb]));
    let start = std::time::Instant::now();
    assert_says(&read_one(&one).unwrap_err(), &one.path, "it decompresses to more");
    assert!(start.elapsed().as_millis() < 500, "64 MB were decompressed");
}

#[test]
fn names_are_names_and_occur_once() {
    let one = OneFile::new(
        "names.npz",
        &zip(&[Made::stored("x.npy", &good()), Made::deflated("x.npy", &good())]),
    );
    assert_says(&read(&one.path).err().unwrap(), &one.path, "two arrays of the name \"x\"");
    one.put(&zip(&[
        Made::stored("/etc/x.npy", &good()),
        Made::stored("../y.npy", &good()),
        Made::stored("folder/", b""),
        Made::stored("readme.txt", b"not looked at"),
    ]));
    let names: Vec<String> = read(&one.path).unwrap().into_iter().map(|array| array.name).collect();
    assert_eq!(names, ["/etc/x", "../y"]);
    one.put(&zip(&[]));
    assert!(read(&one.path).unwrap().is_empty());

    let mut miscounted = zip(&[Made::stored("x.npy", &good())]);
    let end = miscounted.len() - 22;
    miscounted[end + 8] = 2;
    miscounted[end + 10] = 2;
    one.put(&miscounted);
    let says = "its directory has 1 members, where its end says 2";
    assert_says(&read(&one.path).err().unwrap(), &one.path, says);
}
