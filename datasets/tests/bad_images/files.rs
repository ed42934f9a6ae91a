//! Image files that are damaged, cut off, or none.

use std::path::PathBuf;

use crate::image_files::{
    gradient, grey_png, interlaced_png, jpeg_of, noise, put, put_good, raw_png, rgb_jpeg, rgb_png,
};
use crate::messages::assert_says;
use jpeg_encoder::ColorType;
use narrows_datasets::{Channels, Error, ImageOptions, open_with};

/// A JPEG whose header says `height` x `width`.
fn jpeg_that_claims(height: u16, width: u16) -> Vec<u8> {
    let mut bytes = rgb_jpeg((8, 8), &gradient(8, 8, 3));
    let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn an_image_that_cannot_be_read_is_named_with_the_number_of_them() {
    let rgb = gradient(8, 8, 3);
    let png = rgb_png((8, 8), &rgb);
    let jpeg = rgb_jpeg((8, 8), &rgb);
    let mut arithmetic = jpeg.clone();
    let frame = arithmetic.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    arithmetic[frame + 1] = 0xc9;
    let mut bad_checksum = png.clone();
    let data = bad_checksum.windows(4).position(|name| name == b"IDAT").unwrap();
    bad_checksum[data + 10] ^= 1;
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("x.png", vec![], &["is empty"]),
        ("x.jpg", b"GIF89a and so on".to_vec(), &["promises 25710x24864 pixels"]),
        ("x.jpg", b"GIF90a and so on".to_vec(), &["is none of PNG, JPEG, BMP, GIF"]),
        ("x.png", png[..8].to_vec(), &["is damaged, or no proper PNG"]),
        ("x.png", png[..png.len() / 2].to_vec(), &["is damaged, or no proper PNG"]),
        ("x.png", bad_checksum, &["is damaged, or no proper PNG"]),
        ("x.jpg", jpeg[..3].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", jpeg[..jpeg.len() / 2].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", jpeg[..jpeg.len() - 20].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", arithmetic, &["is damaged, or no proper JPEG"]),
        ("x.HEIC", b"GIF89a".to_vec(), &["is a .heic file", "convert it"]),
        ("x.avif", vec![], &["is a .avif file"]),
        // More than anything can hold, and more than these files can: refused before memory is
        // asked for.
        (
            "x.png",
            raw_png([1 << 30, 1 << 30], [8, 2, 0], &[0; 10]),
            &["promises 1073741824x1073741824 pixels", "67108864"],
        ),
        (
            "x.png",
            raw_png([8192, 8192], [1, 0, 0], &[0; 10]),
            &["promises 8192x8192 pixels", "bytes cannot hold"],
        ),
        // As many bits, if they were one a pixel, as its 71 bytes could hold: they are 64.
        (
            "x.png",
            raw_png([700, 700], [16, 6, 0], &[0; 10]),
            &["promises 700x700 pixels", "bytes cannot hold"],
        ),
        ("x.png", raw_png([0, 8], [8, 2, 0], &[]), &["is damaged, or no proper PNG"]),
        ("x.jpg", jpeg_that_claims(65535, 65535), &["promises 65535x65535 pixels", "67108864"]),
        (
            "x.jpg",
            jpeg_that_claims(8000, 8000),
            &["promises 8000x8000 pixels", "bytes cannot hold"],
        ),
    ];
    for (name, bytes, parts) in cases {
        for size in [None, Some((4, 4))] {
            let dir = tempfile::tempdir().unwrap();
            put(dir.path().join("train/a/0.png"), &png);
            put(dir.path().join("test/a/0.png"), &png);
            let path = put(dir.path().join("train/a").join(name), &bytes);
            let options = ImageOptions { size, ..ImageOptions::default() };
            let error = || open_with(dir.path(), &options.clone().into(), &|_, _| {}).unwrap_err();
            assert_says(&error(), &path, &[parts, &["mend or remove it, or skip it"]].concat());
            assert!(
                !dir.path().join(".narrows/own-size-auto.narrows").exists(),
                "nothing is kept of it"
            );
            put(dir.path().join("train/a/y.png"), b"");
            put(dir.path().join("test/a/y.png"), b"");
            let count = "; 3 of 5 images cannot be read: mend or remove them, or skip them";
            assert_says(&error(), &path, &[parts, &[count]].concat());
        }
    }
}

#[test]
fn when_all_is_bad_skipping_does_not_help() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    let skip = ImageOptions { skip_bad: true, ..ImageOptions::default() };
    let error = || open_with(dir.path(), &skip.clone().into(), &|_, _| {}).unwrap_err();
    for path in &files[5..] {
        put(path.clone(), b"");
    }
    assert_says(&error(), &files[5], &["neither can any other image for the test"]);
    for path in &files[3..5] {
        put(path.clone(), b"");
    }
    assert_says(
        &error(),
        &dir.path().join("train/b"),
        &["holds no image to learn from that can be read"],
    );
    for path in &files {
        put(path.clone(), b"");
    }
    assert_says(&error(), &files[0], &["is empty; 7 of 7 images cannot be read"]);
}

/// Reads all of `images` at once, and says what each became: `None` if it could not be read.
fn read_all(images: &[Vec<u8>], size: (usize, usize)) -> Vec<Option<Vec<u8>>> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("test/a/0.png"), &grey_png((1, 1), &[0]));
    put(dir.path().join("train/a/good.png"), &grey_png((1, 1), &[0]));
    let path = |i: usize| dir.path().join(format!("train/a/{i:06}.png"));
    images.iter().enumerate().for_each(|(i, bytes)| _ = put(path(i), bytes));
    let options = ImageOptions {
        size: Some(size),
        channels: Channels::Rgb,
        skip_bad: true,
        ..ImageOptions::default()
    };
    let opened = open_with(dir.path(), &options.clone().into(), &|_, _| {}).unwrap();
    let mut bad = vec![false; images.len()];
    for error in &opened.skipped {
        let Error::File { path, problem, .. } = error else { panic!("{error:?}") };
        assert!(!problem.contains("its decoder cannot take"), "a decoder panicked: {error}");
        assert!(!error.to_string().contains('\n'), "{error:?}");
        let name = PathBuf::from(path.file_stem().unwrap());
        bad[name.to_str().unwrap().parse::<usize>().unwrap()] = true;
    }
    let mut row = 0;
    let one = |&bad: &bool| {
        row += usize::from(!bad);
        (!bad).then(|| opened.data.train.stored_bytes(row - 1).unwrap().to_vec())
    };
    bad.iter().map(one).collect()
}

fn kinds_of_images() -> Vec<(&'static str, Vec<u8>)> {
    let (grey, rgb, cmyk) = (gradient(16, 24, 1), gradient(16, 24, 3), gradient(16, 24, 4));
    let size = (16, 24);
    vec![
        ("grey PNG", grey_png(size, &noise(16 * 24, 1))),
        ("PNG", rgb_png(size, &rgb)),
        ("interlaced PNG", interlaced_png(size, &rgb)),
        ("grey JPEG", jpeg_of(size, ColorType::Luma, &grey, |_| {})),
        ("JPEG", rgb_jpeg(size, &rgb)),
        ("JPEG with restarts", jpeg_of(size, ColorType::Rgb, &rgb, |e| e.set_restart_interval(2))),
        ("progressive JPEG", jpeg_of(size, ColorType::Rgb, &rgb, |e| e.set_progressive(true))),
        ("CMYK JPEG", jpeg_of(size, ColorType::Cmyk, &cmyk, |_| {})),
    ]
}

#[test]
fn an_image_cut_off_anywhere_is_an_error_or_whole() {
    for (name, whole) in kinds_of_images() {
        let cut: Vec<Vec<u8>> = (0..=whole.len()).map(|length| whole[..length].to_vec()).collect();
        let read = read_all(&cut, (16, 24));
        let expected = read.last().unwrap().as_ref().expect(name);
        for (length, read) in read.iter().enumerate() {
            assert!(
                read.as_ref().is_none_or(|read| read == expected),
                "{name}: {length} of {}",
                whole.len()
            );
        }
        // Only an end without content may be missing.
        let enough = read.iter().position(Option::is_some).unwrap();
        assert!(enough + 16 >= whole.len(), "{name}: {enough} of {} bytes are enough", whole.len());
    }
}

#[test]
fn a_changed_byte_is_an_error_or_another_picture() {
    for (_, whole) in kinds_of_images() {
        let changes = (0..whole.len()).flat_map(|at| [0x01, 0x80, 0xff].map(|flip| (at, flip)));
        let changed = changes.map(|(at, flip)| {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            bytes
        });
        read_all(&changed.collect::<Vec<_>>(), (8, 8));
    }
}
