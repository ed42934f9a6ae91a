//! Stores: header, metadata, checksums, and writing.

use std::fs;

use narrows_datasets::{Dtype, Metadata, OpenOptions, StoreWriter, verify};

use crate::Table;
use crate::made_files::{crc, store};

pub fn stores(table: &mut Table) {
    let good = store(&table.folder().join("made.narrows"));
    // Each field of the header, out of range, with a checksum that fits.
    let changed = |at: usize, number: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + number.len()].copy_from_slice(number);
        let sum = crc(&bytes[..124]);
        bytes[124..128].copy_from_slice(&sum.to_le_bytes());
        bytes
    };
    let most = &u64::MAX.to_le_bytes()[..];
    let rows = &(1_u64 << 32).to_le_bytes()[..];
    for (name, at, number, says) in [
        ("version-0", 8, &[0, 0][..], "store of version 0"),
        ("version-2", 8, &[2, 0], "store of version 2"),
        ("type-0", 12, &[0], "unknown type 0"),
        ("type-3", 12, &[3], "unknown type 3"),
        ("no-rows", 16, &[0; 8], "which no file can hold"),
        ("rows", 16, most, "which no file can hold"),
        ("rows-2-32", 16, rows, "but the file has"),
        ("test-rows", 24, most, "which no file can hold"),
        ("no-width", 32, &[0; 8], "which no file can hold"),
        ("width", 32, most, "which no file can hold"),
        ("block-0", 40, &[0; 8], "pack its source again"),
        ("block-1", 40, &[1, 0, 0, 0, 0, 0, 0, 0], "but the file has"),
        ("labelled-2", 48, &[2], "where 1 means labels"),
        ("unlabelled", 48, &[0], "but the file has"),
        ("checksums", 52, &[1, 2, 3, 4], "checksums of its blocks"),
        ("metadata-length", 56, most, "which no file can hold"),
        ("metadata-short", 56, &[1], "but the file has"),
        ("metadata-crc", 64, &[1, 2, 3, 4], "metadata do not fit their checksum"),
    ] {
        table.file(&format!("{name}.narrows"), &changed(at, number), says);
    }
    // Metadata whose checksum fits.
    let with_metadata = |json: &[u8]| {
        let length = |bytes: &[u8]| u64::from_le_bytes(bytes[56..64].try_into().unwrap());
        let mut bytes = good[..good.len() - length(&good) as usize].to_vec();
        bytes.extend(json);
        bytes[56..64].copy_from_slice(&(json.len() as u64).to_le_bytes());
        bytes[64..68].copy_from_slice(&crc(json).to_le_bytes());
        let sum = crc(&bytes[..124]);
        bytes[124..128].copy_from_slice(&sum.to_le_bytes());
        bytes
    };
    table.file("json.narrows", &with_metadata(b"{"), "metadata that cannot be read");
    table.file(
        "lines.narrows",
        &with_metadata(br#"{"two\nlines":1}"#),
        "unknown field `two\\nlines`",
    );
    let long = format!("{{\"{}\":1}}", "x".repeat(10_000));
    table.file("long-name.narrows", &with_metadata(long.as_bytes()), "unknown field `xxx");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    table.file("header.narrows", &flipped(70), "header does not fit its checksum");
    table.file("labels.narrows", &flipped(4160), "do not fit their checksum");
    table.file("longer.narrows", &[&good[..], b"!"].concat(), "but the file has");
    table.file("shorter.narrows", &good[..good.len() - 1], "but the file has");
    let options = OpenOptions { labels: Some("labels.npy".into()), ..OpenOptions::default() };
    table.with("labelled.narrows", &good, &options, "has its labels inside");

    for at in [4097, 4161, 4177] {
        let path = table.folder().join("verified.narrows");
        fs::write(&path, flipped(at)).unwrap();
        table.case("verified.narrows", "is damaged", good.len() as u64, move || {
            verify(&path, &mut |_, _| {})
        });
    }
    let path = table.folder().join("text.narrows");
    fs::write(&path, "narrows").unwrap();
    table.case("text.narrows", "is no store", 7, move || verify(&path, &mut |_, _| {}));
    let path = table.folder().join("no/such/folder.narrows");
    table.case("folder.narrows", "", 0, move || {
        StoreWriter::create(&path, Dtype::U8, &[2], false).map(drop)
    });
    for shape in [&[][..], &[0], &[2, 0], &[usize::MAX, 2]] {
        let path = table.folder().join("shape.narrows");
        table.case("", "no sample can have the shape", 0, move || {
            StoreWriter::create(&path, Dtype::U8, shape, false).map(drop)
        });
    }
    let write = |table: &mut Table, name: &str, says: &str, sample: &'static [u8], label: u16| {
        let path = table.folder().join(name);
        table.case(name, says, 0, move || {
            let mut writer = StoreWriter::create(&path, Dtype::U8, &[2], true)?;
            writer.push_bytes(sample, label)?;
            writer.finish(&Metadata::default())
        });
    };
    write(table, "class.narrows", "", &[1, 2], 5);
}
