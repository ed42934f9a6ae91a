//! Columns as people write them: numbers with marks, dates, codes, and values that are missing.

use super::*;
use crate::formats::options::Decimal;
use crate::sample::column::Dates;

/// The columns, the notes, and the values of the rows of a table.
pub(super) type Read = (Vec<Column>, Vec<String>, Vec<Vec<Option<f32>>>);

pub(super) fn table(text: &str, options: &TableOptions) -> Result<CsvTable, Error> {
    let input = Box::new(Cursor::new(text.as_bytes().to_vec()));
    CsvTable::from_input(input, Path::new(PATH), options)
}

pub(super) fn read(text: &str, options: &TableOptions) -> Read {
    let mut table = table(text, options).unwrap();
    let layout = Layout::infer(&mut table, Path::new(PATH), options, &two_threads());
    let layout = layout.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut rows = Vec::new();
    let mut keep = |row: &[f32], _| {
        rows.push(row.iter().map(|value| (!value.is_nan()).then_some(*value)).collect());
        Ok(())
    };
    layout.pack(&mut table, &two_threads(), &mut keep).unwrap();
    (layout.columns, layout.notes, rows)
}

/// The problem with a table.
pub(super) fn refused(text: &str, options: &TableOptions) -> String {
    let found = table(text, options)
        .and_then(|mut table| Layout::infer(&mut table, Path::new(PATH), options, &two_threads()));
    found.map_or_else(|error| error.to_string(), |layout| panic!("{layout:?}"))
}

/// A table of the column `a`, with these cells, beside a column of numbers.
pub(super) fn column(cells: &[&str]) -> String {
    let rows = cells.iter().enumerate().map(|(at, cell)| format!("\"{cell}\",{}.5\n", at * at));
    format!("a,b\n{}", rows.collect::<String>())
}

/// The values of the first column.
pub(super) fn firsts(rows: &[Vec<Option<f32>>]) -> Vec<Option<f32>> {
    rows.iter().map(|row| row[0]).collect()
}

#[test]
fn numbers_with_marks_are_numbers() {
    let default = TableOptions::default();
    for (cells, values) in [
        (["-2.28%", "18.43%", "13 %"], [-2.28, 18.43, 13.0]),
        (["1,234.5", "950", "-12,000"], [1234.5, 950.0, -12_000.0]),
        (["$5", "$1,000", "7.5"], [5.0, 1000.0, 7.5]),
        (["3 €", "1 000 €", "2"], [3.0, 1000.0, 2.0]),
        (["1'000", "20", "3"], [1000.0, 20.0, 3.0]),
    ] {
        let (columns, notes, rows) = read(&column(&cells), &default);
        assert!(matches!(columns[0].kind, ColumnKind::Number { .. }), "{columns:?}");
        let note = "the column \"a\" is read as numbers, as in ";
        assert!(notes.len() == 1 && notes[0].starts_with(note), "{notes:?}");
        assert_eq!(firsts(&rows), values.map(Some), "{cells:?}");
    }
}

#[test]
fn decimal_commas_are_seen_or_asked_about() {
    let default = TableOptions::default();
    let text = "a;b\n-1,5;x\n2,25;y\n1.234,5;x\n7;y\n";
    let (columns, notes, rows) = read(text, &default);
    let comma = ColumnKind::Number { origin: 0, dates: None, comma: true, unit: String::new() };
    assert_eq!(columns[0].kind, comma);
    // A model keeps the mark, whatever a later table looks like; and so does one of points.
    let known = TableOptions { known: Some(columns), ..TableOptions::default() };
    assert_eq!(firsts(&read("a;b\n1.234;x\n", &known).2), [Some(1234.0)]);
    let points = TableOptions { known: Some(vec![number("a")]), ..TableOptions::default() };
    assert_eq!(firsts(&read("a;b\n1.234;1,5\n", &points).2), [Some(1.234)]);
    assert_eq!(notes, ["numbers are read with a decimal comma, as in 1,5"]);
    assert_eq!(firsts(&rows), [-1.5, 2.25, 1234.5, 7.0].map(Some));
    let quoted = column(&["1,5", "0,25", "1"]);
    let error = refused(&quoted, &default);
    let problem = "line 2, column \"a\": \"1,5\" looks like a number with a decimal comma: say so \
                   if it is";
    assert_eq!(error, format!("{PATH}: {problem}"));
    let comma = TableOptions { decimal: Some(Decimal::Comma), ..default };
    let error = refused(&quoted, &comma);
    assert!(error.contains("\"0.5\" looks like a number with a decimal point"), "{error}");
    let whole = "a,b\n\"1,5\",1\n\"0,25\",2\n";
    assert_eq!(read(whole, &comma).2, [[Some(1.5), Some(1.0)], [Some(0.25), Some(2.0)]]);
}

#[test]
fn dates_are_seconds_and_lose_none() {
    let default = TableOptions::default();
    let dates = ["2021-03-04 12:00:00", "2021-03-04 12:00:01", "2021-03-05 00:00:00"];
    let (columns, notes, rows) = read(&column(&dates), &default);
    let ColumnKind::Number { origin, dates: Some(Dates::YearFirst), .. } = columns[0].kind else {
        panic!("{columns:?}")
    };
    let seconds = |value: &Option<f32>| f64::from(value.unwrap()) + origin as f64;
    let found: Vec<f64> = firsts(&rows).iter().map(seconds).collect();
    assert_eq!(found, [1_614_859_200.0, 1_614_859_201.0, 1_614_902_400.0]);
    assert_eq!(notes, ["the column \"a\" is read as dates, in seconds since 1970"]);
    let day_first = read(&column(&["13/04/2021", "01/02/2021"]), &default).0[0].clone();
    let ColumnKind::Number { origin, dates, .. } = day_first.kind else { panic!("{day_first:?}") };
    assert_eq!(dates, Some(Dates::DayFirst));
    let either = refused(&column(&["01/02/2021", "03/04/2021"]), &default);
    assert!(either.contains("none tells day from month"), "{either}");
    let neither = refused(&column(&["13/04/2021", "04/13/2021"]), &default);
    assert!(neither.contains("in several orders"), "{neither}");
    // A model's column of dates takes a date that would not tell its order alone.
    let known = TableOptions { known: Some(vec![day_first]), ..default };
    let found = read("a\n03/04/2021\n", &known).2[0][0].unwrap();
    assert_eq!(f64::from(found) + origin as f64, 1_617_408_000.0);
}

#[test]
fn large_numbers_keep_their_differences() {
    let cells = ["1700000006776", "1700000001162", "1700000004256"];
    let (columns, _, rows) = read(&column(&cells), &TableOptions::default());
    let origin = columns[0].kind.origin();
    let found = rows.iter().map(|row| i64::from(row[0].unwrap() as i32) + origin);
    let found: Vec<String> = found.map(|number| number.to_string()).collect();
    assert_eq!(found, cells);
    // Numbers that are not close to each other have no origin.
    let far = column(&["-1700000006776", "1700000001162"]);
    assert_eq!(read(&far, &TableOptions::default()).0[0], number("a"));
}

#[test]
fn a_mark_for_missing_values_is_never_a_category() {
    for share in 1..10 {
        let cells: Vec<String> =
            (0..100).map(|at| if at % 10 < share { "-".into() } else { format!("{at}") }).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let text = column(&cells);
        let error = refused(&text, &TableOptions::default());
        let problem = "other texts, the first \"-\" in line 2: name it as missing";
        assert!(error.contains(problem), "{share}: {error}");
        let missing = TableOptions { missing: list(&["-"]), ..Default::default() };
        let (columns, _, rows) = read(&text, &missing);
        assert_eq!(columns[0], number("a"));
        assert_eq!(rows.iter().filter(|row| row[0].is_none()).count(), 10 * share);
    }
    let unknown = refused(&column(&["unknown", "unknown", "30", "55"]), &TableOptions::default());
    assert!(unknown.contains("2 numbers, but also 2 other texts"), "{unknown}");
}

#[test]
fn categories_are_called_by_the_text_of_their_cells() {
    let options = TableOptions { categorical: list(&["a"]), ..Default::default() };
    let cells = ["007", "7", "10", "7.0"];
    let (columns, _, rows) = read(&column(&cells), &options);
    assert_eq!(columns[0], category("a", &["007", "7", "7.0", "10"], Encoding::OneHot));
    assert_eq!(firsts(&rows), [0.0, 1.0, 3.0, 2.0].map(Some));
    // In a table that is read for a model, an unknown text is found by its number.
    let known = TableOptions { known: Some(columns[..1].to_vec()), ..Default::default() };
    let rows = read("a\n7\n007\n0010\nx\n", &known).2;
    assert_eq!(firsts(&rows), [1.0, 0.0, 3.0, 4.0].map(Some));
}

#[test]
fn empty_rows_columns_and_names() {
    let text = ",a,empty,b,\n0,1.5,,x,\n,,,,\n1,2.5,NA,y,\n,,,,\n7,0.5,,x,\n";
    let (columns, notes, rows) = read(text, &TableOptions::default());
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    assert_eq!((names, rows.len()), (vec!["column 1", "a", "b"], 3));
    let expected = [
        "column 1 has no name in the header, and is called \"column 1\"",
        "column 5 has no name in the header, and is called \"column 5\"",
        "2 empty rows are left out",
        "the column \"empty\" is missing in every row: left out",
        "the column \"column 5\" is missing in every row: left out",
    ];
    assert_eq!(notes, expected);
    // A separator behind the last cell, which the header does not have.
    let rows = read("a,b\n1,2,\n3,4,\n", &TableOptions::default()).2;
    assert_eq!(rows, [[Some(1.0), Some(2.0)], [Some(3.0), Some(4.0)]]);
    let count: String = (0..101).map(|row| format!("{row},1\n")).collect();
    let error = refused(&format!(",b\n{count}"), &TableOptions::default());
    assert!(error.contains("the column \"column 1\" numbers the rows"), "{error}");
    let ignored = TableOptions { ignore: list(&["column 1"]), ..Default::default() };
    assert_eq!(read(&format!(",b\n{count}"), &ignored).0, [number("b")]);
}

#[test]
fn a_model_s_rows_keep_their_numbers_and_its_dates_are_no_numbers() {
    let known = read("a,b\n2021-01-01,1\n2021-01-02,5\n", &TableOptions::default()).0;
    let options = TableOptions { known: Some(known), ..Default::default() };
    let rows = read("a,b\n2021-01-01,1\n,\n2021-01-02,5\n", &options).2;
    assert_eq!((rows.len(), &rows[1][..]), (3, &[None, None][..]));
    let mut table = table("a,b\n2021,1\n", &options).unwrap();
    let layout = Layout::infer(&mut table, Path::new(PATH), &options, &two_threads()).unwrap();
    let error = layout.pack(&mut table, &two_threads(), &mut |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("line 2, column \"a\": 2021 is not a date"), "{error}");
}

#[test]
fn texts_of_missing_values_are_missing_in_columns_of_texts_too() {
    let options = TableOptions { categorical: list(&["a"]), ..Default::default() };
    let (columns, _, rows) = read("a,b\nNaN,x\nred,NaT\nblue,y\n", &options);
    assert_eq!(columns[0], category("a", &["blue", "red"], Encoding::OneHot));
    assert_eq!(columns[1], category("b", &["x", "y"], Encoding::OneHot));
    assert_eq!((rows[0][0], rows[1][1]), (None, None));
}
