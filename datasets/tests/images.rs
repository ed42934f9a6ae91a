//! Folders of images that are as they should be.

mod files;
mod folders;
mod labels;
mod pixels;

use crate::image_files::{grey_png, noise, put, put_good, rgb_png, samples};
use narrows_datasets::{Dataset, TrainTest, open};

#[test]
fn folders_are_classes_in_the_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let image = |seed| rgb_png((3, 2), &noise(18, seed));
    for (name, seed) in [
        ("train/Zebra/b.PNG", 0),
        ("train/Zebra/a.png", 1),
        ("train/ape/10.Jpg", 2),
        ("train/ape/9.jpeg", 3),
        ("train/äffin/1.JPEG", 4),
        ("test/äffin/1.png", 5),
        ("test/Zebra/1.png", 6),
        // None of these counts.
        ("train/.hidden/1.png", 7),
        ("train/ape/.hidden.png", 8),
        ("other/1.png", 9),
    ] {
        // Whatever the name says, what it holds decides.
        put(dir.join(name), &image(seed));
    }
    for name in
        ["Thumbs.db", "train/readme.txt", "train/ape/Thumbs.db", "train/ape/png", "test/labels.csv"]
    {
        put(dir.join(name), b"no image");
    }
    let TrainTest { train, test } = open(dir).unwrap();
    assert_eq!(train.name(), dir.file_name().unwrap().to_str().unwrap());
    for half in [&train, &test] {
        assert_eq!(half.class_names(), ["Zebra", "ape", "äffin"]);
        assert_eq!((half.classes(), half.image_shape()), (3, Some((3, 2, 3))));
    }
    assert_eq!(train.labels().unwrap(), Some(&[0, 0, 1, 1, 2][..]));
    assert_eq!(test.labels().unwrap(), Some(&[0, 2][..]));
    let expected = [1, 0, 2, 3, 4, 6, 5].map(|seed| noise(18, seed));
    assert_eq!(
        [samples(&train), samples(&test)].concat(),
        expected.each_ref().map(|values| &values[..])
    );
}

#[test]
fn without_halves_one_image_in_six_of_each_class_is_for_the_test() {
    let dir = tempfile::tempdir().unwrap();
    for (class, count) in [("a", 2), ("b", 11), ("c", 12), ("train", 60)] {
        for i in 0..count {
            put(
                dir.path().join(format!("{class}/{i}.png")),
                &grey_png((1, 2), &[class.as_bytes()[0], i]),
            );
        }
    }
    let TrainTest { train, test } = open(dir.path()).unwrap();
    let counts = |half: &Dataset| {
        let mut counts = [0; 4];
        half.labels().unwrap().unwrap().iter().for_each(|&label| counts[usize::from(label)] += 1);
        counts
    };
    assert_eq!((counts(&train), counts(&test)), ([1, 10, 10, 50], [1, 1, 2, 10]));
    let mut all = [samples(&train), samples(&test)].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 85, "no image is in both");
    for half in [&train, &test] {
        for (row, &label) in half.labels().unwrap().unwrap().iter().enumerate() {
            assert_eq!(
                half.stored_bytes(row).unwrap()[0],
                [b'a', b'b', b'c', b't'][usize::from(label)]
            );
        }
    }
    // Of the 60, not just the first or the last.
    let held: Vec<u8> = (0..10).map(|i| test.stored_bytes(4 + i).unwrap()[1]).collect();
    assert!(held.iter().any(|i| *i < 30) && held.iter().any(|i| *i >= 30), "{held:?}");
}

#[test]
fn images_in_no_class_have_no_labels() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..12 {
        put(dir.path().join(format!("{i:02}.png")), &grey_png((1, 1), &[i]));
    }
    let TrainTest { train, test } = open(dir.path()).unwrap();
    assert_eq!(
        (train.len(), test.len(), train.labels().unwrap(), test.classes()),
        (10, 2, None, 0)
    );
    assert!(train.class_names().is_empty());

    let halves = tempfile::tempdir().unwrap();
    for (name, value) in [("train/2.png", 2), ("train/1.png", 1), ("test/3.png", 3)] {
        put(halves.path().join(name), &grey_png((1, 1), &[value]));
    }
    let TrainTest { train, test } = open(halves.path()).unwrap();
    assert_eq!((samples(&train), samples(&test)), (vec![vec![1], vec![2]], vec![vec![3]]));
    assert_eq!((train.labels().unwrap(), test.labels().unwrap()), (None, None));
}

#[test]
fn a_class_against_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    for (i, name) in ["train/c/8.png", "test/c/9.png"].iter().enumerate() {
        put(dir.path().join(name), &grey_png((4, 5), &noise(20, 20 + i as u32)));
    }
    let data = open(dir.path()).unwrap();
    let one = data.one_against_rest("b").unwrap();
    assert_eq!(one.train.class_names(), ["rest", "b"]);
    assert_eq!((one.train.classes(), one.test.classes()), (2, 2));
    assert_eq!(one.train.labels().unwrap(), Some(&[0, 0, 0, 1, 1, 0][..]));
    assert_eq!(one.test.labels().unwrap(), Some(&[0, 1, 0][..]));
    assert_eq!(samples(&one.train), samples(&data.train));
    assert_eq!(one.train.subset(&[4]).unwrap().class_names(), ["rest", "b"]);
    let error = data.one_against_rest("d").unwrap_err().to_string();
    assert!(
        error.contains("no class \"d\": it has \"a\", \"b\", \"c\"") && !error.contains('\n'),
        "{error}"
    );
    drop(files);

    let digits = narrows_datasets::builtin(500, 0);
    let three = digits.one_against_rest("3").unwrap();
    let expected: Vec<u16> =
        digits.test.labels().unwrap().unwrap().iter().map(|&label| u16::from(label == 3)).collect();
    assert_eq!(three.test.labels().unwrap(), Some(&expected[..]));
    let unlabelled = Dataset::from_values("plain", vec![0; 4], &[2], 1, None).unwrap();
    assert!(unlabelled.one_against_rest("0").unwrap_err().to_string().contains("no labels"));
    let alone = Dataset::from_values("alone", vec![0; 4], &[2], 1, Some(vec![0, 0])).unwrap();
    assert!(alone.one_against_rest("0").unwrap_err().to_string().contains("only class"));
}
