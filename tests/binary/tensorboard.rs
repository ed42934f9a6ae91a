//! Event files: what is in them, read by a few lines here and by TensorBoard itself.

use crate::program::{Place, TINY, python};
use std::collections::BTreeMap;
use std::fs;

/// A field of a message: its number, and its bytes or its bits.
enum Field<'a> {
    Bits(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let mut take = |len: usize| {
            let (head, tail) = bytes.split_at(len);
            bytes = tail;
            head
        };
        let field = match key & 7 {
            1 => Field::Bits(u64::from_le_bytes(take(8).try_into().unwrap())),
            5 => Field::Bits(u64::from(u32::from_le_bytes(take(4).try_into().unwrap()))),
            0 => Field::Bits(varint(&mut bytes)),
            2 => {
                let len = varint(&mut bytes) as usize;
                let (head, tail) = bytes.split_at(len);
                bytes = tail;
                Field::Bytes(head)
            }
            other => panic!("no type {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn bytes<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Option<&'a [u8]> {
    fields.iter().find_map(|(n, field)| match field {
        Field::Bytes(bytes) if *n == number => Some(*bytes),
        _ => None,
    })
}

fn bits(fields: &[(u64, Field<'_>)], number: u64) -> Option<u64> {
    fields.iter().find_map(|(n, field)| match field {
        Field::Bits(bits) if *n == number => Some(*bits),
        _ => None,
    })
}

/// CRC-32C bit by bit, and masked.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The messages of a file, whose checksums hold.
fn messages(mut file: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !file.is_empty() {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        assert_eq!(word(8), checksum(&file[..8]));
        let message = &file[12..12 + len];
        assert_eq!(word(12 + len), checksum(message));
        found.push(message);
        file = &file[16 + len..];
    }
    found
}

/// The numbers of the event files in `folder`, by tag and step.
fn scalars(place: &Place, folder: &str) -> BTreeMap<(String, u64), f32> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(place.path(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        assert!(path.display().to_string().contains("events.out.tfevents."), "{path:?}");
        let file = fs::read(path).unwrap();
        let all = messages(&file);
        assert_eq!(bytes(&fields(all[0]), 3), Some(&b"brain.Event:2"[..]));
        for message in &all[1..] {
            let event = fields(message);
            let step = bits(&event, 2).unwrap();
            let value = fields(bytes(&fields(bytes(&event, 5).unwrap()), 1).unwrap());
            let tag = String::from_utf8(bytes(&value, 1).unwrap().to_vec()).unwrap();
            if let Some(number) = bits(&value, 2) {
                found.insert((tag, step), f32::from_bits(number as u32));
            }
        }
    }
    found
}

#[test]
fn events_have_the_numbers_of_the_run() {
    let place = Place::new();
    place.succeed("pretrain --epochs 3 --widths 24 --latent 6 --out ae --tensorboard tb --quiet");
    let found = scalars(&place, "tb/ae/autoencoder");
    let metrics = place.read("ae/metrics.csv");
    let head: Vec<&str> = metrics.lines().next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let tags = [
        ("train_loss", "loss/train"),
        ("validation_loss", "loss/validation"),
        ("lr", "learning_rate"),
    ];
    let mut checked = 0;
    for row in metrics.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let epoch = cells[column("epoch")].parse().unwrap();
        for (name, tag) in tags {
            let expected: f64 = cells[column(name)].parse().unwrap();
            assert_eq!(found[&(tag.to_string(), epoch)], expected as f32, "{tag} {epoch}");
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
    let summary = place.json("ae/summary.json");
    let best = summary["best_epoch"].as_f64().unwrap() as f32;
    assert_eq!(scalars(&place, "tb/ae")[&("result/best_epoch".to_string(), 0)], best);
}

#[test]
fn tensorboard_reads_the_events() {
    let place = Place::new();
    let compare =
        format!("compare {} --methods full --out c --tensorboard tb --quiet", TINY.join(" "));
    place.succeed(&compare);
    let Some(text) = python(&place, "tensorboard_events.py", &["tb"], "TensorBoard") else {
        return;
    };
    let has = |start: &str| {
        let found = text.lines().filter(|line| line.starts_with(start)).count();
        assert!(found > 0, "{start:?} is not among\n{text}");
        found
    };
    assert_eq!(has("c/autoencoder\tscalar\tloss/train\t"), 3);
    has("c/autoencoder\thistogram\tencoder.0.weight\t");
    has("c\timage\treconstructions/test\t0\t");
    has("c\tscalar\tresult/autoencoder/");
    has("c\tsetting\tlatent\t0\tnumber_value: 6");
    has("c\tsetting\tmodel\t0\tstring_value: \"dense\"");
    assert_eq!(has("c\tstatus\t_hparams_/session_end_info\t0\t1"), 1);
    let runs = place.read("c/metrics.csv");
    for run in runs.lines().skip(1).map(|line| line.split(',').next().unwrap()) {
        has(&format!("c/{run}\tscalar\tloss/validation\t"));
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_training() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    let said = place.refuse("pretrain --out ae --tensorboard file --quiet");
    assert!(said.err.contains("--tensorboard"), "{}", said.err);
    assert!(!place.path("ae").exists());
}
