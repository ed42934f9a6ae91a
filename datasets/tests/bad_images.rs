//! Folders of images that are not what they should be: each is an error of one line that names the
//! file, and none is a panic.

mod files;

use std::fs;
use std::path::Path;

use crate::image_files::{grey_png, put, put_good};
use crate::messages::assert_says;
use narrows_datasets::{Channels, ImageOptions, open, open_with};

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
        // A link that leads back up leads nowhere.
        let up = class.join("up");
        symlink("..", &up).unwrap();
        assert_eq!(open(dir.path()).unwrap().train.len(), 5);
        fs::remove_file(&up).unwrap();
    }
    let deep = (0..20).fold(class, |path, at| path.join(at.to_string()));
    put(deep.join("1.png"), &grey_png((4, 5), &[7; 20]));
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("lies more than 12 folders deep: move it up"), "{message}");
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
    for (half, other) in [("test", "train"), ("val", "train")] {
        let parts = [
            format!("holds images in {half}, but no folder {other}"),
            format!("or name {half} itself"),
        ];
        changed(
            |dir| {
                fs::remove_dir_all(dir.join(other)).unwrap();
                fs::rename(dir.join("test"), dir.join(half)).unwrap_or_default();
            },
            "",
            &parts.each_ref().map(|part| &part[..]),
        );
    }
    changed(
        |dir| _ = put(dir.join("Training/a/1.png"), &image),
        "Training",
        &["have the same meaning", "move one into the other"],
    );
    changed(
        |dir| {
            fs::create_dir(dir.join("cable")).unwrap();
            for half in ["train", "test"] {
                fs::rename(dir.join(half), dir.join("cable").join(half)).unwrap();
            }
            put(dir.join("bottle/train/good/1.png"), &image);
        },
        "cable",
        &["in folders of their own: name this folder"],
    );
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("a/1.png"), &image);
    put(dir.path().join("b/1.png"), &image);
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("2 samples are too few to take some out for the test"), "{message}");
}

#[test]
fn more_classes_than_a_byte_can_tell_apart_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for class in 0..300 {
        for half in ["train", "test"] {
            put(
                dir.path().join(format!("{half}/{class:03}/1.png")),
                &grey_png((1, 1), &[class as u8]),
            );
        }
    }
    let data = open(dir.path()).unwrap();
    assert_eq!((data.train.classes(), data.test.classes()), (300, 300));
    for class in 0..300 {
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
