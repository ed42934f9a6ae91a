//! Labels of images from a file of names and labels.

use std::path::Path;

use crate::image_files::{grey_png, put, samples};
use narrows_datasets::{
    Dataset, LabelColumn, OpenOptions, Opened, Parts, Remedy, TableOptions, TrainTest, UNLABELLED,
    open_whole,
};

fn opened(dir: &Path, text: &str, label: Option<&str>) -> Result<Opened<Parts>, String> {
    let labels = Some(put(dir.join("labels.csv"), text.as_bytes()));
    let label = label.map_or(LabelColumn::Detect, |name| LabelColumn::Named(name.to_owned()));
    let table = TableOptions { label, ..TableOptions::default() };
    let options = OpenOptions { labels, table, ..OpenOptions::default() };
    open_whole(dir, &options, &|_, _| {}).map_err(|error| error.to_string())
}

/// The class of each sample, in the order of their values.
fn classes(data: &Dataset) -> Vec<&str> {
    let labels = data.labels().unwrap().unwrap();
    let mut found: Vec<(u8, &str)> = samples(data)
        .iter()
        .zip(labels)
        .map(|(sample, &label)| match label {
            UNLABELLED => (sample[0], "-"),
            label => (sample[0], &*data.class_names()[usize::from(label)]),
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, class)| class).collect()
}

fn folder(paths: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (value, path) in (0..).zip(paths) {
        put(dir.path().join(path), &grey_png((1, 1), &[value]));
    }
    dir
}

#[test]
fn names_and_labels_are_found_in_any_usual_form() {
    let dir = folder(&["0.png", "b c.jpeg", "x.y.png", "3.png"]);
    let expected = ["cat", "dog", "cat", "-"];
    for text in [
        "0.png,cat\nb c.jpeg,dog\nx.y.png,cat\n",
        "id,breed\n0,cat\nb c,dog\nx.y,cat\n",
        "image;label\r\n0.png;cat\r\n\"b c.jpeg\";dog\r\nx.y.png;cat\r\n3.png;\r\n",
        "\u{feff}label\tfilename\ncat\t./0.png\ndog\tb c.jpeg\ncat\tsome/other/place/x.y.png\n",
        ",name,label\n0,0.png,cat\n1,b c.jpeg,dog\n2,x.y.png,cat\n",
        "name,width,class\n0.png,1,cat\nb c,1,dog\nx.y,1,cat\n",
    ] {
        let Opened { data: Parts::Whole(all), notes, .. } = opened(dir.path(), text, None).unwrap()
        else {
            panic!("undivided")
        };
        assert_eq!(classes(&all), expected, "{text:?}");
        assert!(notes.contains(&"1 image to learn from has no label".to_owned()), "{notes:?}");
    }
    let text = "name,kind,label\n0,x,cat\nb c,y,dog\n9,y,dog\n";
    let Opened { data: Parts::Whole(all), notes, .. } =
        opened(dir.path(), text, Some("kind")).unwrap()
    else {
        panic!("undivided")
    };
    assert_eq!(classes(&all), ["x", "y", "-", "-"]);
    let has = |part: &str| notes.iter().any(|note| note.contains(part));
    assert!(has("1 row names no image that is there, such as \"9\""), "{notes:?}");
    assert!(has("the names of the images are in column \"name\", their labels in column \"kind\""));
}

#[test]
fn names_may_be_in_letters_of_another_size() {
    let dir = folder(&["IMG_0.JPG", "img_1.jpg", "b/C.png", "B/d.png"]);
    let text = "file,label\nimg_0.jpg,cat\nimg_1.jpg,dog\nc,cat\nb\\D.PNG,dog\n";
    let opened = opened(dir.path(), text, None).unwrap();
    let Parts::Whole(all) = opened.data else { panic!("undivided") };
    assert_eq!(classes(&all), ["cat", "dog", "cat", "dog"]);
    let note = "3 rows name their images in letters of another size, such as \"img_0.jpg\"";
    assert!(opened.notes.iter().any(|found| found.ends_with(note)), "{:?}", opened.notes);
    // A name that means two images so is none of them.
    let dir = folder(&["a.png", "A.png"]);
    let two = |text: &str| self::opened(dir.path(), text, None).map(|_| ());
    assert!(two("a.png,x\nA.png,y\n").is_ok());
    assert!(two("a.PNG,x\n").unwrap_err().contains("line 1: \"a.PNG\" means"));
}

#[test]
fn a_list_of_images_is_no_data_by_itself() {
    let dir = folder(&["0.png", "b/1.png", "2.JPG"]);
    let list = |text: &str, options: &TableOptions| {
        let path = put(dir.path().join("list.csv"), text.as_bytes());
        let options = OpenOptions { table: options.clone(), ..OpenOptions::default() };
        open_whole(&path, &options, &|_, _| {}).map(drop)
    };
    let options = TableOptions::default();
    for text in ["file,label\n0.png,a\nb/1.png,b\n2.JPG,a\n", "kind;photo\na;2.JPG\nb;0.png\n"] {
        let error = list(text, &options).unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::LabelsFile));
        assert!(error.to_string().contains("names images that lie beside it"), "{error}");
    }
    // Names of what is not there, and columns that are ignored, are of no concern.
    list("file,x\n0.png,1\n7.png,2\n0.png,2\n7.png,1\n", &options).unwrap();
    let options = TableOptions { ignore: vec!["file".to_owned()], ..options };
    list("file,x\n0.png,1\n2.JPG,2\n", &options).unwrap();
}

#[test]
fn a_table_beside_a_folder_of_images_may_label_them() {
    let dir = folder(&["images/0.png", "images/1.png", "images/2.png"]);
    let dir = dir.path();
    put(dir.join("train.csv"), b"id,breed\n0,a\n1,b\n2,a\n");
    let error = open_whole(dir, &OpenOptions::default(), &|_, _| {}).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::LabelsFile));
    assert!(error.to_string().contains("if it labels them, name their folder"), "{error}");
    let options = OpenOptions { labels: Some(dir.join("train.csv")), ..OpenOptions::default() };
    let Parts::Whole(all) = open_whole(dir, &options, &|_, _| {}).unwrap().data else {
        panic!("undivided")
    };
    assert_eq!(classes(&all), ["a", "b", "a"]);
}

#[test]
fn halves_keep_their_samples_and_take_their_labels_from_the_file() {
    let dir = folder(&["train/0.png", "train/1.png", "test/2.png", "train/3.png"]);
    let text = "id,breed\n0,10\n1,9\ntrain/3,10\n2,9\n";
    let TrainTest { train, test } = opened(dir.path(), text, None).unwrap().data.split().unwrap();
    assert_eq!((classes(&train), classes(&test)), (vec!["10", "9", "10"], vec!["9"]));
    // Of a test without any label, every image is learnt from.
    let text = "id,breed\n0,10\n1,9\ntrain/3,10\n";
    let opened = opened(dir.path(), text, None).unwrap();
    let Parts::Whole(all) = &opened.data else { panic!("undivided") };
    assert_eq!(classes(all), ["10", "9", "-", "10"]);
    // Another file labels the same images otherwise: nothing old is used.
    let dir = dir.path();
    put(dir.join("other.csv"), b"0,a\n1,b\n2,a\n3,b\n");
    let options = OpenOptions { labels: Some(dir.join("other.csv")), ..OpenOptions::default() };
    let data = open_whole(dir, &options, &|_, _| {}).unwrap().data.split().unwrap();
    assert_eq!((classes(&data.train), classes(&data.test)), (vec!["a", "b", "b"], vec!["a"]));
}

#[test]
fn a_file_that_does_not_fit_is_an_error_that_names_the_line() {
    let dir = folder(&["train/0.png", "test/0.png", "train/1.png", "train/2.png"]);
    for (text, label, says) in [
        ("1,a\n0,b\n", None, "line 2: \"0\" means"),
        ("1,a\n1,b\n", None, "line 2: \"1\" has the label \"b\", and \"a\" before"),
        ("1,a\n2\n", None, "line 2 has 1 values, where a name and a label are needed"),
        ("1\n2\n", None, "has one column"),
        ("x,a\ny,b\n", None, "has no label for an image in"),
        ("name,label\n1,\n", None, "has no label for an image in"),
        (
            "name,label\n1,a\n",
            Some("kind"),
            "has the columns \"name\", \"label\", and none is called",
        ),
        ("1,a\n", Some("kind"), "has no header, and none is called \"kind\""),
        ("1,\"a\n", None, "never closed"),
    ] {
        let error = opened(dir.path(), text, label).unwrap_err();
        assert!(error.contains(says) && !error.contains('\n'), "{text:?}: {error}");
    }
    let missing = OpenOptions { labels: Some(dir.path().join("no")), ..OpenOptions::default() };
    let error = open_whole(dir.path(), &missing, &|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("check the path"), "{error}");
}
