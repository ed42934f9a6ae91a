//! The layouts of folders: halves, classes, and images without a label.

use std::fs;
use std::path::Path;

use crate::image_files::{grey_png, put, samples};
use narrows_datasets::{
    Dataset, LabelColumn, OpenOptions, Parts, Remedy, TrainTest, UNLABELLED, inspect, open,
    open_whole, open_with, pack,
};

/// Puts an image of one pixel at each path: its value is the place in the list.
fn folder(paths: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (value, path) in (0..).zip(paths) {
        put(dir.path().join(path), &grey_png((1, 1), &[value]));
    }
    dir
}

/// The value and the class of each sample.
fn found(data: &Dataset) -> Vec<(u8, &str)> {
    let labels = data.labels().unwrap();
    let class = |row: usize| match labels.map_or(UNLABELLED, |labels| labels[row]) {
        UNLABELLED => "-",
        label => &data.class_names()[usize::from(label)],
    };
    samples(data).iter().enumerate().map(|(row, sample)| (sample[0], class(row))).collect()
}

fn notes(dir: &Path) -> Vec<String> {
    open_with(dir, &OpenOptions::default(), &|_, _| {}).unwrap().notes
}

/// The halves of `dir`, with a note that says each of `says`, and no other.
fn halves(dir: &Path, says: &[&str]) -> TrainTest {
    for _ in 0..2 {
        // The second time, from what was kept.
        let found = notes(dir);
        assert_eq!(found.len(), says.len(), "{found:?}");
        for says in says {
            assert!(found.iter().any(|note| note.contains(says)), "{says}: {found:?}");
        }
    }
    open(dir).unwrap()
}

#[test]
fn halves_have_several_names_in_letters_of_either_size() {
    for (train, test) in [
        ("train", "test"),
        ("Training", "Testing"),
        ("TRAIN", "Test"),
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
    ] {
        let paths = [("a/0.png"), ("b/1.png")].map(|path| format!("{train}/{path}"));
        let dir = folder(&[&paths[0], &paths[1], &format!("{test}/b/2.png")]);
        let data = halves(dir.path(), &[]);
        assert_eq!(found(&data.train), [(0, "a"), (1, "b")], "{train}");
        assert_eq!(found(&data.test), [(2, "b")], "{train}");
    }
}

#[test]
fn a_validation_half_lies_behind_the_training_samples() {
    for val in ["val", "Valid", "validation"] {
        let val = ["c/0.png", "b/1.png", "a/2.png"].map(|path| format!("{val}/{path}"));
        let [unknown, b, a] = val.each_ref().map(|path| &path[..]);
        let rest = ["train/a/3.png", "train/b/4.png", "train/5.png", "test/a/6.png"];
        let dir = folder(&[&[unknown, b, a][..], &rest].concat());
        let says = [
            "no training image has the class \"c\": 1 images for validation have no label",
            "3 images are for validation",
            "1 image for validation has no label",
            "1 image to learn from has no label",
        ];
        let TrainTest { train, test } = halves(dir.path(), &says);
        let expected = [(3, "a"), (4, "b"), (5, "-"), (2, "a"), (1, "b"), (0, "-")];
        assert_eq!(found(&train), expected);
        assert_eq!((train.learnt(), train.validation()), (3, 3..6));
        assert_eq!(train.labelled_validation().unwrap(), [3, 4]);
        assert!(test.validation().is_empty());
        let draw = train.draw_labels(2, 1, 0, 0).unwrap();
        assert_eq!((&draw.train[..], &draw.validation[..]), (&[0, 1][..], &[3, 4][..]));
        // They stay what they are in a store, and in a summary.
        let whole = open_whole(dir.path(), &OpenOptions::default(), &|_, _| {}).unwrap();
        let found = inspect(&whole, dir.path(), &mut |_, _| {}).unwrap();
        assert_eq!((found.train, found.validation, found.test), (6, 3, Some(1)));
        let classes = found.labels.unwrap().classes;
        assert_eq!((classes[0].train, classes[0].validation, classes[0].test), (1, 1, 1));
        let out = tempfile::tempdir().unwrap();
        let store = out.path().join("packed.narrows");
        pack(&whole, &store, &mut |_, _| {}).unwrap();
        assert_eq!(open(&store).unwrap().train.validation(), 3..6);
    }
}

#[test]
fn without_a_test_half_one_in_six_of_each_class_is_taken_from_the_training_images() {
    let paths: Vec<String> = (0..24).map(|i| format!("train/{}/{i:02}.png", i % 2)).collect();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend(["val/0/24.png", "val/1/25.png"]);
    let dir = folder(&paths);
    let says = ["there is no folder test", "2 images are for validation"];
    let TrainTest { train, test } = halves(dir.path(), &says);
    assert_eq!((train.len(), train.validation(), test.len()), (22, 20..22, 4));
    assert_eq!(found(&train)[20..], [(24, "0"), (25, "1")]);
    assert!(samples(&test).iter().all(|sample| sample[0] < 24));
    // Training images alone, and such without a label.
    fs::remove_dir_all(dir.path().join("val")).unwrap();
    put(dir.path().join("unlabeled/1.png"), &grey_png((1, 1), &[99]));
    let says = ["there is no folder test", "1 image to learn from has no label"];
    let TrainTest { train, test } = halves(dir.path(), &says);
    assert_eq!((train.len(), test.len(), found(&train)[20]), (21, 4, (99, "-")));
}

#[test]
fn images_of_no_class_have_no_label() {
    for (name, loose) in [
        ("unlabeled", "unlabeled/3.png"),
        ("unlabelled", "Unlabelled/deep/deeper/3.png"),
        ("unsup", "train/unsup/3.png"),
        ("unlabel", "train/unlabel/3.png"),
        ("_unlabeled", "_unlabeled/3.png"),
        ("unlabelled photos", "train/Unlabelled photos/3.png"),
        ("unlabeled-images", "unlabeled-images/deep/3.png"),
        ("unsorted", "train/UNSORTED/3.png"),
        ("no_label", "train/no_label/3.png"),
        ("No Labels", "train/No Labels/3.png"),
        ("not-labelled", "train/not-labelled/3.png"),
        ("todo", "ToDo/3.png"),
        ("loose, beside the halves", "3.png"),
        ("loose, beside the classes", "train/3.png"),
    ] {
        let dir = folder(&["train/a/0.png", "train/b/1.png", "test/b/2.png", loose]);
        let data = halves(dir.path(), &["1 image to learn from has no label"]);
        assert_eq!(found(&data.train), [(0, "a"), (1, "b"), (3, "-")], "{name}");
        assert_eq!(found(&data.test), [(2, "b")], "{name}");
    }
    // Undivided, they are never for the test.
    let paths: Vec<String> = (0..12).map(|i| format!("a/{i:02}.png")).collect();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend(["x.png", "unlabeled/y.png"]);
    let dir = folder(&paths);
    let data = halves(dir.path(), &["2 images to learn from have no label"]);
    assert_eq!((data.train.len(), data.test.len()), (12, 2));
    assert_eq!(found(&data.train)[10..], [(13, "-"), (12, "-")]);
    assert!(found(&data.test).iter().all(|(_, class)| *class == "a"));
}

#[test]
fn a_class_that_may_be_none_is_named() {
    let says = |name: &str, count: usize, others: &[&str], of_others: usize| {
        let mut paths: Vec<String> = (0..count).map(|at| format!("{name}/{at}.png")).collect();
        for other in others {
            paths.extend((0..of_others).map(|at| format!("{other}/{at}.png")));
        }
        let dir = folder(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        notes(dir.path())
    };
    let text = |name: &str, count: usize, all: usize| {
        format!(
            "{name:?} has {count} of {all} images and is taken for a class: call the folder \
             unlabeled if it is none"
        )
    };
    for name in ["rest", "Unknown", "other", "None", "misc"] {
        assert_eq!(says(name, 3, &["cat", "dog"], 2), [text(name, 3, 7)]);
    }
    // More than three quarters, of three classes at least.
    assert_eq!(says("elk", 13, &["cat", "dog"], 2), [text("elk", 13, 17)]);
    assert!(says("elk", 12, &["cat", "dog"], 2).is_empty());
    assert!(says("elk", 20, &["cat"], 2).is_empty());
}

#[test]
fn a_test_without_any_label_is_learnt_from_unless_no_labels_are_wanted() {
    let paths: Vec<String> = (0..12).map(|i| format!("train/{}/{i:02}.png", i % 2)).collect();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend(["test/12.png", "test/13.png"]);
    let dir = folder(&paths);
    let says = [
        "2 images for the test have no labels: they are learnt from without one, and one labelled \
         image of six is for the test",
        "2 images to learn from have no label",
    ];
    let TrainTest { train, test } = halves(dir.path(), &says);
    assert_eq!((train.len(), test.len()), (12, 2));
    assert_eq!(found(&train)[10..], [(12, "-"), (13, "-")]);
    let mut classes: Vec<&str> = found(&test).into_iter().map(|(_, class)| class).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["0", "1"]);
    // Who wants no labels gets the images for the test.
    let mut options = OpenOptions::default();
    options.table.label = LabelColumn::Absent;
    let TrainTest { train, test } = open_with(dir.path(), &options, &|_, _| {}).unwrap().data;
    assert_eq!((train.len(), found(&test)), (12, vec![(12, "-"), (13, "-")]));
}

#[test]
fn a_half_to_learn_from_needs_no_classes_to_be_scored_against() {
    let dir = folder(&["train/0.png", "train/1.png", "test/good/2.png", "test/bad/3.png"]);
    let says = ["no training image has the class \"bad\", \"good\"", "2 images to learn from have"];
    let data = halves(dir.path(), &says);
    assert_eq!((data.train.has_labels(), data.train.classes()), (false, 0));
    assert_eq!(found(&data.test), [(3, "bad"), (2, "good")]);
}

#[test]
fn classes_that_only_the_test_has_come_last() {
    let dir = folder(&["train/good/0.png", "test/crack/1.png", "test/good/2.png"]);
    put(dir.path().join("ground_truth/crack/1_mask.png"), &grey_png((1, 1), &[7]));
    put(dir.path().join("license.txt"), b"");
    let says = [
        "no training image has the class \"crack\"",
        "ground_truth: its images, 1, were left out",
        "license.txt was left out: its name is not that of an image; if license.txt has labels",
    ];
    let TrainTest { train, test } = halves(dir.path(), &says);
    assert_eq!((train.class_names(), train.classes()), (&["good".to_owned()][..], 1));
    assert_eq!(test.class_names(), ["good", "crack"]);
    assert_eq!((found(&train), found(&test)), (vec![(0, "good")], vec![(2, "good"), (1, "crack")]));
    let refused = test.with_classes(train.class_names()).unwrap_err().to_string();
    assert!(refused.contains("\"crack\", which is none of the classes"), "{refused}");
    let whole = open_whole(dir.path(), &OpenOptions::default(), &|_, _| {}).unwrap();
    let store = dir.path().join("packed.narrows");
    pack(&whole, &store, &mut |_, _| {}).unwrap();
    let packed = open(&store).unwrap();
    assert_eq!((packed.train.classes(), packed.test.classes()), (1, 2));
}

#[test]
fn a_class_is_the_path_below_the_half() {
    let dir = folder(&[
        "train/animals/cat/0.png",
        "train/animals/1.png",
        "train/cars/2.png",
        "test/animals/cat/3.png",
    ]);
    let data = halves(dir.path(), &[]);
    assert_eq!(found(&data.train), [(1, "animals"), (0, "animals/cat"), (2, "cars")]);
    assert_eq!(found(&data.test), [(3, "animals/cat")]);
    let dir = folder(&["animals/cat/0.png", "animals/dog/1.png", "cars/2.png"]);
    let whole = open_whole(dir.path(), &OpenOptions::default(), &|_, _| {}).unwrap();
    let Parts::Whole(all) = whole.data else { panic!("undivided") };
    assert_eq!(found(&all), [(0, "animals/cat"), (1, "animals/dog"), (2, "cars")]);
}

#[test]
fn what_archives_put_around_or_between_is_no_class() {
    let dir = folder(&[
        "faces/v2/train/a/0.png",
        "faces/v2/test/a/1.png",
        "__MACOSX/faces/v2/train/a/._0.png",
        "__MACOSX/faces/2.png",
    ]);
    put(dir.path().join("faces/v2/train/a/Thumbs.db"), b"");
    put(dir.path().join("faces/v2/train/desktop.ini"), b"");
    let data = halves(dir.path(), &[]);
    assert_eq!((found(&data.train), found(&data.test)), (vec![(0, "a")], vec![(1, "a")]));
    // A folder that only says that images are in it.
    let dir = folder(&["images/0.png", "images/1.png"]);
    assert!(!open(dir.path()).unwrap().train.has_labels());
}

#[test]
fn a_table_beside_folders_of_images_is_not_chosen_by_itself() {
    let dir = folder(&["train/0.png", "train/1.png", "test/2.png"]);
    let table = put(dir.path().join("train.csv"), b"id,label\n0,a\n1,b\n2,b\n");
    for _ in 0..2 {
        let error = open(dir.path()).unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::LabelsFile));
        let says = format!("{}: lies beside folders of images", table.display());
        assert!(error.to_string().starts_with(&says), "{error}");
        put(dir.path().join("test.csv"), b"id\n2\n");
    }
    let options = OpenOptions { labels: Some(table), ..OpenOptions::default() };
    let opened = open_with(dir.path(), &options, &|_, _| {}).unwrap();
    assert_eq!(found(&opened.data.train), [(0, "a"), (1, "b")]);
    assert!(opened.notes.iter().any(|note| note.starts_with("test.csv was left out")));
    // Lists of the images in each half are no tables.
    for half in ["train", "test"] {
        fs::rename(
            dir.path().join(half).with_extension("csv"),
            dir.path().join(half).with_extension("txt"),
        )
        .unwrap();
    }
    halves(dir.path(), &["2 files were left out, such as test.txt"]);
}

#[test]
fn empty_folders_and_other_files_are_named() {
    let dir = folder(&["train/a/0.png", "test/a/1.png"]);
    fs::create_dir(dir.path().join("train/b")).unwrap();
    put(dir.path().join("train/a/0.xml"), b"");
    put(dir.path().join("train/a/1.xml"), b"");
    halves(
        dir.path(),
        &[
            "train/b: holds no image, and is no class",
            "2 files were left out, such as train/a/0.xml",
        ],
    );
}
