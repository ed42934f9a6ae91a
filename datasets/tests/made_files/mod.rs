//! Writes files of each format, true or not, byte by byte: no reader or writer of the crate is
//! used, but for stores.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use narrows_datasets::{Dtype, Metadata, StoreWriter};

pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The names of what lies in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn idx(element: u8, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, element, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// An `.npy` file of version 1.0 whose dictionary is `text`.
pub fn npy_text(text: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values);
    bytes
}

pub fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy_text(
        &format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"),
        values,
    )
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A member of a zip file, as its entry says it is.
#[derive(Clone)]
pub struct Member {
    pub name: String,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub length: u32,
    pub data: Vec<u8>,
}

impl Member {
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let (crc, length) = (crc(content), content.len() as u32);
        Member { name: name.to_owned(), flags: 0, method: 0, crc, length, data: content.to_vec() }
    }

    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        Member { method: 8, data: encoder.finish().unwrap(), ..Member::stored(name, content) }
    }
}

pub fn zip(members: &[Member]) -> Vec<u8> {
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
    let (at, length) = (bytes.len() as u32, directory.len() as u32);
    let count = (members.len() as u16).to_le_bytes();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend([length.to_le_bytes(), at.to_le_bytes()].concat());
    bytes.extend([0, 0]);
    bytes
}

pub fn safetensors(text: &str, values: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), values].concat()
}

/// A store of eight samples of two bytes, of two classes.
pub fn store(path: &Path) -> Vec<u8> {
    let mut writer = StoreWriter::create(path, Dtype::U8, &[2], true).unwrap();
    for row in 0..8_u8 {
        writer.push_bytes(&[row, 10 * row], u16::from(row % 2)).unwrap();
    }
    let classes = vec!["a".to_owned(), "b".to_owned()];
    writer.finish(&Metadata { classes, ..Metadata::default() }).unwrap();
    let bytes = std::fs::read(path).unwrap();
    std::fs::remove_file(path).unwrap();
    bytes
}
