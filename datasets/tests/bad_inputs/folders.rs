//! Folders of known files or of images, and what is neither file nor folder.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use flate2::Compression;
use narrows_datasets::OpenOptions;

use crate::Table;
use crate::made_files::{crc, gzip, idx};

const JPEG: &[u8] = include_bytes!("../../fuzz/corpus/jpeg/rgb");

pub fn what_is_no_file(table: &mut Table) {
    let default = OpenOptions::default();
    let path = table.folder().join("missing.csv");
    table.opened(&path, "missing.csv", &default, "check the path");
    let path = table.folder();
    table.opened(&path, path.file_name().unwrap().to_str().unwrap(), &default, "is empty");
    let path = table.folder().join("folder.npy");
    fs::create_dir(&path).unwrap();
    table.opened(&path, "folder.npy", &default, "put the data there");
    let path = table.folder().join("loop.csv");
    symlink(&path, &path).unwrap();
    table.opened(&path, "loop.csv", &default, "symbolic links");
    let folder = table.folder();
    symlink(folder.join("b"), folder.join("a")).unwrap();
    symlink(folder.join("a"), folder.join("b")).unwrap();
    table.opened(&folder.join("a"), "/a", &default, "symbolic links");
    let path = table.folder().join("dangling.npz");
    symlink("nowhere", &path).unwrap();
    table.opened(&path, "dangling.npz", &default, "check the path");
    let path = table.folder().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    table.opened(&path, "pipe.csv", &default, "neither a folder nor a regular file");
    let options = OpenOptions { labels: Some(path), ..default.clone() };
    let samples = table.folder().join("samples.idx");
    fs::write(&samples, idx(8, &[4, 2], b"abcdefgh")).unwrap();
    table.opened(&samples, "pipe.csv", &options, "neither a folder nor a regular file");
    table.opened(
        Path::new("/dev/zero"),
        "/dev/zero",
        &default,
        "neither a folder nor a regular file",
    );
    // A class folder that leads back to the folder of all.
    let folder = table.folder();
    symlink(&folder, folder.join("a")).unwrap();
    table.opened(&folder, folder.file_name().unwrap().to_str().unwrap(), &default, "");
    let folder = table.folder();
    symlink(folder.join("a"), folder.join("a")).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    table.opened(&folder, name, &default, "holds no images");

    let path = table.folder().join("secret.csv");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read every file, so none is unreadable");
    } else {
        table.opened(&path, "secret.csv", &default, "allow this user to read it");
    }
}

pub fn mnist_and_cifar(table: &mut Table) {
    let good: [(&str, Vec<u8>); 4] = [
        ("train-images-idx3-ubyte", idx(8, &[5, 2, 3], &[7; 30])),
        ("train-labels-idx1-ubyte", idx(8, &[5], &[0, 1, 2, 0, 1])),
        ("t10k-images-idx3-ubyte", idx(8, &[3, 2, 3], &[7; 18])),
        ("t10k-labels-idx1-ubyte", idx(8, &[3], &[2, 1, 0])),
    ];
    let images = &good[0].1;
    for (which, bytes, says) in [
        (0, &images[..20], "but the file has 20"),
        (0, b"", "ends after 0 bytes"),
        (0, &idx(9, &[5, 2, 3], &[7; 30]), "signed bytes"),
        (0, &gzip(&images[..30]), "it decompresses to"),
        (1, &idx(8, &[4], &[0, 1, 2, 0]), "4 labels for the 5 images"),
        (2, &idx(8, &[3, 3, 3], &[7; 27]), "where those to learn from have"),
        (3, &idx(8, &[3], &[2, 1, 7]), "no training sample has"),
    ] {
        let mut files: Vec<(&str, &[u8])> =
            good.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        files[which].1 = bytes;
        files.swap(0, which);
        table.files(&files, says);
    }

    let record = |label: u8| [&[label][..], &[7; 3072]].concat();
    let names = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ];
    let whole = record(3);
    let batches: Vec<(&str, &[u8])> =
        names.iter().chain(&["test_batch.bin"]).map(|name| (*name, &whole[..])).collect();
    for (bytes, says) in [
        (&b""[..], "no whole records"),
        (&whole[1..], "no whole records"),
        (&[&whole[..], b"!"].concat(), "no whole records"),
        (&record(10), "record 0 has the label 10"),
        (&[record(1), record(255)].concat(), "record 1 has the label 255"),
    ] {
        let mut batches = batches.clone();
        batches[0].1 = bytes;
        table.files(&batches, says);
    }
    let meta = |bytes: &'static [u8]| [&[("batches.meta.txt", bytes)], &batches[..]].concat();
    table.files(&meta(b"cat\ndog\n"), "names 2 classes");
    table.files(&meta(b"\xff\xfe\n"), "batches.meta.txt");
    let folder = table.folder();
    fs::write(folder.join("data_batch_1.bin"), &whole).unwrap();
    table.opened(&folder, "", &OpenOptions::default(), "no data_batch_2.bin");
}

pub fn images(table: &mut Table) {
    let png = |[width, height]: [u32; 2], depth: u8, color: u8, rows: &[u8]| {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut chunk = |name: &[u8; 4], content: &[u8]| {
            bytes.extend((content.len() as u32).to_be_bytes());
            bytes.extend([&name[..], content].concat());
            bytes.extend(crc(&[&name[..], content].concat()).to_be_bytes());
        };
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        chunk(b"IHDR", &[&size[..], &[depth, color, 0, 0, 0]].concat());
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(rows).unwrap();
        chunk(b"IDAT", &encoder.finish().unwrap());
        chunk(b"IEND", &[]);
        bytes
    };
    let good = png([2, 2], 8, 0, &[0, 1, 2, 0, 3, 4]);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.png", Vec::new(), "is empty"),
        ("text.png", b"<html>".to_vec(), "is none of PNG, JPEG"),
        ("cut.png", good[..good.len() - 20].to_vec(), "no proper PNG"),
        ("depth.png", png([2, 2], 3, 0, &[0; 6]), "no proper PNG"),
        ("colour.png", png([2, 2], 8, 5, &[0; 6]), "no proper PNG"),
        ("palette.png", png([2, 2], 8, 3, &[0; 6]), ""),
        ("short.png", png([2, 2], 8, 0, &[0; 3]), "no proper PNG"),
        ("filter.png", png([2, 2], 8, 0, &[9; 6]), "no proper PNG"),
        ("none.png", png([0, 2], 8, 0, &[]), ""),
        ("huge.png", png([u32::MAX >> 1, u32::MAX >> 1], 8, 0, &[0; 9]), ""),
        ("large.png", png([8192, 8192], 8, 0, &[0; 9]), "cannot hold"),
        ("wide.png", png([100_000, 100_000], 8, 0, &[0; 9]), "more than the 67108864"),
        ("bomb.png", png([8192, 8192], 8, 0, &vec![0; 60 << 20]), "no proper PNG"),
        ("start.jpg", b"\xff\xd8\xff".to_vec(), "no proper JPEG"),
        ("cut.jpg", JPEG[..JPEG.len() / 2].to_vec(), "no proper JPEG"),
        ("size.png", png([2, 3], 8, 0, &[0; 9]), "ask for one size"),
        ("photo.heic", b"ftypheic".to_vec(), "convert it"),
        ("start.gif", b"GIF89a".to_vec(), "no proper GIF"),
        ("start.tif", b"II*\0\x08\0\0\0".to_vec(), "is damaged: a tag"),
        ("start.webp", b"RIFF\x04\0\0\0WEBP".to_vec(), "no proper WebP"),
        ("start.bmp", b"BM\0\0\0\0\0\0\0\0".to_vec(), "no proper BMP"),
    ];
    for (name, bytes, says) in &cases {
        let files = [
            (&*format!("a/{name}"), &bytes[..]),
            ("a/1.png", &good),
            ("b/1.png", &good),
            ("b/2.png", &good),
        ];
        table.files(&files, says);
    }
    let folder = table.folder();
    fs::create_dir_all(folder.join("a")).unwrap();
    fs::create_dir_all(folder.join("b")).unwrap();
    fs::write(folder.join("a/1.png"), &good).unwrap();
    table.opened(&folder, "", &OpenOptions::default(), "");
    let folder = table.folder();
    fs::create_dir_all(folder.join("train/a")).unwrap();
    fs::write(folder.join("train/a/1.png"), &good).unwrap();
    table.opened(&folder, "", &OpenOptions::default(), "too few");
    let folder = table.folder();
    fs::create_dir_all(folder.join("test/a")).unwrap();
    fs::write(folder.join("test/a/1.png"), &good).unwrap();
    table.opened(&folder, "", &OpenOptions::default(), "but no folder train");
    let folder = table.folder();
    fs::create_dir_all(folder.join("a/1.png/2.png")).unwrap();
    table.opened(&folder, "", &OpenOptions::default(), "");
    let folder = table.folder();
    fs::create_dir(folder.join("a")).unwrap();
    fs::write(folder.join("a/2.png"), &good).unwrap();
    symlink(folder.join("a/loop.png"), folder.join("a/loop.png")).unwrap();
    table.opened(&folder, "loop.png", &OpenOptions::default(), "");
    let folder = table.folder();
    fs::create_dir(folder.join("a")).unwrap();
    fs::write(folder.join("a/2.png"), &good).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(folder.join("a/pipe.png"))
            .status()
            .unwrap()
            .success()
    );
    table.opened(&folder, "pipe.png", &OpenOptions::default(), "not a regular file");
}
