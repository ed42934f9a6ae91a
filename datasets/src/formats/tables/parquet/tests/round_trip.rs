//! What is written is what is read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt8Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

const KINDS: [ColumnarKind; 2] = [ColumnarKind::Parquet, ColumnarKind::ArrowIpc];

fn fields(fields: &[(&str, FieldKind)]) -> Vec<(String, FieldKind)> {
    fields.iter().map(|&(name, kind)| (name.to_owned(), kind)).collect()
}

#[test]
fn numbers_and_texts_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let fields = fields(&[
        ("f32", FieldKind::F32),
        ("f64", FieldKind::F64),
        ("u8", FieldKind::U8),
        ("i64", FieldKind::I64),
        ("u64", FieldKind::U64),
        ("text", FieldKind::Text),
    ]);
    for kind in KINDS {
        let path = folder.path().join(format!("{kind:?}"));
        let mut writer = ColumnarWriter::create(&path, kind, &fields).unwrap();
        // Two batches of Parquet's reader, and a bit.
        for row in 0..20_000_u64 {
            let name = format!("name {}", row % 7);
            let values = [
                Value::F32(row as f32 / 3.0),
                Value::F64(row as f64 / 3.0),
                Value::U8((row % 256) as u8),
                Value::I64(-(row as i64)),
                Value::U64(row),
                if row % 5 == 0 { Value::Null } else { Value::Text(&name) },
            ];
            writer.push(&values).unwrap();
        }
        writer.push(&[Value::Null; 6]).unwrap();
        assert!(!path.exists(), "is there before it is complete");
        writer.finish().unwrap();
        let (names, rows) = read(&path, &[]).unwrap();
        assert_eq!(names, ["f32", "f64", "u8", "i64", "u64", "text"]);
        assert_eq!(rows.len(), 20_001);
        assert_eq!(rows[20_000], vec![Missing; 6]);
        for (row, cells) in rows[..20_000].iter().enumerate() {
            let expected = [
                Number(f64::from(row as f32 / 3.0)),
                Number(row as f64 / 3.0),
                Number((row % 256) as f64),
                Number(-(row as f64)),
                Number(row as f64),
                if row % 5 == 0 { Missing } else { text(&format!("name {}", row % 7)) },
            ];
            assert_eq!(cells[..], expected, "{kind:?}, row {row}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what is left beside it");
        fs::remove_file(&path).unwrap();
    }
}

/// By the library itself: our own reader is one of tables, and has no lists.
fn batches(path: &Path, kind: ColumnarKind) -> Vec<RecordBatch> {
    let file = fs::File::open(path).unwrap();
    match kind {
        ColumnarKind::Parquet => {
            let reader =
                ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1000);
            reader.build().unwrap().map(Result::unwrap).collect()
        }
        ColumnarKind::ArrowIpc => arrow_ipc::reader::FileReader::try_new(file, None)
            .unwrap()
            .map(Result::unwrap)
            .collect(),
    }
}

#[test]
fn lists_are_read_back_from_several_batches() {
    let folder = tempfile::tempdir().unwrap();
    let fields = fields(&[("code", FieldKind::Floats(3)), ("image", FieldKind::Bytes(4096))]);
    // 12 MB: more than is gathered before it is encoded.
    let count = 3000;
    let code = |row: usize| [row as f32, 0.5, f32::NAN];
    let image = |row: usize| -> Vec<u8> { (0..4096).map(|at| (row * 31 + at * 7) as u8).collect() };
    for kind in KINDS {
        let path = folder.path().join("lists");
        let mut writer = ColumnarWriter::create(&path, kind, &fields).unwrap();
        for row in 0..count {
            let (code, image) = (code(row), image(row));
            let code = if row == 5 { Value::Null } else { Value::Floats(&code) };
            writer.push(&[code, Value::Bytes(&image)]).unwrap();
        }
        writer.finish().unwrap();
        let batches = batches(&path, kind);
        assert!(batches.len() > 1, "one batch: nothing is shown");
        let mut row = 0;
        for batch in batches {
            let (codes, images) =
                (batch.column(0).as_fixed_size_list(), batch.column(1).as_fixed_size_list());
            for place in 0..batch.num_rows() {
                assert_eq!(codes.is_null(place), row == 5);
                if row != 5 {
                    let found = codes.value(place);
                    let found = found.as_primitive::<Float32Type>().values();
                    assert_eq!(
                        found.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                        code(row).map(f32::to_bits)
                    );
                }
                let found = images.value(place);
                assert_eq!(found.as_primitive::<UInt8Type>().values()[..], image(row));
                row += 1;
            }
        }
        assert_eq!(row, count);
    }
}

#[test]
fn a_file_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let path = folder.path().join("table");
        let mut writer =
            ColumnarWriter::create(&path, kind, &fields(&[("x", FieldKind::F32)])).unwrap();
        writer.push(&[Value::F32(1.0)]).unwrap();
        let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.collect::<Vec<_>>()[0].to_string_lossy().ends_with(".partial"));
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_table_without_rows_is_one() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let path = folder.path().join("table");
        ColumnarWriter::create(&path, kind, &fields(&[("x", FieldKind::F32)]))
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(read(&path, &[]).unwrap(), (vec!["x".to_owned()], vec![]));
    }
}

#[test]
fn a_row_that_does_not_fit_is_an_error_and_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let fields = fields(&[("x", FieldKind::F32), ("code", FieldKind::Floats(2))]);
    let mut writer = ColumnarWriter::create(&path, ColumnarKind::Parquet, &fields).unwrap();
    let mut refused = |row: &[Value<'_>], says: &str| {
        let message = writer.push(row).unwrap_err().to_string();
        assert!(message.ends_with(says), "{message:?} does not say {says:?}");
    };
    refused(&[Value::F32(1.0)], "a row of 1 values cannot be written to 2 columns");
    refused(&[Value::U8(1), Value::Null], "column \"x\" cannot hold what it was given: U8(1)");
    refused(
        &[Value::F32(1.0), Value::Floats(&[1.0])],
        "column \"code\" cannot hold what it was given: 1 floats",
    );
    writer.finish().unwrap();
    assert_eq!(read(&path, &["code"]).unwrap().1.len(), 0);
}

#[test]
fn columns_that_cannot_be_are_an_error_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    for (columns, says) in [
        (vec![], "without a column"),
        (vec![("x", FieldKind::F32), ("x", FieldKind::U8)], "two columns \"x\": rename one"),
        (vec![("x", FieldKind::Floats(0))], "column \"x\" cannot hold lists of 0 values"),
    ] {
        let message =
            ColumnarWriter::create(&path, ColumnarKind::Parquet, &fields(&columns)).err().unwrap();
        assert!(message.to_string().contains(says), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let path = folder.path().join("none/table");
    let error =
        ColumnarWriter::create(&path, ColumnarKind::ArrowIpc, &fields(&[("x", FieldKind::U8)]))
            .err();
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
    let fields = fields(&[
        ("row", FieldKind::U64),
        ("score", FieldKind::F32),
        ("class", FieldKind::Text),
        ("pixel", FieldKind::U8),
        ("code", FieldKind::Floats(3)),
        ("image", FieldKind::Bytes(2)),
    ]);
    for (name, kind) in
        [("export.parquet", ColumnarKind::Parquet), ("export.arrow", ColumnarKind::ArrowIpc)]
    {
        let mut writer = ColumnarWriter::create(&folder.join(name), kind, &fields).unwrap();
        for row in 0..1000_u64 {
            let class = format!("class {}", row % 7);
            let pixel = (row % 256) as u8;
            let values = [
                Value::U64(row),
                if row % 10 == 3 { Value::Null } else { Value::F32(row as f32 / 4.0) },
                if row % 5 == 0 { Value::Null } else { Value::Text(&class) },
                Value::U8(pixel),
                Value::Floats(&[row as f32 * 0.5, -1.0, f32::NAN]),
                Value::Bytes(&[pixel, 255 - pixel]),
            ];
            writer.push(&values).unwrap();
        }
        writer.finish().unwrap();
    }
}
