//! Delimited text of all kinds, good and bad.

mod memory;
mod written;

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::formats::tables::source::Cell;

fn table(bytes: &[u8], options: &TableOptions) -> Result<CsvTable, Error> {
    CsvTable::from_input(Box::new(Cursor::new(bytes.to_vec())), Path::new("t.csv"), options)
}

/// The names of the columns, and each row's line and cells.
type Rows = (Vec<String>, Vec<(u64, Vec<String>)>);

/// The names, and each row's line and cells, as text: `-` is missing, numbers have `#` before them.
fn rows(bytes: &[u8], options: &TableOptions) -> Result<Rows, Error> {
    let mut table = table(bytes, options)?;
    let mut rows = Vec::new();
    table.for_each_row(&mut |line, cells| {
        let cell = |cell: &Cell<'_>| match cell {
            Cell::Missing => "-".to_owned(),
            Cell::Number(number) => format!("#{number}"),
            Cell::Text(text) => (*text).to_owned(),
        };
        rows.push((line, cells.iter().map(cell).collect()));
        Ok(())
    })?;
    Ok((table.column_names().to_vec(), rows))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn assert_reads(bytes: &[u8], names: &[&str], expected: &[(u64, &[&str])]) {
    let what = String::from_utf8_lossy(bytes).into_owned();
    for bytes in [bytes.to_vec(), gzip(bytes)] {
        let (found_names, found) = rows(&bytes, &TableOptions::default()).unwrap();
        assert_eq!(found_names, names, "{what:?}");
        let expected: Vec<(u64, Vec<String>)> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(ToString::to_string).collect()))
            .collect();
        assert_eq!(found, expected, "{what:?}");
    }
}

#[test]
fn dialects_read_alike() {
    let expected: &[(u64, &[&str])] = &[(2, &["#1", "x"]), (3, &["-", "y"])];
    for text in [
        "a,b\n1,x\n,y\n",
        "a,b\n1,x\n,y",
        "a,b\r\n1,x\r\n,y\r\n",
        "a,b\r1,x\r,y\r",
        "a;b\n1;x\n;y\n",
        "a\tb\n1\tx\n\ty\n",
        "a|b\n1|x\n|y\n",
        "\u{feff}a,b\n1,x\n,y\n",
        "\"a\",\"b\"\n\"1\",\"x\"\n\"\",\"y\"\n",
        " a , b\n 1 ,x\t\n  , y \n",
    ] {
        assert_reads(text.as_bytes(), &["a", "b"], expected);
    }
}

#[test]
fn tables_of_excel_in_other_encodings_are_read() {
    let expected: &[(u64, &[&str])] = &[(2, &["#1.5", "Käse"]), (3, &["-", "Öl"])];
    let text = "Größe;Art\r\n1,5;Käse\r\n;Öl\r\n";
    let windows: Vec<u8> = text.chars().map(|next| next as u8).collect();
    assert_reads(&windows, &["Größe", "Art"], expected);
    let units = |text: &str| format!("\u{feff}{text}").encode_utf16().collect::<Vec<u16>>();
    let tabs = units(&text.replace(';', "\t"));
    let little: Vec<u8> = tabs.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = tabs.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    assert_reads(&little, &["Größe", "Art"], expected);
    assert_reads(&big, &["Größe", "Art"], expected);
    let notes = |bytes: &[u8]| table(bytes, &TableOptions::default()).unwrap().notes();
    assert!(notes(&windows)[0].starts_with("its text is not UTF-8, and is read as Windows-1252"));
    assert_eq!(notes(&little), ["numbers are read with a decimal comma, as in 1,5"]);
}

#[test]
fn quotes_and_line_numbers() {
    let text = "\n\na,\"b\nc\"\n\n\"x, \"\"y\"\"\",\"1\r\n2\r3\"\n\"5\",6 \"in\"\n";
    assert_reads(
        text.as_bytes(),
        &["a", "b\nc"],
        &[(6, &["x, \"y\"", "1\r\n2\r3"]), (9, &["#5", "6 \"in\""])],
    );
    // The delimiters in quotes do not count.
    assert_reads(b"\"a,b,c\";d\n1;2\n", &["a,b,c", "d"], &[(2, &["#1", "#2"])]);
    // One column, of which one cell is missing.
    assert_reads(b"a\nx\n\"\"\n\n3\n", &["a"], &[(2, &["x"]), (3, &["-"]), (5, &["#3"])]);
}

#[test]
fn numbers_missing_cells_and_texts() {
    let cells = "1,-2.5e3,.5,+7,1.,NA,N/A,n/a,#N/A,<NA>,NaN,nan,-NAN,null,NULL,None,?,,-,\
                 0x10,1_000,inf,1e999,TRUE";
    let header: Vec<String> = (0..24).map(|column| format!("c{column}")).collect();
    let text = format!("{}\n{cells}\n", header.join(","));
    let expected =
        "#1,#-2500,#0.5,#7,#1,-,-,-,-,-,-,-,-,-,-,-,-,-,\u{2212},0x10,1_000,inf,1e999,TRUE";
    let (_, found) = rows(text.as_bytes(), &TableOptions::default()).unwrap();
    assert_eq!(found[0].1.join(",").replacen(",-,0x10", ",\u{2212},0x10", 1), expected);

    let options =
        TableOptions { missing: vec!["-999".to_owned(), "-".to_owned()], ..Default::default() };
    assert_eq!(
        rows(b"a,b,c\n-999,-,x\n", &options).unwrap().1,
        [(2, vec!["-".into(), "-".into(), "x".into()])]
    );
}

#[test]
fn the_header_is_found_or_forced() {
    let header = |text: &str, header: Option<bool>| {
        let (names, rows) =
            rows(text.as_bytes(), &TableOptions { header, ..Default::default() }).unwrap();
        (names.join(","), rows.len())
    };
    assert_eq!(header("1,2\n3,4\n", None), ("column 1,column 2".to_owned(), 2));
    assert_eq!(header("1,NA\n3,4\n", None), ("column 1,column 2".to_owned(), 2));
    assert_eq!(header("1,inf\n3,4\n", None), ("column 1,column 2".to_owned(), 2));
    assert_eq!(header("1,b\n3,4\n", None), ("1,b".to_owned(), 1));
    assert_eq!(header("1,2\n3,4\n", Some(true)), ("1,2".to_owned(), 1));
    assert_eq!(header("a,b\n3,4\n", Some(false)), ("column 1,column 2".to_owned(), 2));
    let options = TableOptions { delimiter: Some(b';'), ..Default::default() };
    assert_eq!(rows(b"a,b,c;d\n1;2\n", &options).unwrap().0, ["a,b,c", "d"]);
}

#[test]
fn bad_text_is_an_error_of_one_line() {
    let long = format!("a,b\n1,\"{}\n", "x".repeat(records::LONGEST_RECORD + 10));
    let wide = ",".repeat(records::MOST_COLUMNS + 1);
    let cases: &[(&[u8], &str)] = &[
        (b"", "is empty, where a table is expected"),
        (b"\n\r\n\n", "is empty, where a table is expected"),
        (b"\xef\xbb\xbf", "is empty, where a table is expected"),
        (b"\xff\xfea\0,\0b", "its UTF-16 text ends within a character: save it as UTF-8"),
        (b"a\0,\0b\0\n\0", "line 1 holds a NUL byte, as no text does: save it as text in UTF-8"),
        (
            b"a,b\n1,\"x\n\0\"\n",
            "line 3 holds a NUL byte, as no text does: save it as text in UTF-8",
        ),
        (b"a,b\n1,caf\xfe\n", "line 2 holds the byte 0xfe, which is not UTF-8: save it as UTF-8"),
        (
            b"a,b\n\"x\r\n\ny\xff\",1\n",
            "line 4 holds the byte 0xff, which is not UTF-8: save it as UTF-8",
        ),
        (b"a,b\n1\xc3,\xa92\n", "line 2 holds the byte 0xa9, which is not UTF-8: save it as UTF-8"),
        (
            b"a,b\n1,2\n\n1,2,3\n",
            "line 4 has 3 values, where the header has 2: mend the line, leave it out if it is \
             a comment or a total, or name the delimiter if it is another",
        ),
        (
            b"1,2\n3\n",
            "line 2 has 1 value, where the first row has 2: mend the line, leave it out if \
             it is a comment or a total, or name the delimiter if it is another",
        ),
        (
            b"a,b,a\n1,2,3\n",
            "line 1, the header, calls columns 1 and 3 both \"a\": rename one, or say that \
             the table has no header",
        ),
        (b"a,b\n1,\"2\n3,4\n", "a quote on line 2 or after it is never closed: close it"),
        (
            long.as_bytes(),
            "line 2 begins a row of more than 4 MB: close a quote that is open, or break the line",
        ),
        (wide.as_bytes(), "line 1 has more than 65536 values: leave some out"),
    ];
    for (bytes, problem) in cases {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let error = rows(&bytes, &TableOptions::default()).expect_err(problem);
            assert_eq!(error.to_string(), format!("t.csv: {problem}"));
        }
    }
    let options = TableOptions { header: Some(true), ..Default::default() };
    let error = rows(b"\n,\n1,2\n", &options).unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2, the header, has no name in it: name the columns");
    let options = TableOptions { delimiter: Some(b'"'), ..Default::default() };
    let error = rows(b"a,b\n", &options).unwrap_err().to_string();
    assert_eq!(error, "'\"' cannot separate columns: ask for , ; | or a tab");
}

#[test]
fn a_name_of_many_lines_does_not_make_a_long_error() {
    let name = format!("\"{}\"", "n\n".repeat(1000));
    let error =
        rows(format!("{name},{name}\n1,2\n").as_bytes(), &TableOptions::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.len() < 200 && !error.contains('\n') && error.contains("n\\nn\\n"), "{error}");
}

#[test]
fn what_is_no_regular_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let says = |path: &Path| match CsvTable::open(path, &TableOptions::default()) {
        Ok(_) => panic!("{path:?} was opened"),
        Err(error) => error.to_string(),
    };
    assert!(says(folder.path()).ends_with("is a folder, where a table is expected"));
    assert!(says(&path).contains("check the path"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(says(&path).starts_with(path.to_str().unwrap()));
    }
}

#[test]
fn a_file_that_changes_between_passes_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    let mut table = CsvTable::open(&path, &TableOptions::default()).unwrap();
    table.for_each_row(&mut |_, _| Ok(())).unwrap();
    std::fs::File::options().append(true).open(&path).unwrap().write_all(b"3,4\n").unwrap();
    let error = table.for_each_row(&mut |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.ends_with("t.csv: changed while it was being read: start again"), "{error}");
}

#[test]
fn no_truncation_and_no_changed_byte_panics() {
    let text =
        "\u{feff}name,\"size, cm\",ü\r\n\"a \"\"b\"\"\",1.5,x\r\nNA,-2e3,\"y\nz\"\r\n".as_bytes();
    let whole = gzip(text);
    for end in 0..=text.len() {
        // Not by the end of the text alone: an open quote and a broken character are errors.
        let read = rows(&text[..end], &TableOptions::default());
        if let Ok((_, rows)) = &read {
            assert!(rows.len() <= 2);
        }
    }
    // Less than two bytes are not known for gzip data.
    for end in 2..whole.len() {
        let error = rows(&whole[..end], &TableOptions::default()).unwrap_err().to_string();
        assert!(error.starts_with("t.csv: is cut off: its gzip data ends early"), "{end}: {error}");
    }
    for bytes in [text, &whole] {
        for at in 0..bytes.len() {
            for byte in [0, b'"', b',', b'\n', b'\r', 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] = byte;
                if let Err(error) = rows(&changed, &TableOptions::default()) {
                    let error = error.to_string();
                    assert!(error.starts_with("t.csv: ") && !error.contains('\n'), "{error}");
                }
            }
        }
    }
}
