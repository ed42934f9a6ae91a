//! Files by pyarrow and pandas (`tests/vectors/columnar.py`) read as their script says, what we
//! write read back, and damaged files.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::formats::tables::source::{Cell, TableSource};

mod damage;
mod round_trip;
mod wild;
mod zstandard;

#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Missing,
    Number(f64),
    Text(String),
}

use Owned::{Missing, Number};

fn text(text: &str) -> Owned {
    Owned::Text(text.to_owned())
}

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/columnar").join(name)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The names and the rows of cells.
fn read(path: &Path, ignore: &[&str]) -> Result<(Vec<String>, Vec<Vec<Owned>>), Error> {
    let mut table = ParquetTable::open(path, &names(ignore))?;
    let mut rows = Vec::new();
    table.for_each_row(&mut |row, cells| {
        let owned = cells.iter().map(|cell| match *cell {
            Cell::Missing => Missing,
            Cell::Number(number) => Number(number),
            Cell::Text(found) => text(found),
        });
        assert_eq!(row, rows.len() as u64, "rows are counted from 0 on");
        rows.push(owned.collect());
        Ok(())
    })?;
    Ok((table.column_names().to_vec(), rows))
}

fn message(path: &Path, ignore: &[&str]) -> String {
    assert_one_line(&read(path, ignore).expect_err("is no good file"), path)
}

/// Checks what holds for every message, and returns what follows the path.
fn assert_one_line(error: &Error, path: &Path) -> String {
    let message = error.to_string();
    assert!(
        message.starts_with(path.to_str().unwrap()),
        "{message:?} does not begin with the path"
    );
    assert!(!message.chars().any(char::is_control), "{message:?} is not one line");
    assert!(message.len() < 300 + path.as_os_str().len(), "{message:?} is long for one line");
    message[path.to_str().unwrap().len() + 2..].to_owned()
}

/// Name, first and last cell; those of the second row are missing.
fn expected() -> Vec<(&'static str, Owned, Owned)> {
    vec![
        ("i8", Number(-128.0), Number(127.0)),
        ("i16", Number(-32768.0), Number(32767.0)),
        ("i32", Number(-2147483648.0), Number(2147483647.0)),
        // 2^53 + 1 is no f64: the even neighbour is nearest.
        ("i64", Number(-9007199254740992.0), Number(9007199254740992.0)),
        ("u8", Number(0.0), Number(255.0)),
        ("u16", Number(1.0), Number(65535.0)),
        ("u32", Number(2.0), Number(4294967295.0)),
        ("u64", Number(3.0), Number(18446744073709551616.0)),
        ("f16", Number(0.5), Missing),
        ("f32", Number(f64::from(0.1_f32)), Missing),
        ("f64", Number(0.1), Missing),
        ("bool", Number(1.0), Number(0.0)),
        ("text", text("cat"), Missing),
        ("large", text("dög"), text("7")),
        ("view", text("a text beyond the twelve bytes of a view"), text("short")),
        ("category", text("red"), text("blue")),
        ("decimal", Number(-1.25), Number(12345678901234567.89)),
        ("wide", Number(0.001), Number(98765432109876543210987654321098765432109.5)),
        ("date", Number(86400.0), Number(-86400.0)),
        ("date64", Number(86400.0), Number(946684800.0)),
        ("seconds", Number(946684800.0), Number(-1.0)),
        ("millis", Number(946684800.5), Number(0.0)),
        ("micros", Number(946684800.25), Number(0.0)),
        ("nanos", Number(946684800.0), Number(0.0)),
        ("time", Number(60.0), Number(3600.0)),
        ("duration", Number(3600.0), Number(0.0)),
        ("nothing", Missing, Missing),
        ("list", Missing, Missing),
        ("struct", Missing, Missing),
        ("bytes", Missing, Missing),
    ]
}

const NO_CELLS: [&str; 3] = ["list", "struct", "bytes"];

#[test]
fn each_type_of_each_format_is_read_as_what_it_is() {
    for (file, rows) in
        [("types.parquet", 3), ("version-2.parquet", 2), ("types.arrow", 3), ("types.arrows", 3)]
    {
        let (names, found) = read(&vector(file), &NO_CELLS).unwrap();
        assert_eq!(names, expected().iter().map(|(name, ..)| *name).collect::<Vec<_>>(), "{file}");
        assert_eq!(found.len(), rows, "{file}");
        for (place, (name, first, last)) in expected().into_iter().enumerate() {
            assert_eq!(found[0][place], first, "{file}: {name}");
            assert_eq!(found[1][place], Missing, "{file}: {name}");
            assert!(rows < 3 || found[2][place] == last, "{file}: {name}: {:?}", found[2][place]);
        }
    }
}

#[test]
fn a_table_is_read_again_from_its_first_row() {
    for file in ["types.parquet", "types.arrow", "types.arrows"] {
        let mut table = ParquetTable::open(&vector(file), &names(&NO_CELLS)).unwrap();
        for _ in 0..2 {
            let mut first = Vec::new();
            table
                .for_each_row(&mut |_, cells| {
                    first.push(cells[0] == Cell::Number(-128.0));
                    Ok(())
                })
                .unwrap();
            assert_eq!(first, [true, false, false], "{file}");
        }
        let stopped =
            table.for_each_row(&mut |row, _| Err(Error::request(format!("enough at {row}"))));
        assert_eq!(stopped.unwrap_err().to_string(), "enough at 0");
    }
}

#[test]
fn dictionaries_that_change_within_a_stream_are_followed() {
    let (_, rows) = read(&vector("dictionaries.arrows"), &[]).unwrap();
    let colors = ["red", "blue", "green", "red"].map(|color| vec![text(color)]);
    assert_eq!(rows, [&colors[..], &[vec![Missing]]].concat());
}

#[test]
fn a_data_frame_has_its_index_as_a_column() {
    let (names, rows) = read(&vector("pandas.parquet"), &[]).unwrap();
    assert_eq!(names, ["width", "kind", "seen", "__index_level_0__"]);
    assert_eq!(rows[0], [Number(1.5), text("b"), Number(1.0), text("first")]);
    assert_eq!(rows[1], [Missing, text("a"), Number(0.0), text("second")]);
}

#[test]
fn what_is_no_cell_is_an_error_that_names_the_column_unless_it_is_ignored() {
    for file in ["types.parquet", "types.arrow", "types.arrows"] {
        for (name, what) in [("list", "lists"), ("struct", "structures"), ("bytes", "bytes")] {
            let ignored: Vec<&str> =
                NO_CELLS.into_iter().filter(|&ignored| ignored != name).collect();
            let expected = format!(
                "column {name:?} holds {what}, where numbers or texts are needed: ignore it"
            );
            assert_eq!(message(&vector(file), &ignored), expected);
        }
    }
}

#[test]
fn infinity_is_an_error_that_names_the_row_and_the_column() {
    let path = vector("infinite.parquet");
    let expected = "row 2, column \"x\": is infinite: replace it by a number or a null";
    assert_eq!(message(&path, &[]), expected);
    assert_eq!(read(&path, &["x"]).unwrap().1, vec![vec![Missing]; 3]);
}

#[test]
fn a_file_of_another_kind_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(folder.path(), &[]).contains("is a folder, where"));
    let path = folder.path().join("table");
    for bytes in [&b""[..], b"PAR", b"a,b\n1,2\n"] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(message(&path, &[]), "is neither a Parquet nor an Arrow file: check its name");
    }
    assert!(message(&folder.path().join("none"), &[]).contains("check the path for a mistake"));
}
