//! The file that decoded images are kept in: when it is used again, and what it holds.

use std::fs;
use std::path::Path;

use crate::image_files::{
    grey_png, noise, opened, put, put_good, raw_png, rgb_jpeg, rgb_png, samples,
};
use narrows_datasets::{
    Access, Channels, ImageOptions, LeftOut, OpenOptions, Opened, Parts, Store, open, open_whole,
    verify,
};

#[test]
fn decoded_images_are_used_again_until_something_changes() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    let default = ImageOptions::default();
    let again = |options: &ImageOptions| {
        let (first, decoded) = opened(dir.path(), options);
        let (second, none) = opened(dir.path(), options);
        assert_eq!(none, 0, "the second opening decodes nothing");
        for (a, b) in
            [(&first.data.train, &second.data.train), (&first.data.test, &second.data.test)]
        {
            assert!(samples(a) == samples(b) && a.labels().unwrap() == b.labels().unwrap());
            assert_eq!(a.class_names(), b.class_names());
        }
        decoded
    };
    assert_eq!(again(&default), 7);
    assert_eq!(again(&ImageOptions { threads: 2, skip_bad: true, ..default.clone() }), 0);
    for (options, decoded) in [
        (ImageOptions { size: Some((4, 5)), ..default.clone() }, 7),
        (ImageOptions { size: Some((5, 4)), ..default.clone() }, 7),
        (ImageOptions { channels: Channels::Grey, ..default.clone() }, 7),
        (ImageOptions { channels: Channels::Rgb, ..default.clone() }, 7),
        // Each has a file of its own.
        (ImageOptions { size: Some((4, 5)), ..default.clone() }, 0),
        (default.clone(), 0),
    ] {
        assert_eq!(again(&options), decoded, "{options:?}");
    }
    // The same length, at another time.
    put(files[1].clone(), &grey_png((4, 5), &noise(20, 1)));
    assert_eq!(again(&default), 7);
    // The same time, another length.
    let time = fs::metadata(&files[1]).unwrap().modified().unwrap();
    let trailing = [grey_png((4, 5), &noise(20, 1)), vec![0; 3]].concat();
    put(files[1].clone(), &trailing);
    fs::File::options().append(true).open(&files[1]).unwrap().set_modified(time).unwrap();
    assert_eq!(again(&default), 7);
    fs::rename(&files[1], files[1].with_file_name("other.png")).unwrap();
    assert_eq!(again(&default), 7);
    put(dir.path().join("train/a/new.png"), &grey_png((4, 5), &noise(20, 9)));
    assert_eq!(again(&default), 8);
    fs::remove_file(dir.path().join("train/a/new.png")).unwrap();
    assert_eq!(again(&default), 7);
    fs::rename(dir.path().join("train/a/3.png"), dir.path().join("train/b/3.png")).unwrap();
    assert_eq!(again(&default), 7);
    for half in ["train", "test"] {
        fs::rename(dir.path().join(half).join("a"), dir.path().join(half).join("c")).unwrap();
    }
    assert_eq!(again(&default), 7);
    assert_eq!(open(dir.path()).unwrap().train.class_names(), ["b", "c"]);
    // A file that is no image changes nothing.
    put(dir.path().join("train/b/notes.txt"), b"!");
    assert_eq!(again(&default), 0);
    // In a folder of its own.
    let cache = tempfile::tempdir().unwrap();
    let elsewhere = ImageOptions { cache: Some(cache.path().join("made/when/needed")), ..default };
    assert_eq!(again(&elsewhere), 7);
}

#[test]
fn a_data_folder_that_was_moved_keeps_its_decoded_images() {
    let dir = tempfile::tempdir().unwrap();
    put_good(&dir.path().join("before"));
    open(&dir.path().join("before")).unwrap();
    fs::rename(dir.path().join("before"), dir.path().join("after")).unwrap();
    let (opened, decoded) = opened(&dir.path().join("after"), &ImageOptions::default());
    assert_eq!((decoded, opened.data.train.name()), (0, "after"));
}

/// The only file of decoded images beside the data in `dir`.
fn stored(dir: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(dir.join(".narrows")).unwrap().map(|entry| entry.unwrap().path());
    let images: Vec<_> = files.collect();
    assert_eq!(images.len(), 1, "nothing else is left there: {images:?}");
    images[0].clone()
}

#[test]
fn a_stored_file_that_was_damaged_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let options = ImageOptions::default();
    let expected: Vec<Vec<u8>> = samples(&open(dir.path()).unwrap().train);
    let path = stored(dir.path());
    let whole = fs::read(&path).unwrap();
    // A store: its header, zeros and values of which opening it reads nothing, and the rest.
    let (header, rest) = (128, (4096_usize + 7 * 20).next_multiple_of(64));
    let check = |bytes: &[u8], what: &str| {
        // A rename, as the file is mapped.
        let other = put(dir.path().join("damaged"), bytes);
        fs::rename(other, &path).unwrap();
        let (opened, decoded) = opened(dir.path(), &options);
        assert_eq!(decoded, 7, "{what}");
        assert_eq!(samples(&opened.data.train), expected, "{what}");
        assert_eq!(fs::read(&path).unwrap(), whole, "{what}");
    };
    for at in (0..header).step_by(3).chain((rest..whole.len()).step_by(5)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        check(&bytes, &format!("byte {at} was changed"));
    }
    for length in [0, 1, 127, 128, 129, rest, whole.len() - 1] {
        check(&whole[..length], &format!("cut off after {length} bytes"));
    }
    check(&[&whole[..], &[0]].concat(), "one byte more");
}

#[test]
fn the_stored_file_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("train/cat/1.png"), &rgb_png((1, 2), b"abcdef"));
    put(dir.path().join("train/dog/2.png"), &rgb_png((1, 2), b"ghijkl"));
    put(dir.path().join("test/dog/3.png"), &rgb_png((1, 2), b"mnopqr"));
    put(dir.path().join("test/dog/4.png"), b"");
    let (opened, _) =
        opened(dir.path(), &ImageOptions { skip_bad: true, ..ImageOptions::default() });
    assert_eq!(opened.skipped.len(), 1);
    let path = stored(dir.path());
    verify(&path, &mut |_, _| {}).unwrap();
    let store = Store::open(&path, Access::Read).unwrap();
    let metadata = store.metadata();
    assert_eq!((&metadata.shape[..], metadata.max_value), (&[1, 2, 3][..], Some(255)));
    assert_eq!(metadata.classes, ["cat", "dog"]);
    let left_out = LeftOut { place: 3, problem: "is empty".to_owned() };
    assert_eq!(metadata.left_out, [left_out]);
    let Parts::Halves(train, test) =
        open_whole(&path, &OpenOptions::default(), &|_, _| {}).unwrap().data
    else {
        panic!("two halves")
    };
    assert_eq!(samples(&train), [b"abcdef", b"ghijkl"]);
    assert_eq!(samples(&test), [b"mnopqr"]);
    assert_eq!(
        (train.labels().unwrap(), test.labels().unwrap()),
        (Some(&[0, 1][..]), Some(&[1][..]))
    );
}

/// Colour may come after images that were all grey.
#[test]
fn one_coloured_image_makes_three_channels_of_all() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..5_u8 {
        put(dir.path().join(format!("train/a/{i}.png")), &grey_png((1, 2), &[i, 10 + i]));
    }
    put(dir.path().join("train/b/9.png"), &rgb_png((1, 2), b"abcdef"));
    put(dir.path().join("test/a/1.png"), &grey_png((1, 2), &[7, 8]));
    let (opened, decoded) = opened(dir.path(), &ImageOptions::default());
    assert_eq!(decoded, 7);
    assert_eq!(opened.data.train.image_shape(), Some((1, 2, 3)));
    let train = samples(&opened.data.train);
    assert_eq!((train.len(), &train[3][..]), (6, &[3, 3, 3, 13, 13, 13][..]));
    assert_eq!(train[5], b"abcdef");
    assert_eq!(samples(&opened.data.test), [[7, 7, 7, 8, 8, 8]]);
}

#[test]
fn any_number_of_threads_decodes_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..200 {
        let name = format!("{}/{i}.jpg", ["a", "b", "c"][i % 3]);
        let size = (9 + i % 7, 8 + i % 5);
        put(dir.path().join(name), &rgb_jpeg(size, &noise(size.0 * size.1 * 3, i as u32)));
    }
    let read = |threads| {
        let cache = tempfile::tempdir().unwrap();
        let (size, cache) = (Some((10, 9)), Some(cache.path().to_owned()));
        let options = ImageOptions { size, threads, cache, ..ImageOptions::default() };
        let (Opened { data, .. }, decoded) = opened(dir.path(), &options);
        assert_eq!(decoded, 200);
        (
            samples(&data.train).concat(),
            samples(&data.test).concat(),
            data.train.labels().unwrap().unwrap().to_vec(),
        )
    };
    let one = read(1);
    assert_eq!(one.2.len(), 200 - 3 * 11);
    assert!(one == read(2) && one == read(7));
}

#[test]
fn images_that_cannot_be_read_are_skipped_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    put(files[1].clone(), b"");
    put(files[6].clone(), &raw_png([5, 4], [8, 0, 0], &[0; 7]));
    put(dir.path().join("test/b/8.png"), &grey_png((4, 5), &noise(20, 7)));
    let skip = ImageOptions { skip_bad: true, ..ImageOptions::default() };
    for decoded in [8, 0] {
        let error =
            if decoded > 0 { None } else { Some(open(dir.path()).unwrap_err().to_string()) };
        let (Opened { data, skipped, .. }, found) = opened(dir.path(), &skip);
        assert_eq!(found, decoded, "the second time it is known what could not be read");
        assert_eq!(
            (data.train.labels().unwrap(), data.test.labels().unwrap()),
            (Some(&[0, 0, 1, 1][..]), Some(&[0, 1][..]))
        );
        let expected = [0, 2, 3, 4, 5, 7].map(|seed| noise(20, seed));
        assert_eq!(
            [samples(&data.train), samples(&data.test)].concat(),
            expected.each_ref().map(|v| &v[..])
        );
        let messages: Vec<String> = skipped.iter().map(ToString::to_string).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0], format!("{}: is empty", files[1].display()));
        assert!(
            messages[1].starts_with(&format!("{}: is damaged", files[6].display())),
            "{}",
            messages[1]
        );
        if let Some(error) = error {
            assert!(error.contains("is empty; 2 of 8 images cannot be read"), "{error}");
        }
    }
}
