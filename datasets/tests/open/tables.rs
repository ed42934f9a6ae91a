//! Tables, whole and as two halves.

use std::fs;

use super::{assert_near, mean_and_deviation, seen, stored, stored_floats, whole};
use crate::made_files::{gzip, put};
use narrows_datasets::{
    Dtype, LabelColumn, OpenOptions, TableOptions, TrainTest, UNLABELLED, open, open_with,
};

pub const TABLE: &str = "\
age,colour,zip,label
31,red,5,yes
,green,7,no
44.5,red,5,
20,blue,,yes
31,red,7,no
9,blue,5,no
";

#[test]
fn tables_of_text_are_the_same_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let tabs = TABLE.replace(',', "\t");
    let mut found = Vec::new();
    for (name, bytes) in [
        ("a.csv", TABLE.as_bytes().to_vec()),
        ("b.tsv.gz", gzip(tabs.as_bytes())),
        ("c", TABLE.replace('\n', "\r\n").into_bytes()),
    ] {
        let data = whole(&put(dir, name, &bytes), &OpenOptions::default());
        assert_eq!((data.len(), data.dtype(), data.label_name()), (6, Dtype::F32, Some("label")));
        assert_eq!(data.class_names(), ["no", "yes"]);
        assert_eq!(data.labels().unwrap(), Some(&[1, 0, UNLABELLED, 1, 0, 0][..]));
        let bits: Vec<u8> = stored(&data).concat();
        found.push((bits, data.columns().unwrap().to_vec()));
    }
    assert!(found.iter().all(|one| *one == found[0]));
    let data = whole(&dir.join("a.csv"), &OpenOptions::default());
    let values = stored_floats(&data);
    assert_eq!(values[0], [31.0, 2.0, 5.0]);
    assert!(values[1][0].is_nan() && values[1][1..] == [1.0, 7.0]);
    assert!(values[3][..2] == [20.0, 0.0] && values[3][2].is_nan());
    let unlabelled = TableOptions {
        label: LabelColumn::Absent,
        ignore: vec!["label".to_owned()],
        ..TableOptions::default()
    };
    let options = OpenOptions { table: unlabelled, ..OpenOptions::default() };
    assert_eq!(whole(&dir.join("a.csv"), &options).labels().unwrap(), None);
    let opened = open_with(&dir.join("a.csv"), &OpenOptions::default(), &|_, _| {}).unwrap();
    assert_eq!(opened.notes, ["the column \"label\" is taken for the labels, by its name"]);
}

/// [`TABLE`] with an object on each line, and as an array.
fn json() -> [String; 2] {
    let rows = TABLE.lines().skip(1).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        let text = |cell: &str| match cell {
            "" => "null".to_owned(),
            cell if cell.starts_with(|first: char| first.is_ascii_digit()) => cell.to_owned(),
            cell => format!("{cell:?}"),
        };
        let age = match cells[0] {
            "" => String::new(),
            age => format!(", \"age\": {age}"),
        };
        let [colour, zip, label] = [1, 2, 3].map(|at| text(cells[at]));
        format!("{{\"colour\": {colour}, \"label\": {label}{age}, \"zip\": {zip}}}")
    });
    let rows: Vec<String> = rows.collect();
    [rows.join("\n"), format!("[{}]", rows.join(",\n "))]
}

#[test]
fn a_table_in_json_has_the_values_that_it_has_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let csv = whole(&put(dir, "a.csv", TABLE.as_bytes()), &OpenOptions::default());
    let [lines, array] = json();
    for (name, bytes) in [
        ("b.jsonl", lines.clone().into_bytes()),
        ("c.ndjson.gz", gzip(lines.as_bytes())),
        ("d.json", array.into_bytes()),
    ] {
        let data = whole(&put(dir, name, &bytes), &OpenOptions::default());
        assert_eq!(data.class_names(), ["no", "yes"]);
        assert_eq!(data.labels().unwrap(), csv.labels().unwrap());
        // The columns have the order in which the keys appear.
        let places: Vec<usize> = ["age", "colour", "zip"]
            .iter()
            .map(|name| data.columns().unwrap().iter().position(|own| own.name == *name).unwrap())
            .collect();
        assert_eq!(places, [1, 0, 2]);
        let values = stored_floats(&data).into_iter().zip(stored_floats(&csv));
        for (row, (found, expected)) in values.enumerate() {
            let found: Vec<u32> = places.iter().map(|&at| found[at].to_bits()).collect();
            let expected: Vec<u32> = expected.iter().map(|value| value.to_bits()).collect();
            assert_eq!(found, expected, "{name}, row {row}");
        }
    }
}

#[test]
fn the_halves_of_a_table_may_be_json() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let train = "{\"a\":1,\"class\":\"x\",\"id\":[1]}\n{\"class\":\"y\",\"a\":3}\n";
    put(dir, "train.jsonl", train.as_bytes());
    let test = "{\"class\":\"y\",\"id\":[1]}\n{\"a\":3,\"class\":\"x\"}\n{\"a\":1}\n";
    put(dir, "test.jsonl", test.as_bytes());
    let table = TableOptions { ignore: vec!["id".to_owned()], ..TableOptions::default() };
    let options = OpenOptions { table, ..OpenOptions::default() };
    let opened = open_with(dir, &options, &|_, _| {}).unwrap();
    let data = opened.data;
    assert_eq!(data.train.labels().unwrap(), Some(&[0, 1][..]));
    assert_eq!(data.test.labels().unwrap(), Some(&[1, 0, UNLABELLED][..]));
    let values: Vec<f32> = stored_floats(&data.test).concat();
    assert!(values[0].is_nan() && values[1..] == [3.0, 1.0], "{values:?}");
    // Without labels, its rows are learnt from.
    put(dir, "train.jsonl", train.repeat(6).as_bytes());
    put(dir, "test.jsonl", b"{\"a\":5,\"id\":[1]}\n");
    let found = open_with(dir, &options, &|_, _| {}).unwrap();
    assert!(found.notes.iter().any(|note| note.contains("has no labels in a column \"class\"")));
}

#[cfg(feature = "parquet")]
#[test]
fn a_table_that_zstandard_compressed_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let csv = whole(&put(folder.path(), "a.csv", TABLE.as_bytes()), &OpenOptions::default());
    // A frame whose one block is not compressed.
    let length = TABLE.len() as u8;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length, length << 3 | 1, length >> 5, 0];
    frame.extend(TABLE.as_bytes());
    let data = whole(&put(folder.path(), "a.csv.zst", &frame), &OpenOptions::default());
    assert_eq!(stored(&data), stored(&csv));
    let cut = put(folder.path(), "cut.csv.zst", &frame[..frame.len() - 1]);
    let error = open(&cut).unwrap_err().to_string();
    assert!(
        error.ends_with("is damaged: its Zstandard data end early; download it again"),
        "{error}"
    );
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_zstandard_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "a.csv.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, b'x']);
    let error = open(&path).unwrap_err().to_string();
    let problem = "is compressed by Zstandard, which this build cannot read: install narrows with \
                   --features parquet, or decompress it with zstd -d";
    assert!(error.ends_with(problem), "{error}");
}

#[test]
fn the_halves_of_a_table_are_matched_by_names() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    put(dir, "train.csv", b"age,colour,label\n30,red,yes\n50,green,no\n,blue,yes\n40,red,no\n");
    // Other columns beside, in another order; categories in another order, and one that is new.
    put(
        dir,
        "test.csv",
        b"label,more,colour,age\nno,x,violet,40\nyes,y,green,\nno,x,amber,30\nno,y,red,50\n",
    );
    let TrainTest { train, test } = open(dir).unwrap();
    let (mean, deviation) = mean_and_deviation(&[30.0, 50.0, 40.0]);
    let z = |age: f64| (age - mean) / deviation;
    // age, blue, green, red, age is missing.
    let expected_train = [
        [z(30.0), 0., 0., 1., 0.],
        [z(50.0), 0., 1., 0., 0.],
        [0., 1., 0., 0., 1.],
        [z(40.0), 0., 0., 1., 0.],
    ];
    let expected_test = [
        [z(40.0), 0., 0., 0., 0.],
        [0., 0., 1., 0., 1.],
        [z(30.0), 0., 0., 0., 0.],
        [z(50.0), 0., 0., 1., 0.],
    ];
    for (data, expected) in [(&train, expected_train), (&test, expected_test)] {
        for (seen, expected) in seen(data).iter().zip(expected) {
            assert_eq!(seen.len(), 5);
            seen.iter().zip(expected).for_each(|(&seen, expected)| assert_near(seen, expected));
        }
        assert_eq!(data.class_names(), ["no", "yes"]);
    }
    assert_eq!(train.labels().unwrap(), Some(&[1, 0, 1, 0][..]));
    assert_eq!(test.labels().unwrap(), Some(&[0, 1, 0, 0][..]));

    // Only one of the classes, and therefore other numbers.
    put(dir, "test.csv", b"age,colour,label\n1,red,yes\n");
    let test = open(dir).unwrap().test;
    assert_eq!((test.labels().unwrap(), test.classes()), (Some(&[1][..]), 2));
    for (text, file, says) in [
        ("age,label\n1,yes\n", "", "has no column \"colour\""),
        ("age,colour,label\nx,red,yes\n", "", "column \"age\": \"x\" is not a number"),
    ] {
        put(dir, "test.csv", text.as_bytes());
        let error = open(dir).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(says) && !error.contains('\n'), "{error}");
    }
    // A class that training never saw comes behind the others.
    put(dir, "test.csv", b"age,colour,label\n1,red,maybe\n2,red,no\n");
    let data = open(dir).unwrap();
    assert_eq!(data.test.class_names(), ["no", "yes", "maybe"]);
    assert_eq!((data.test.labels().unwrap(), data.train.classes()), (Some(&[2, 0][..]), 2));
    // Without a column of labels they are learnt from.
    for text in ["colour,age\nred,1\ngreen,2\n", "colour,age,label\nred,1,\ngreen,2,?\n"] {
        put(dir, "test.csv", text.as_bytes());
        let data = open(dir).unwrap();
        assert_eq!((data.train.len() + data.test.len(), data.train.classes()), (4 + 2, 2));
        assert_eq!(data.train.labelled_rows().unwrap().len() + data.test.len(), 4);
    }
    // Samples for validation are the last to learn from.
    put(dir, "test.csv", b"age,colour,label\n1,red,yes\n");
    put(dir, "Val.csv", b"label,age,colour\nyes,1,blue\nno,2,violet\n");
    let data = open(dir).unwrap();
    assert_eq!((data.train.len(), data.train.learnt(), data.test.len()), (6, 4, 1));
    assert_eq!(data.train.labels().unwrap().unwrap()[4..], [1, 0]);
    put(dir, "Val.csv", b"label,age,colour\nmaybe,1,blue\n");
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("Val.csv: has the label \"maybe\", which is none of"), "{error}");
    fs::remove_file(dir.join("Val.csv")).unwrap();
    put(dir, "test.csv.gz", b"");
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("lies beside"), "{error}");
    fs::remove_file(dir.join("test.csv.gz")).unwrap();
    fs::remove_file(dir.join("test.csv")).unwrap();
    let error = open(dir).unwrap_err().to_string();
    assert!(error.contains("has no other half"), "{error}");
}

/// A number beside which the others do not count is named, in either half.
#[test]
fn numbers_far_beyond_all_others_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = [false; 2];
    for wrong in 0..24 {
        let number =
            |row: usize| if row == wrong { "-3e38".to_owned() } else { format!("{row}.5") };
        let rows = (0..24).map(|row| format!("{},{}\n", number(row), row % 5));
        put(folder.path(), "t.csv", format!("a,b\n{}", rows.collect::<String>()).as_bytes());
        let error = open(&folder.path().join("t.csv")).unwrap_err().to_string();
        let place = format!("line {}, column \"a\": -3e38 is ", wrong + 2);
        assert!(error.contains(&place), "{error}");
        seen[usize::from(error.contains("far beyond the numbers learnt from"))] = true;
    }
    assert_eq!(seen, [true; 2], "each half has had it");
}

/// A guess about the table to learn from is said of a folder of tables, too, and holds for all.
#[test]
fn the_decimal_mark_of_the_first_table_is_that_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..12).map(|row| format!("{row},25;{}\n", ["x", "y"][row % 2])).collect();
    put(folder.path(), "train.csv", format!("a;label\n{rows}").as_bytes());
    put(folder.path(), "test.csv", b"a\n1.234\n5\na\n7\n");
    let opened = open_with(folder.path(), &OpenOptions::default(), &|_, _| {}).unwrap();
    let note = "test.csv: line 4 repeats the header, and is left out";
    assert!(opened.notes.iter().any(|found| found == note), "{:?}", opened.notes);
    put(folder.path(), "test.csv", b"a;label\n1.234;x\n2.345;y\n");
    let opened = open_with(folder.path(), &OpenOptions::default(), &|_, _| {}).unwrap();
    assert!(opened.notes.iter().any(|note| note.contains("decimal comma")), "{:?}", opened.notes);
    let values: Vec<f64> = (0..12).map(|row| f64::from(row) + 0.25).collect();
    let (mean, std) = mean_and_deviation(&values);
    assert_near(seen(&opened.data.test)[0][0], (1234.0 - mean) / std);
}
