//! Folders of images that are not what they should be: each is an error of one line that names the
//! file, and none is a panic.

#[allow(dead_code, reason = "each file of tests uses some of it")]
use std::fs;
use std::path::{Path, PathBuf};

use crate::image_files::{
    gradient, grey_png, interlaced_png, jpeg_of, noise, put, put_good, raw_png, rgb_jpeg, rgb_png,
};
use jpeg_encoder::ColorType;
use narrows_datasets::{Channels, Error, ImageOptions, open, open_with};

/// Checks what holds for every message, and that this one says each of `parts`.
fn assert_says(error: &Error, path: &Path, parts: &[&str]) {
    let message = error.to_string();
    assert!(
        message.starts_with(path.to_str().unwrap()),
        "{message:?} does not begin with {}",
        path.display()
    );
    assert!(!message.contains('\n'), "{message:?} is not one line");
    assert!(message.len() < 400 + path.as_os_str().len(), "{message:?} is long for one line");
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

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
        ("x.jpg", b"GIF89a and so on".to_vec(), &["is neither PNG nor JPEG"]),
        ("x.png", png[..8].to_vec(), &["is damaged, or no proper PNG"]),
        ("x.png", png[..png.len() / 2].to_vec(), &["is damaged, or no proper PNG"]),
        ("x.png", bad_checksum, &["is damaged, or no proper PNG"]),
        ("x.jpg", jpeg[..3].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", jpeg[..jpeg.len() / 2].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", jpeg[..jpeg.len() - 20].to_vec(), &["is damaged, or no proper JPEG"]),
        ("x.jpg", arithmetic, &["is damaged, or no proper JPEG"]),
        ("x.GIF", b"GIF89a".to_vec(), &["is a .gif file", "convert it"]),
        ("x.webp", vec![], &["is a .webp file"]),
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
fn what_is_no_file_is_an_image_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let class = dir.path().join("train/a");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let skip = ImageOptions { skip_bad: true, ..ImageOptions::default() };
        let path = class.join("0.png");
        for (target, part) in [("missing", "No such file"), ("0.png", "ymbolic link")] {
            symlink(target, &path).unwrap();
            assert_says(&open(dir.path()).unwrap_err(), &path, &[part]);
            assert_eq!(
                open_with(dir.path(), &skip.clone().into(), &|_, _| {}).unwrap().data.train.len(),
                5
            );
            fs::remove_file(&path).unwrap();
        }
        symlink("/dev/zero", &path).unwrap();
        assert_says(&open(dir.path()).unwrap_err(), &path, &["is not a regular file"]);
        fs::remove_file(&path).unwrap();
        // A link to an image is an image; one to a folder above, a folder.
        symlink("1.png", &path).unwrap();
        assert_eq!(open(dir.path()).unwrap().train.len(), 6);
        fs::remove_file(&path).unwrap();
        let up = class.join("up");
        symlink("..", &up).unwrap();
        assert_says(&open(dir.path()).unwrap_err(), &up, &["is a folder within that of a class"]);
        fs::remove_file(&up).unwrap();
    }
    let folder = class.join("0.png");
    fs::create_dir(&folder).unwrap();
    assert_says(
        &open(dir.path()).unwrap_err(),
        &folder,
        &["is a folder within that of a class", "move its images up"],
    );
}

/// Puts good images there, changes something, and expects an error about `path`.
fn changed(change: impl Fn(&Path), path: &str, parts: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    change(dir.path());
    let path = if path.is_empty() { dir.path().to_owned() } else { dir.path().join(path) };
    assert_says(&open(dir.path()).unwrap_err(), &path, parts);
}

#[test]
fn folders_that_make_no_sense_are_named() {
    let image = grey_png((4, 5), &[7; 20]);
    changed(
        |dir| fs::create_dir(dir.join("train/c")).unwrap(),
        "train/c",
        &["holds no image", "remove it"],
    );
    changed(|dir| _ = put(dir.join("train/c/notes.txt"), b""), "train/c", &["holds no image"]);
    changed(
        |dir| _ = put(dir.join("test/c/1.png"), &image),
        "test/c",
        &["a class that no training image has"],
    );
    changed(
        |dir| _ = put(dir.join("train/loose.png"), &image),
        "train/loose.png",
        &["beside the folders of classes"],
    );
    changed(
        |dir| {
            fs::remove_dir_all(dir.join("test")).unwrap();
            put(dir.join("test/1.png"), &image);
        },
        "test",
        &["holds no folders of classes"],
    );
    changed(
        |dir| {
            fs::remove_dir_all(dir.join("train")).unwrap();
            put(dir.join("train/1.png"), &image);
        },
        "test",
        &["holds folders of classes", "training images have no classes"],
    );
    changed(
        |dir| {
            fs::remove_dir_all(dir.join("test")).unwrap();
            fs::create_dir(dir.join("test")).unwrap();
        },
        "test",
        &["holds no image"],
    );
    for (half, other) in [("train", "test"), ("test", "train")] {
        let parts = [
            format!("holds images in {half}, but no folder {other}"),
            format!("or name {half} itself"),
        ];
        changed(
            |dir| fs::remove_dir_all(dir.join(other)).unwrap(),
            "",
            &parts.each_ref().map(|part| &part[..]),
        );
    }
    changed(
        |dir| {
            for half in ["train", "test"] {
                fs::remove_dir_all(dir.join(half)).unwrap();
            }
            put(dir.join("a/1.png"), &image);
            put(dir.join("b/1.png"), &image);
            put(dir.join("b/2.png"), &image);
        },
        "a",
        &["holds one image, where two are needed"],
    );
    changed(
        |dir| {
            for class in 0..256 {
                put(dir.join(format!("train/{class}/1.png")), &image);
            }
        },
        "train",
        &["holds 258 folders of classes, and 256 is the most"],
    );
}

#[test]
fn as_many_classes_as_a_byte_can_tell_apart_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for class in 0..256 {
        for half in ["train", "test"] {
            put(
                dir.path().join(format!("{half}/{class:03}/1.png")),
                &grey_png((1, 1), &[class as u8]),
            );
        }
    }
    let data = open(dir.path()).unwrap();
    assert_eq!((data.train.classes(), data.test.classes()), (256, 256));
    for class in 0..256 {
        assert_eq!(
            (
                data.train.labels().unwrap().unwrap()[class],
                data.train.stored_bytes(class).unwrap()[0]
            ),
            (class as u16, class as u8)
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_utf_8_are_errors_or_names() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let odd = OsStr::from_bytes(b"odd \xff\n.png");
    put(dir.path().join("train/a").join(odd), &grey_png((4, 5), &[7; 20]));
    assert_eq!(open(dir.path()).unwrap().train.len(), 6);
    put(dir.path().join("train/a").join(odd), b"");
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("is empty") && !message.contains('\n'), "{message:?}");
    fs::remove_file(dir.path().join("train/a").join(odd)).unwrap();
    let class = OsStr::from_bytes(b"class \xff");
    put(dir.path().join("train").join(class).join("1.png"), &grey_png((4, 5), &[7; 20]));
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(
        message.contains("has a name that is no UTF-8") && message.contains("rename it"),
        "{message:?}"
    );
}

#[test]
fn images_of_several_sizes_need_one_to_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let (other, another) = (dir.path().join("train/a/2.png"), dir.path().join("train/b/4.png"));
    put(other.clone(), &grey_png((5, 4), &[7; 20]));
    put(another, &grey_png((6, 4), &[7; 24]));
    // The first image cannot be read: it has no size.
    put(dir.path().join("train/a/0.png"), b"");
    let error = open(dir.path()).unwrap_err();
    let first = dir.path().join("train/a/1.png");
    assert_says(
        &error,
        &other,
        &["is 5x4, where", &format!("{} is 4x5", first.display()), "ask for one size"],
    );
    let options = ImageOptions { size: Some((3, 3)), skip_bad: true, ..ImageOptions::default() };
    assert_eq!(
        open_with(dir.path(), &options.clone().into(), &|_, _| {})
            .unwrap()
            .data
            .train
            .image_shape(),
        Some((3, 3, 1))
    );
}

#[test]
fn what_cannot_be_had_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    for size in [(0, 4), (4, 0), (4097, 4), (usize::MAX, usize::MAX)] {
        let options = ImageOptions { size: Some(size), ..ImageOptions::default() };
        let message =
            open_with(dir.path(), &options.clone().into(), &|_, _| {}).unwrap_err().to_string();
        assert!(message.contains("ask for 1 to 4096 a side"), "{message:?}");
    }
    // What can be asked of images, of others cannot.
    let idx = tempfile::tempdir().unwrap();
    put(
        idx.path().join("train-images-idx3-ubyte"),
        &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6],
    );
    put(idx.path().join("train-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
    put(
        idx.path().join("t10k-images-idx3-ubyte"),
        &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5],
    );
    put(idx.path().join("t10k-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 1, 0]);
    open(idx.path()).unwrap();
    for options in [
        ImageOptions { size: Some((1, 1)), ..ImageOptions::default() },
        ImageOptions { channels: Channels::Grey, ..ImageOptions::default() },
        ImageOptions { skip_bad: true, ..ImageOptions::default() },
    ] {
        let error = open_with(idx.path(), &options.clone().into(), &|_, _| {}).unwrap_err();
        assert_says(&error, idx.path(), &["holds no images in files"]);
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
