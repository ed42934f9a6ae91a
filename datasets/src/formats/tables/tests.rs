//! What is made of a table's columns, and of its rows.

use std::io::Cursor;
use std::path::Path;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::layout::Layout;
use crate::error::Error;
use crate::formats::options::{LabelColumn, TableOptions};
use crate::formats::tables::csv::CsvTable;
use crate::sample::column::{Column, ColumnKind, Encoding};

mod footers;
mod forms;
mod kinds;
mod spreadsheets;
mod together;

const PATH: &str = "t.csv";

fn open(text: &str) -> CsvTable {
    let input = Box::new(Cursor::new(text.as_bytes().to_vec()));
    CsvTable::from_input(input, Path::new(PATH), &TableOptions::default()).unwrap()
}

fn two_threads() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().unwrap()
}

fn infer(text: &str, options: &TableOptions) -> Result<Layout, Error> {
    Layout::infer(&mut open(text), Path::new(PATH), options, &two_threads())
}

/// A row's values, NaN as `None`, and its label.
type Row = (Vec<Option<f32>>, u16);

/// The rows as they are stored.
fn pack(layout: &Layout, text: &str) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    layout.pack(&mut open(text), &two_threads(), &mut |row, label| {
        rows.push((row.iter().map(|value| (!value.is_nan()).then_some(*value)).collect(), label));
        Ok(())
    })?;
    Ok(rows)
}

fn number(name: &str) -> Column {
    Column { name: name.to_owned(), kind: ColumnKind::NUMBER }
}

fn category(name: &str, names: &[&str], encoding: Encoding) -> Column {
    let names = names.iter().map(ToString::to_string).collect();
    Column { name: name.to_owned(), kind: ColumnKind::Category { names, encoding } }
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn named(label: &str) -> TableOptions {
    TableOptions { label: LabelColumn::Named(label.to_owned()), ..Default::default() }
}

#[test]
fn columns_rows_and_labels() {
    let text = "age,colour,size,kind,zip,id\n\
        31,red,S,cat,700,aa\n\
        ,green,L,,1200,bb\n\
        0.1,red,M,dog,700,cc\n\
        16777217,,S,cat,,dd\n";
    let options = TableOptions {
        ignore: list(&["id"]),
        ordinal: list(&["size", "age"]),
        categorical: list(&["zip"]),
        ..named("kind")
    };
    let layout = infer(text, &options).unwrap();
    let columns = [
        number("age"),
        category("colour", &["green", "red"], Encoding::OneHot),
        category("size", &["L", "M", "S"], Encoding::Ordinal),
        category("zip", &["700", "1200"], Encoding::OneHot),
    ];
    assert_eq!(layout.columns, columns);
    assert_eq!(layout.class_names, Some(list(&["cat", "dog"])));
    assert_eq!((layout.rows, layout.labelled, layout.rounded), (4, 3, 1));
    assert_eq!(layout.missing, [1, 1, 0, 1]);
    assert_eq!(layout.label.as_deref(), Some("kind"));
    let none = None;
    let expected = [
        (vec![Some(31.0), Some(1.0), Some(2.0), Some(0.0)], 0),
        (vec![none, Some(0.0), Some(0.0), Some(1.0)], u16::MAX),
        (vec![Some(0.1), Some(1.0), Some(1.0), Some(0.0)], 1),
        (vec![Some(16_777_216.0), none, Some(2.0), none], 0),
    ];
    assert_eq!(pack(&layout, text).unwrap(), expected);
}

#[test]
fn classes_are_in_the_order_of_numbers_or_of_bytes() {
    let classes = |labels: &[&str]| {
        let rows: Vec<String> = labels.iter().map(|label| format!("1,{label}\n")).collect();
        let text = format!("a,b\n{}", rows.concat());
        let layout = infer(&text, &named("b")).unwrap();
        let labels: Vec<u16> =
            pack(&layout, &text).unwrap().into_iter().map(|(_, label)| label).collect();
        (layout.class_names.unwrap_or_default().join(" "), labels)
    };
    assert_eq!(
        classes(&["10", "9", "-1", "10.0", ""]),
        ("-1 9 10".to_owned(), vec![2, 1, 0, 2, u16::MAX])
    );
    assert_eq!(classes(&["b", "10", "9", "B"]), ("10 9 B b".to_owned(), vec![3, 0, 1, 2]));
    assert_eq!(classes(&["", "NA"]), (String::new(), vec![u16::MAX; 2]));
    assert_eq!(classes(&["-0", "0", "0.5x"]), ("-0 0 0.5x".to_owned(), vec![0, 1, 2]));
}

#[test]
fn numbers_that_came_before_a_text_are_categories_too() {
    let text = "a,b\n2,1\n02,1\nw,1\nx,1\ny,1\nz,1\n";
    let layout = infer(text, &TableOptions::default()).unwrap();
    let names = ["02", "2", "w", "x", "y", "z"];
    assert_eq!(layout.columns[0], category("a", &names, Encoding::OneHot));
    let first: Vec<_> = pack(&layout, text).unwrap().into_iter().map(|(row, _)| row[0]).collect();
    assert_eq!(first, [1.0, 0.0, 2.0, 3.0, 4.0, 5.0].map(Some));
    assert_eq!(layout.rounded, 0);
    let note = "the column \"a\" has numbers among its texts, and is read as categories";
    assert_eq!(layout.notes, [note]);
}

#[test]
fn a_label_column_is_known_by_its_name() {
    for name in ["label", "Class", "TARGET", "y"] {
        let layout = infer(&format!("a,{name}\n1,2\n"), &TableOptions::default()).unwrap();
        assert_eq!(layout.label.as_deref(), Some(name));
    }
    let absent = TableOptions { label: LabelColumn::Absent, ..Default::default() };
    let layout = infer("a,y\n1,2\n", &absent).unwrap();
    assert_eq!((layout.columns.len(), layout.label, layout.class_names), (2, None, None));
    let layout =
        infer("class,y\n1,2\n", &TableOptions { ignore: list(&["class"]), ..absent }).unwrap();
    assert_eq!(layout.columns, [number("y")]);
}

#[test]
fn what_no_model_can_learn_from_is_an_error_of_one_line() {
    let none = TableOptions::default();
    let many: String = (0..1_001).map(|row| format!("t{row},1\n")).collect();
    let some: String = (0..150).map(|row| format!("t{},1\n", row % 101)).collect();
    let mixed: String = (0..1_100).map(|row| format!("{row},1\n")).collect();
    let classes: String = (0..65_536).map(|row| format!("1,{row}\n")).collect();
    let long = "z".repeat(257);
    let cases: &[(String, TableOptions, &str)] = &[
        ("a,b\n".into(), none.clone(), "has no rows"),
        (
            "a,b\n,x\n,y\n".into(),
            TableOptions { ignore: list(&["b"]), ..none.clone() },
            "has no column with a value to learn from",
        ),
        (
            "a,b\n1,2\n3,-inf\n".into(),
            none.clone(),
            "line 3, column \"b\": \"-inf\" is not finite: mend it, or leave it empty as missing",
        ),
        (
            "a,b\n1,2\n3,1e999\n".into(),
            none.clone(),
            "line 3, column \"b\": \"1e999\" is not finite: mend it, or leave it empty as missing",
        ),
        (
            "a,b\n1,2\n3,-1e39\n".into(),
            none.clone(),
            "line 3, column \"b\": -1e39 is beyond the range of 32-bit floats: give it in another \
             unit, or ignore the column",
        ),
        (
            format!("a,b\n{many}"),
            none.clone(),
            "the column \"a\" has more than 1000 different values in 1001 rows, too many for \
             categories: ignore it",
        ),
        (
            format!("a,b\n{some}"),
            none.clone(),
            "the column \"a\" has 101 different values in 150 rows, too many for categories: \
             ignore it",
        ),
        (
            format!("a,b\n{mixed}unknown,1\n"),
            none.clone(),
            "the column \"a\" holds 1100 numbers, but also another text \"unknown\" in line \
             1102: name it as missing, read the column as categories, or ignore it",
        ),
        (
            format!("a,b\n{long},1\n"),
            none.clone(),
            "the column \"a\" has a text of 257 bytes in line 2, too long for a category: ignore \
             it",
        ),
        (
            "a,b\n1,2\n1,2.5\n".into(),
            named("b"),
            "line 3, column \"b\": 2.5 is not whole: it looks like a target of regression, not a \
             class: name another label column, or none",
        ),
        (
            "a,b\n1,2\n1,inf\n".into(),
            named("b"),
            "line 3, column \"b\": \"inf\" is not finite, and no class: mend it, or leave it empty",
        ),
        (
            format!("a,b\n{classes}"),
            named("b"),
            "the column \"b\" has more than 65535 different labels, too many for classes: name \
             another",
        ),
        ("a,b\n1,2\n".into(), named("c"), "has no column \"c\" of labels: it has \"a\", \"b\""),
        (
            "age,size,sizes,weight,Height\n1,2,3,4,5\n".into(),
            TableOptions { ignore: list(&["height"]), ..none.clone() },
            "has no column \"height\" to ignore: the nearest of its 5 are \"Height\", \"weight\", \
             \"age\", \"size\"",
        ),
        (
            "class,y,a\n1,2,3\n".into(),
            none.clone(),
            "the columns \"class\" and \"y\" may both hold the labels: name the one that does, or \
             say that none does",
        ),
        (
            "a,b\n1,2\n".into(),
            TableOptions { ignore: list(&["b"]), ..named("b") },
            "the column \"b\" cannot both hold the labels and be ignored",
        ),
        (
            "a,b\n1,2\n".into(),
            TableOptions { ignore: list(&["a"]), ..named("b") },
            "has no column left to learn from, besides the label and what is ignored",
        ),
    ];
    for (text, options, problem) in cases {
        let error = infer(text, options).expect_err(problem);
        assert_eq!(error.to_string(), format!("{PATH}: {problem}"));
    }
    // What is ignored may hold anything.
    let options = TableOptions { ignore: list(&["a"]), ..none };
    assert_eq!(
        infer(&format!("a,b\n{many}inf,2\n1e300,3\n{long},4\n"), &options).unwrap().rows,
        1_004
    );
    // As many as half of the rows, and a thousand.
    let thousand: String = (0..2_000).map(|row| format!("t{},1\n", row % 1_000)).collect();
    infer(&format!("a,b\n{thousand}"), &TableOptions::default()).unwrap();
}

#[test]
fn another_table_than_the_layout_was_made_from_is_an_error() {
    let text = "a,b,label\n1,x,u\n2,y,v\n";
    let layout = infer(text, &TableOptions::default()).unwrap();
    pack(&layout, text).unwrap();
    for other in [
        "a,b,label\n1,x,u\n",
        "a,b,label\n1,x,u\n2,z,v\n",
        "a,b,label\n1,x,u\n2,y,w\n",
        "a,b\n1,x\n2,y\n",
    ] {
        let error = pack(&layout, other).unwrap_err().to_string();
        assert_eq!(error, "t.csv: changed while it was being read: start again", "{other:?}");
    }
    let error = pack(&layout, "a,b,label\n1,x,u\nseven,y,v\n").unwrap_err().to_string();
    let problem =
        "\"seven\" is not a number, which the column holds: mend it, or name it as missing";
    assert_eq!(error, format!("t.csv: line 3, column \"a\": {problem}"));
}

#[test]
fn a_known_layout_takes_other_tables() {
    let known = [number("age"), category("zip", &["9", "10", "x"], Encoding::OneHot)];
    let text = "zip,more,age\n10,a,1\nnew,b,\n9,c,3\n";
    let options = TableOptions { known: Some(known.to_vec()), ..Default::default() };
    let layout = infer(text, &options).unwrap();
    assert_eq!(layout.columns, [known[1].clone(), known[0].clone()]);
    let rows: Vec<_> = pack(&layout, text).unwrap().into_iter().map(|(row, _)| row).collect();
    // The place behind all others is that of an unknown category.
    assert_eq!(rows, [[Some(1.0), Some(1.0)], [Some(3.0), None], [Some(0.0), Some(3.0)]]);
    // One that is missing in every row, one of no use to any model, and labels.
    let many: String = (0..1_100).map(|row| format!("9,,t{row},u{}\n", row % 2)).collect();
    let layout = infer(&format!("zip,age,id,class\n{many}"), &options).unwrap();
    assert_eq!((layout.columns.len(), layout.labelled), (2, 1_100));
    assert_eq!(layout.class_names, Some(list(&["u0", "u1"])));
    // A column called as labels often are is what the model knows it as.
    let y = TableOptions { known: Some(vec![number("y")]), ..Default::default() };
    assert_eq!(infer("y,b\n1,2\n", &y).unwrap().label, None);
    let refused =
        |text: &str, options: &TableOptions| infer(text, options).unwrap_err().to_string();
    assert_eq!(
        refused("zip,b\n1,2\n", &options),
        "t.csv: has no column \"age\", which the model learnt from: it has \"zip\", \"b\""
    );
    let both =
        "t.csv: the model learnt from the column \"y\", which is not the label, nor to be ignored";
    let labelled = TableOptions { label: LabelColumn::Named("y".to_owned()), ..y.clone() };
    assert_eq!(refused("y,b\n1,2\n", &labelled), both);
    assert_eq!(refused("y,b\n1,2\n", &TableOptions { ignore: list(&["y"]), ..y }), both);
    let error = infer("zip,age\n9,\n9,old\n", &options)
        .and_then(|layout| pack(&layout, "zip,age\n9,\n9,old\n"));
    let problem = "line 3, column \"age\": \"old\" is not a number, which the column holds: mend \
                   it, or name it as missing";
    assert_eq!(error.unwrap_err().to_string(), format!("t.csv: {problem}"));
}

#[test]
fn a_column_that_numbers_the_rows_is_refused() {
    let text = |rows: u64, number: &dyn Fn(u64) -> String| {
        let rows: Vec<String> =
            (0..rows).map(|row| format!("{},{}\n", number(row), row % 7)).collect();
        format!("n,a\n{}", rows.concat())
    };
    let from = |first: u64| move |row: u64| (first + row).to_string();
    for first in [0, 1, 1_000_000] {
        let e = infer(&text(101, &from(first)), &TableOptions::default()).unwrap_err().to_string();
        assert!(
            e.contains("the column \"n\" numbers the rows") && e.ends_with("or ignore it"),
            "{e}"
        );
    }
    let kept = TableOptions { ordinal: list(&["n"]), ..Default::default() };
    let without = TableOptions { ignore: list(&["n"]), ..Default::default() };
    for (options, columns) in [(kept, 2), (without, 1)] {
        assert_eq!(infer(&text(101, &from(1)), &options).unwrap().columns.len(), columns);
    }
    // Few rows; numbers out of order, a gap, a fraction, a missing one, the same throughout.
    let turned = |row: u64| (if row == 50 { 200 } else { row }).to_string();
    let fraction = |row: u64| format!("{row}.5");
    let missing = |row: u64| if row == 50 { String::new() } else { row.to_string() };
    let same = |_: u64| "9007199254740992".to_owned();
    let backwards = |row: u64| (1000 - row).to_string();
    for number in [&turned as &dyn Fn(u64) -> String, &fraction, &missing, &same, &backwards] {
        infer(&text(101, number), &TableOptions::default()).unwrap();
    }
    infer(&text(100, &from(1)), &TableOptions::default()).unwrap();
}

/// A table of several parts, whose columns change their kind on the way; and `last`, its last row.
fn long_table(last: &str) -> String {
    let mut text = "number,mixed,late,quoted,label\n".to_owned();
    for row in 0..40_000 {
        let late = if row < 15_000 { (row % 7).to_string() } else { format!("t{}", row % 5) };
        let mixed = if row % 3 == 0 { format!("{},", row % 90) } else { format!("t{},", row % 4) };
        let number = f64::from(row * row % 1013) / 64.0;
        text += &format!("{number},{mixed}{late},\"q, {}\",{}\n", row % 300, row % 10);
        if row == 20_000 {
            text += "1,2,3,\"one \"\"of\"\"\ntwo lines\",4\n";
        }
    }
    text + last
}

#[test]
fn any_number_of_threads_reads_the_same() {
    let read = |threads: usize, last: &str| -> Result<_, Error> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let text = long_table(last);
        let options = named("label");
        let layout = Layout::infer(&mut open(&text), Path::new(PATH), &options, &pool)?;
        let mut rows: Vec<(Vec<u32>, u16)> = Vec::new();
        layout.pack(&mut open(&text), &pool, &mut |row, label| {
            rows.push((row.iter().map(|value| value.to_bits()).collect(), label));
            Ok(())
        })?;
        Ok((layout.columns, layout.class_names, layout.rows, layout.rounded, rows))
    };
    let one = read(1, "1,2,3,x,4").unwrap();
    let (columns, _, rows, ..) = &one;
    assert_eq!(*rows, 40_002);
    let ColumnKind::Category { names, .. } = &columns[2].kind else { panic!("{columns:?}") };
    assert_eq!(names.len(), 7 + 5);
    let ColumnKind::Category { names, .. } = &columns[3].kind else { panic!("{columns:?}") };
    assert_eq!(names.len(), 302);
    for threads in [2, 3, 8] {
        assert_eq!(read(threads, "1,2,3,x,4").unwrap(), one, "{threads} threads");
    }
    let long = format!("1,2,{},x,4", "y".repeat(257));
    for (last, error) in [
        ("1,2,3", "line 40004 has 3 values, where the header has 5"),
        ("1,2,3,x,\"", "a quote on line 40004 or after it is never closed"),
        (&long, "the column \"late\" has a text of 257 bytes in line 40004, too long"),
    ] {
        for threads in [1, 3] {
            let found = read(threads, last).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(found.contains(error), "{threads}: {found}");
        }
    }
}
