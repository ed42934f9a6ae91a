//! Archives that are unpacked, as CIFAR-10 comes.

use std::fs;

use super::{Place, public, set};
use crate::made_files::{gzip, names_in};
use crate::mirror::{Answer, Server};
use narrows_datasets::fetch::{FetchOptions, Member, PublicSet, fetch};
use narrows_datasets::open;

const RECORD: usize = 3073;
const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// A batch of two records.
fn batch(number: usize) -> Vec<u8> {
    (0..2 * RECORD)
        .map(|i| if i % RECORD == 0 { number as u8 } else { (i + number) as u8 })
        .collect()
}

/// The entries of an archive as CIFAR-10 comes.
fn entries() -> Vec<(String, Vec<u8>)> {
    let inside = |name: &str| format!("cifar-10-batches-bin/{name}");
    let mut entries: Vec<(String, Vec<u8>)> =
        BATCHES.iter().enumerate().map(|(number, name)| (inside(name), batch(number))).collect();
    entries.push((inside("batches.meta.txt"), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec()));
    entries.push((inside("readme.html"), b"<html>".to_vec()));
    entries
}

/// A compressed tar file. The names are written as they are: the crate itself refuses those that
/// lead elsewhere.
fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, &bytes[..]).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

fn packed(server: &Server, archive: &[u8]) -> PublicSet {
    let exact = |name: &&str| Member { name: name.to_string(), bytes: 6146..=6146 };
    let names = Member { name: "batches.meta.txt".to_owned(), bytes: 1..=100 };
    PublicSet {
        files: vec![public("packed.tar.gz", archive)],
        members: BATCHES.iter().map(exact).chain([names]).collect(),
        ..set(&[server])
    }
}

#[test]
fn an_archive_is_unpacked_to_a_folder_that_opens() {
    let archive = archive(&entries());
    let (place, server) =
        (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
    let set = packed(&server, &archive);
    let fetch = |offline| fetch(&set, &FetchOptions { offline, ..place.options() }, &mut |_| {});
    let folder = fetch(false).unwrap();
    let data = open(&folder).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (10, 2));
    assert_eq!(data.train.class_names()[9], "j");
    let expected =
        [&["batches.meta.txt"], &BATCHES[..5], &["lock", "packed.tar.gz", "test_batch.bin"]]
            .concat();
    assert_eq!(names_in(&folder), expected);

    // A member that is damaged comes from the archive again, without a connection.
    fs::write(folder.join(BATCHES[2]), b"short").unwrap();
    fetch(true).unwrap();
    assert_eq!(fs::read(folder.join(BATCHES[2])).unwrap(), batch(2));
    // An archive whose members are there is not missed.
    fs::remove_file(folder.join("packed.tar.gz")).unwrap();
    fetch(true).unwrap();
    fetch(false).unwrap();
    assert_eq!(server.requests().len(), 1);
    // But without them it is.
    fs::remove_file(folder.join(BATCHES[0])).unwrap();
    let message = fetch(true).unwrap_err().to_string();
    assert!(message.contains("packed.tar.gz: is missing"), "{message}");
    fetch(false).unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(names_in(&folder), expected);
}

#[test]
fn an_archive_reaches_no_other_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut entries = entries();
    let absolute = elsewhere.path().join("test_batch.bin").to_str().unwrap().to_owned();
    for name in ["../test_batch.bin", "a/../../test_batch.bin", &absolute, "../evil"] {
        entries.insert(0, (name.to_owned(), vec![0; 6146]));
    }
    let archive = archive(&entries);
    let (place, server) =
        (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
    let folder = fetch(&packed(&server, &archive), &place.options(), &mut |_| {}).unwrap();
    assert_eq!(fs::read(folder.join("test_batch.bin")).unwrap(), batch(5));
    assert_eq!(names_in(place.0.path()), ["set"]);
    assert_eq!(names_in(elsewhere.path()), [""; 0]);
}

#[test]
fn an_archive_that_holds_something_else_is_an_error() {
    let mut short = entries();
    short[3].1.pop();
    let mut twice = entries();
    twice.push(twice[0].clone());
    let mut without = entries();
    without.remove(4);
    let whole = archive(&entries());
    let mut bomb = entries();
    bomb.insert(0, ("bomb".to_owned(), vec![0; 64 << 20]));
    for (archive, says) in [
        (archive(&short), "holds data_batch_4.bin with 6145 bytes"),
        (archive(&twice), "holds data_batch_1.bin twice"),
        (archive(&without), "holds no data_batch_5.bin"),
        (archive(&bomb), "is no archive that can be read"),
        (whole[..whole.len() / 2].to_vec(), "is no archive that can be read"),
        (b"no gzip".to_vec(), "is no archive that can be read"),
        (gzip(b"no tar"), "is no archive that can be read"),
    ] {
        let (place, server) =
            (Place::new(), Server::new(&[("packed.tar.gz", &archive)], &[Answer::Right]));
        let error = fetch(&packed(&server, &archive), &place.options(), &mut |_| {}).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with(place.folder().join("packed.tar.gz").to_str().unwrap()),
            "{message}"
        );
        assert!(
            message.contains(says) && !message.contains('\n'),
            "{message:?} does not say {says:?}"
        );
        let left: Vec<String> = names_in(&place.folder());
        assert!(left.iter().all(|name| !name.ends_with("partial")), "{left:?}");
    }
}
