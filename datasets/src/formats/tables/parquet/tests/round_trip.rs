//! What is written is what is read.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::formats::tables::cell::{FieldKind, TableCell};
use crate::formats::tables::write::{TableFormat, TableWriter};

const FIELDS: [(&str, FieldKind); 4] = [
    ("row", FieldKind::Whole),
    ("score", FieldKind::Number),
    ("class", FieldKind::Text),
    ("pixel", FieldKind::Byte),
];

fn create(path: &Path, fields: &[(&str, FieldKind)]) -> Result<TableWriter, Error> {
    TableWriter::create(path, TableFormat::Parquet, fields)
}

#[test]
fn numbers_and_texts_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let mut writer = create(&path, &FIELDS).unwrap();
    // Two batches of Parquet's reader, and a bit.
    for row in 0..20_000_u64 {
        let name = format!("name {}", row % 7);
        let cells = [
            TableCell::Whole(row),
            TableCell::Number(row as f32 / 3.0),
            if row % 5 == 0 { TableCell::Missing } else { TableCell::Text(&name) },
            TableCell::Whole(row % 256),
        ];
        writer.row(&cells).unwrap();
    }
    writer.row(&[TableCell::Missing; 4]).unwrap();
    assert!(!path.exists(), "is there before it is complete");
    assert_eq!(writer.finish().unwrap(), fs::metadata(&path).unwrap().len());
    let (names, rows) = read(&path, &[]).unwrap();
    assert_eq!(names, ["row", "score", "class", "pixel"]);
    assert_eq!(rows.len(), 20_001);
    assert_eq!(rows[20_000], vec![Missing; 4]);
    for (row, cells) in rows[..20_000].iter().enumerate() {
        let expected = [
            Number(row as f64),
            Number(f64::from(row as f32 / 3.0)),
            if row % 5 == 0 { Missing } else { text(&format!("name {}", row % 7)) },
            Number((row % 256) as f64),
        ];
        assert_eq!(cells[..], expected, "row {row}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what is left beside it");
}

#[test]
fn more_than_is_gathered_before_it_is_encoded_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    // 12 MB.
    let names: Vec<String> = (0..1000).map(|at| format!("x{at}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), FieldKind::Number)).collect();
    let mut writer = create(&path, &fields).unwrap();
    for row in 0..3000 {
        let cells: Vec<_> = (0..1000).map(|at| TableCell::Number((row * at) as f32)).collect();
        writer.row(&cells).unwrap();
    }
    writer.finish().unwrap();
    let mut table = ParquetTable::open(&path, &[]).unwrap();
    let mut rows = 0;
    table
        .for_each_row(&mut |row, cells| {
            rows += 1;
            let expected = |at: usize| Cell::Number((row as usize * at) as f64);
            assert!(cells.iter().enumerate().all(|(at, &cell)| cell == expected(at)), "{row}");
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, 3000);
}

/// By the library itself, as only Parquet is written here.
#[test]
fn all_batches_of_an_arrow_file_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.arrow");
    let batch = |from: i64| {
        let rows = from..from + 1000;
        let wholes = Int64Array::from_iter_values(rows.clone().map(|row| -row));
        let reals = Float64Array::from_iter(rows.clone().map(|row| Some(row as f64 / 3.0)));
        let texts = StringArray::from_iter_values(rows.map(|row| format!("name {row}")));
        let columns: [(&str, ArrayRef); 3] =
            [("whole", Arc::new(wholes)), ("real", Arc::new(reals)), ("text", Arc::new(texts))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let file = fs::File::create(&path).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batch(0).schema()).unwrap();
    for from in [0, 1000, 2000] {
        writer.write(&batch(from)).unwrap();
    }
    writer.finish().unwrap();
    let (names, rows) = read(&path, &[]).unwrap();
    assert_eq!((&names[..], rows.len()), (&["whole", "real", "text"].map(String::from)[..], 3000));
    for (row, cells) in rows.iter().enumerate() {
        let expected =
            [Number(-(row as f64)), Number(row as f64 / 3.0), text(&format!("name {row}"))];
        assert_eq!(cells[..], expected, "row {row}");
    }
}

#[test]
fn a_file_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let mut writer = create(&path, &[("x", FieldKind::Number)]).unwrap();
    writer.row(&[TableCell::Number(1.0)]).unwrap();
    let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.collect::<Vec<_>>()[0].to_string_lossy().ends_with(".partial"));
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_table_without_rows_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    create(&path, &[("x", FieldKind::Number)]).unwrap().finish().unwrap();
    assert_eq!(read(&path, &[]).unwrap(), (vec!["x".to_owned()], vec![]));
}

#[test]
fn a_row_that_does_not_fit_is_an_error_and_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let mut writer =
        create(&path, &[("x", FieldKind::Number), ("pixel", FieldKind::Byte)]).unwrap();
    let mut refused = |row: &[TableCell<'_>], says: &str| {
        let message = writer.row(row).unwrap_err().to_string();
        assert!(message.ends_with(says), "{message:?} does not say {says:?}");
    };
    let number = TableCell::Number(1.0);
    refused(&[number], "a row of 1 values cannot be written to 2 columns");
    refused(&[TableCell::Whole(1), TableCell::Missing], "column \"x\" cannot hold Whole(1)");
    refused(&[number, TableCell::Whole(256)], "column \"pixel\" cannot hold Whole(256)");
    writer.finish().unwrap();
    assert_eq!(read(&path, &[]).unwrap().1.len(), 0);
}

#[test]
fn columns_that_cannot_be_are_an_error_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let twice = [("x", FieldKind::Number), ("x", FieldKind::Byte)];
    for (fields, says) in [(&[][..], "without a column"), (&twice, "two columns \"x\": rename one")]
    {
        let message = create(&path, fields).err().unwrap().to_string();
        assert!(message.contains(says), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let error = create(&folder.path().join("none/table"), &FIELDS).err();
    assert!(error.unwrap().to_string().contains("check the path for a mistake"));
}

#[test]
fn two_columns_of_a_name_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.arrow");
    let field = arrow_schema::Field::new("x", arrow_schema::DataType::UInt8, false);
    let schema = Arc::new(arrow_schema::Schema::new(vec![field.clone(), field]));
    let file = fs::File::create(&path).unwrap();
    arrow_ipc::writer::FileWriter::try_new(file, &schema).unwrap().finish().unwrap();
    assert_eq!(message(&path, &["x"]), "has two columns \"x\": rename one");
}

/// Writes what `tests/python/read_exports.py` reads, into the folder that `NARROWS_EXPORTS` names.
#[test]
#[ignore = "writes files for a script"]
fn exports() {
    let folder =
        PathBuf::from(std::env::var_os("NARROWS_EXPORTS").expect("NARROWS_EXPORTS names a folder"));
    let mut writer = create(&folder.join("export.parquet"), &FIELDS).unwrap();
    for row in 0..1000_u64 {
        let class = format!("class {}", row % 7);
        let cells = [
            TableCell::Whole(row),
            if row % 10 == 3 { TableCell::Missing } else { TableCell::Number(row as f32 / 4.0) },
            if row % 5 == 0 { TableCell::Missing } else { TableCell::Text(&class) },
            TableCell::Whole(row % 256),
        ];
        writer.row(&cells).unwrap();
    }
    writer.finish().unwrap();
}
