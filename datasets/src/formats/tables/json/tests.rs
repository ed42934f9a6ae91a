//! Rows of JSON are those of the same table as CSV, and damaged files are errors of one line.

use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use flate2::write::GzEncoder;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::formats::options::LabelColumn;
use crate::formats::tables::csv::CsvTable;
use crate::formats::tables::layout::Layout;
use crate::random::stream::{Purpose, Stream};

mod damage;

/// The number of a row and its cells.
type Row = (u64, Vec<String>);

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Number(number) => format!("{number}"),
        Cell::Text(text) => format!("{text:?}"),
    }
}

/// The names and the rows of a file of these bytes.
fn rows(bytes: &[u8], options: &TableOptions) -> Result<(Vec<String>, Vec<Row>), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    fs::write(&path, bytes).unwrap();
    let read = || -> Result<_, Error> {
        let mut table = JsonTable::open(&path, options)?;
        let mut rows = Vec::new();
        for _ in 0..2 {
            rows.clear();
            table.for_each_row(&mut |number, cells| {
                rows.push((number, cells.iter().map(shown).collect()));
                Ok(())
            })?;
        }
        Ok((table.names, rows))
    };
    read().map_err(|error| {
        let message = error.to_string();
        let (start, problem) = message.split_at(path.as_os_str().len() + 2);
        assert_eq!(start, format!("{}: ", path.display()));
        assert!(!problem.chars().any(char::is_control) && problem.len() < 300, "{problem:?}");
        problem.to_owned()
    })
}

fn plain(text: &str) -> Result<(Vec<String>, Vec<Row>), String> {
    rows(text.as_bytes(), &TableOptions::default())
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const LINES: &str = "\u{feff}{\"a\": 1, \"b\": \"x\"}\r\n
  {\"b\":\"y \\\"\\u00e9\\n\",\"c\":true}
{}
{ \"c\" : null , \"a\" : -2.5e3, \"d\": \"\" }
{\"a\": 0.1}";

/// The same, with the numbers that rows have among the objects of an array.
const ARRAY: &str = " [
  {\"a\": 1,\r\n \"b\": \"x\"},{\"b\":\"y \\\"\\u00e9\\n\",\"c\":true},
{}, { \"c\" : null , \"a\" : -2.5e3, \"d\": \"\" },
{\"a\": 0.1}
]\n ";

fn expected(numbers: [u64; 5]) -> (Vec<String>, Vec<Row>) {
    let cells = [
        list(&["1", "\"x\"", "", ""]),
        list(&["", "\"y \\\"é\\n\"", "\"true\"", ""]),
        list(&["", "", "", ""]),
        list(&["-2500", "", "", ""]),
        list(&["0.1", "", "", ""]),
    ];
    (list(&["a", "b", "c", "d"]), numbers.into_iter().zip(cells).collect())
}

#[test]
fn keys_are_columns_in_any_order_and_may_be_missing() {
    assert_eq!(plain(LINES).unwrap(), expected([1, 3, 4, 5, 6]));
    assert_eq!(plain(ARRAY).unwrap(), expected([1, 2, 3, 4, 5]));
    for text in [LINES, ARRAY] {
        let packed = gzip(text.as_bytes());
        assert_eq!(rows(&packed, &TableOptions::default()), plain(text));
    }
}

#[cfg(feature = "parquet")]
#[test]
fn text_that_zstandard_compressed_is_read() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    for text in [LINES, ARRAY] {
        let packed = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        assert_eq!(rows(&packed, &TableOptions::default()), plain(text));
        let error = rows(&packed[..packed.len() - 5], &TableOptions::default()).unwrap_err();
        assert_eq!(error, "is damaged: its Zstandard data end early; download it again");
    }
}

#[test]
fn options_choose_missing_values_and_columns_of_texts() {
    let options = TableOptions { missing: list(&["-", "-999"]), ..Default::default() };
    let text = "{\"a\":-999,\"b\":\"-\",\"c\":\"NA\"}\n{\"a\":-998,\"b\":\"--\",\"c\":\"N\"}\n";
    let found = rows(text.as_bytes(), &options).unwrap().1;
    assert_eq!(found, [(1, list(&["", "", ""])), (2, list(&["-998", "\"--\"", "\"N\""]))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    fs::write(&path, "{\"a\":7,\"b\":7}\n{\"a\":\"007\",\"b\":0.5}\n").unwrap();
    let mut table = JsonTable::open(&path, &TableOptions::default()).unwrap();
    table.read_as_text(&[true, false], None);
    let mut found = Vec::new();
    table
        .for_each_row(&mut |_, cells| {
            found.push(cells.iter().map(shown).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [["\"7\"", "7"], ["\"007\"", "0.5"]]);
}

#[test]
fn objects_and_arrays_in_a_row_are_an_error_unless_their_column_is_left_out() {
    let text = "{\"a\":1,\"b\":2}\n\n{\"b\":{\"x\":[1]},\"a\":2}\n{\"a\":[],\"b\":3}\n";
    let advice = "where a number or a text is needed: give its values keys of their own, or \
                  ignore the column";
    assert_eq!(plain(text).unwrap_err(), format!("line 4, column \"a\": holds an array, {advice}"));
    let without = |names: &[&str]| TableOptions { ignore: list(names), ..Default::default() };
    assert_eq!(
        rows(text.as_bytes(), &without(&["a"])).unwrap_err(),
        format!("line 3, column \"b\": holds an object, {advice}")
    );
    let found = rows(text.as_bytes(), &without(&["b"])).unwrap_err();
    assert!(found.contains("line 4, column \"a\""), "{found}");
    let found = rows(text.as_bytes(), &without(&["a", "b"])).unwrap().1;
    assert_eq!(found.len(), 3);
    let deep = format!("{{\"a\":1,\"b\":{}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(plain(&deep).unwrap_err().contains("column \"b\": holds an array"));
    assert_eq!(rows(deep.as_bytes(), &without(&["b"])).unwrap().1.len(), 1);
    let array = "[{\"a\":1},{\"a\":2},{\"a\":{}}]";
    assert!(plain(array).unwrap_err().starts_with("row 3, column \"a\": holds an object"));
}

#[test]
fn bad_text_is_an_error_that_names_the_line() {
    let cases = [
        ("{\"a\":1}\n\n{\"a\":}\n", "line 3 is no JSON (expected value at character 6): mend it"),
        ("{\"a\":1}\n[2]\n", "line 2 holds no object: write one on each line"),
        ("{\"a\":1}\nx\n", "line 2 holds no object"),
        ("{\"a\":1} {\"a\":2}\n", "line 1 is no JSON (trailing characters at character 9)"),
        ("{\"a\":1}\n{\"a\":2\n", "line 2 ends within an object: write each object on one line"),
        ("{\n  \"a\": 1\n}\n", "line 1 ends within an object"),
        ("{\"a\":NaN}\n", "line 1 holds NaN or Infinity, which are no JSON: write null instead"),
        ("{\"a\":-Infinity}\n", "line 1 holds NaN or Infinity"),
        ("{\"a\":1e999}\n", "line 1 is no JSON (number out of range at character 10)"),
        ("{\"b\":0,\"a\":1,\"a\":2}\n", "line 1 has the key of column 2 twice: leave one out"),
        ("{\"a\":null,\"a\":2}\n", "line 1 has the key of column 1 twice"),
        ("{\"a\":\"\\ud800\"}\n", "line 1 is no JSON ("),
        ("{}\n{}\n", "has rows without any key"),
        ("[{\"a\":1}\n", "is damaged: its array is not closed: it may be cut off"),
        ("[{\"a\":1}] x", "is damaged: there is text behind its array"),
        ("[{\"a\":1]}", "is damaged: its array is closed by }"),
        ("[{\"a\":1} {\"a\":2}]", "row 1 is no JSON (trailing characters"),
        ("[{\"a\":1},2]", "row 2 holds no object"),
    ];
    for (text, problem) in cases {
        let found = plain(text).expect_err(problem);
        assert!(found.starts_with(problem), "{text:?}: {found}");
    }
    let long = format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}\n", "x".repeat(5 << 20));
    assert!(plain(&long).unwrap_err().starts_with("line 2 has more than 4 MB"));
    let bytes = [&b"{\"a\":\"x\"}\n{\"a\":\"caf"[..], b"\xe9\"}\n"].concat();
    let found = rows(&bytes, &TableOptions::default()).unwrap_err();
    assert!(found.starts_with("line 2 is no JSON (invalid unicode"), "{found}");
    let keys: String = (0..70_000).map(|key| format!("{{\"k{key}\":1}}\n")).collect();
    let found = plain(&keys).unwrap_err();
    assert!(
        found.starts_with("line 65537 has the key \"k65536\", which is one too many"),
        "{found}"
    );
}

#[test]
fn files_are_told_by_how_they_begin() {
    for (text, expected) in [
        ("{\"a\":1}", Some(Form::Lines)),
        ("\u{feff} \n { \"a\":1}", Some(Form::Lines)),
        ("{}\n", Some(Form::Lines)),
        ("{\n \"a\": 1", Some(Form::Lines)),
        ("[{\"a\":1}]", Some(Form::Array)),
        ("[\n\n{", Some(Form::Array)),
        ("", None),
        ("{x},b\n1,2", None),
        ("[a],b\n1,2", None),
        ("[[1,2]]", None),
        ("a,b\n{\"a\":1},2", None),
    ] {
        assert_eq!(form(text.as_bytes()), expected, "{text:?}");
    }
}

/// The array's items, one a line, are those that serde_json reads, however it is cut.
#[test]
fn an_array_becomes_lines_however_it_is_read() {
    let text =
        "[{\"a\":\"[{,}]\\\\\",\"b\":[1,{\"c\":\"\\\"\"}]}, {\n\"a\" :\r\n\"x\"},{\"\\n\":[]} ]\n";
    let expected: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    for size in 1..text.len() {
        let mut reader = ArrayLines::new(text.as_bytes());
        let (mut all, mut piece) = (Vec::new(), vec![0; size]);
        loop {
            match reader.read(&mut piece).unwrap() {
                0 => break,
                read => all.extend_from_slice(&piece[..read]),
            }
        }
        let found: Vec<serde_json::Value> = all
            .split(|&byte| byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(found, expected, "{size}");
    }
}

/// A table of several pieces, as JSON lines, an array and CSV.
fn long_table() -> [String; 3] {
    let (mut lines, mut csv) = (String::new(), "x,kind,when,code,flag,label\n".to_owned());
    for row in 0..13_000_u32 {
        let x = f64::from(row * row % 1013) / 64.0;
        let kind = if row % 10 == 3 { String::new() } else { format!("k{}", row % 9) };
        let (when, code) = (format!("2021-03-{:02}", 1 + row % 28), row % 40);
        let (flag, label) = (row % 2 == 0, ["NA", "no"][row as usize % 2]);
        let x_key = if row % 7 == 0 { String::new() } else { format!("\"x\": {x},") };
        let kind_value = if kind.is_empty() { "null".to_owned() } else { format!("\"{kind}\"") };
        // The order of keys changes, but in the first rows.
        lines += &if row % 3 == 2 {
            format!(
                "{{\"code\":\"{code:02}\",{x_key}\"flag\":{flag},\"label\":\"{label}\",\"kind\":\
                 {kind_value},\"when\":\"{when}\"}}\n"
            )
        } else {
            let x_key = if row == 0 { "\"x\":null," } else { &x_key };
            format!(
                "{{{x_key}\"kind\":{kind_value},\"when\":\"{when}\",\"code\":\"{code:02}\",\"flag\"\
                 :{flag},\"label\":\"{label}\"}}\n"
            )
        };
        let x = if row % 7 == 0 { String::new() } else { x.to_string() };
        csv += &format!("{x},{kind},{when},{code:02},{flag},{label}\n");
    }
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    [lines, array, csv]
}

#[test]
fn the_same_table_in_json_and_csv_gives_the_same_columns_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let texts = long_table();
    assert!(texts.iter().all(|text| text.len() > 300 << 10));
    let options = TableOptions {
        label: LabelColumn::Named("label".to_owned()),
        categorical: list(&["code"]),
        ..Default::default()
    };
    let read = |source: &mut dyn TableSource, threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let layout = Layout::infer(source, Path::new("t"), &options, &pool).unwrap();
        let mut rows: Vec<(Vec<u32>, u16)> = Vec::new();
        layout
            .pack(source, &pool, &mut |row, label| {
                rows.push((row.iter().map(|value| value.to_bits()).collect(), label));
                Ok(())
            })
            .unwrap();
        (layout.columns, layout.class_names, layout.notes, rows)
    };
    let input = Box::new(Cursor::new(texts[2].clone().into_bytes()));
    let mut csv = CsvTable::from_input(input, Path::new("t"), &options).unwrap();
    let expected = read(&mut csv, 1);
    assert_eq!((expected.0.len(), expected.3.len()), (5, 13_000));
    for text in &texts[..2] {
        let path = folder.path().join("t");
        fs::write(&path, text).unwrap();
        for threads in [1, 3] {
            let mut json = JsonTable::open(&path, &options).unwrap();
            assert_eq!(read(&mut json, threads), expected);
        }
    }
}

#[test]
fn texts_of_digits_are_numbers_and_a_note_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let infer = |text: &str| {
        fs::write(&path, text).unwrap();
        let mut json = JsonTable::open(&path, &TableOptions::default()).unwrap();
        Layout::infer(&mut json, &path, &TableOptions::default(), &pool)
    };
    let layout = infer("{\"a\":\"12\",\"b\":1}\n{\"a\":\"1,250\",\"b\":2}\n").unwrap();
    assert_eq!(layout.notes, ["the column \"a\" is read as numbers, as in \"12\""]);
    assert!(
        layout.columns.iter().all(|column| !matches!(
            column.kind,
            crate::sample::column::ColumnKind::Category { .. }
        ))
    );
    let error =
        infer("{\"a\":\"12\",\"b\":1}\n{\"a\":\"x\",\"b\":2}\n{\"a\":3,\"b\":3}\n").unwrap_err();
    assert!(error.to_string().contains("another text \"x\" in line 2"), "{error}");
}

#[test]
fn a_model_s_columns_are_found_and_others_may_hold_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let known = crate::sample::column::Column {
        name: "a".to_owned(),
        kind: crate::sample::column::ColumnKind::NUMBER,
    };
    let options = TableOptions { known: Some(vec![known]), ..Default::default() };
    fs::write(&path, "{\"more\":[1],\"a\":1}\n{\"a\":2}\n{\"more\":{}}\n{}\n").unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut json = JsonTable::open(&path, &options).unwrap();
    let layout = Layout::infer(&mut json, &path, &options, &pool).unwrap();
    let mut rows = Vec::new();
    let mut take = |row: &[f32], _| {
        rows.push(row[0]);
        Ok(())
    };
    layout.pack(&mut json, &pool, &mut take).unwrap();
    assert_eq!(rows[..2], [1.0, 2.0]);
    assert!(rows.len() == 4 && rows[2..].iter().all(|value| value.is_nan()));
    for (text, problem) in [
        ("{\"b\":1}\n", "has no column \"a\", which the model learnt from"),
        ("{\"a\":[1]}\n", "line 1, column \"a\": holds an array"),
        ("{\"a\":1,\"class\":[1]}\n", "line 1, column \"class\": holds an array"),
    ] {
        fs::write(&path, text).unwrap();
        let error = JsonTable::open(&path, &options).err().expect(problem).to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// Short rows have a cell for each key of the file: a part is one of few rows then.
#[test]
fn a_part_of_rows_without_most_keys_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let keys: Vec<String> = (0..20_000).map(|key| format!("\"k{key}\":{key}")).collect();
    let rows: String = (0..2_000).map(|row| format!("{{\"k{row}\":{row}}}\n\n")).collect();
    fs::write(&path, format!("{{{}}}\n{rows}", keys.join(","))).unwrap();
    let mut table = JsonTable::open(&path, &TableOptions::default()).unwrap();
    let (mut numbers, mut most) = (Vec::new(), 0);
    let mut take = |part: Box<dyn Part>| {
        let before = numbers.len();
        part.for_each_row(&mut |number, cells| {
            let row = numbers.len();
            assert!(row == 0 || cells[row - 1] == Cell::Number((row - 1) as f64));
            numbers.push(number);
            Ok(())
        })?;
        most = most.max(numbers.len() - before);
        Ok(())
    };
    table.for_each_part(&mut take).unwrap();
    assert_eq!(
        numbers,
        [1].into_iter().chain((0..2_000).map(|row| 2 + 2 * row)).collect::<Vec<_>>()
    );
    assert!(most * 20_000 <= CELLS, "{most} rows");
}

#[test]
fn a_file_that_changes_between_passes_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    fs::write(&path, "{\"a\":1}\n").unwrap();
    let mut table = JsonTable::open(&path, &TableOptions::default()).unwrap();
    table.for_each_row(&mut |_, _| Ok(())).unwrap();
    File::options().append(true).open(&path).unwrap().write_all(b"{\"b\":1}\n").unwrap();
    let error = table.for_each_row(&mut |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.ends_with("changed while it was being read: start again"), "{error}");
}
