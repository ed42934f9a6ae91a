//! Tables with lines that are no rows, and with names of rows: of spreadsheets, R, NumPy, pandas.

use super::kinds::{read, refused};
use super::*;

/// The names of the columns and the label, the values of the rows, and the notes.
fn look(text: &str) -> (Vec<String>, Vec<Vec<Option<f32>>>, Vec<String>) {
    let (columns, notes, rows) = read(text, &TableOptions::default());
    (columns.into_iter().map(|column| column.name).collect(), rows, notes)
}

/// Rows of numbers.
fn numbers<const N: usize>(rows: &[[f32; N]]) -> Vec<Vec<Option<f32>>> {
    rows.iter().map(|row| row.iter().copied().map(Some).collect()).collect()
}

#[test]
fn row_names_of_r_are_left_out() {
    let rows = numbers(&[[1.5, 2.0], [3.5, 4.0], [0.5, 9.0]]);
    for text in [
        "\"a\" \"b\"\n\"1\" 1.5 2\n\"2\" 3.5 4\n\"3\" 0.5 9\n",
        "a b\nFiat 1.5 2\nVolvo 3.5 4\nMerc 0.5 9\n",
        "\"a\",\"b\"\n\"x\",1.5,2\n\"y\",3.5,4\n\"z\",0.5,9\n",
        "a\tb\n1\t1.5\t2\n2\t3.5\t4\n3\t0.5\t9\n",
        "a;b\nx;1,5;2\ny;3,5;4\nz;0,5;9\n",
    ] {
        let (names, found, notes) = look(text);
        assert_eq!((names, found), (list(&["a", "b"]), rows.clone()), "{text:?}");
        assert!(notes.iter().any(|note| note.contains("row names as R writes them")), "{notes:?}");
    }
    let one = "\"a\"\n\"1\" 1.5\n\"2\" 2.5\n";
    assert_eq!(look(one).1, numbers(&[[1.5], [2.5]]));
    // They can be kept, and are no feature of a folder's other table either.
    let text = "a,b\nx,1.5,2\ny,3.5,4\n";
    let options = TableOptions { categorical: list(&["row names"]), ..TableOptions::default() };
    assert_eq!(read(text, &options).0.len(), 3);
    // A separator at the end of each row is no row name, and one row of many is a mistake.
    assert_eq!(look("a,b\n1,2,\n3,4,\n").0, ["a", "b"]);
    let error = refused("a,b\n1,2\n3,4,5\n", &TableOptions::default());
    assert!(error.contains("line 3 has 3 values"), "{error}");
}

#[test]
fn headers_of_numpy_begin_with_a_number_sign() {
    for text in [
        "# x1,x2\n1.5,2\n3.5,4\n",
        "# x1 x2\n1.5 2\n3.5 4\n",
        "# made by a tool\n# x1\tx2\n1.5\t2\n3.5\t4\n",
        "#\tx1,x2\r\n1.5,2\r\n3.5,4\r\n",
    ] {
        let (names, rows, notes) = look(text);
        assert_eq!(names, ["x1", "x2"], "{text:?}");
        assert_eq!(rows, numbers(&[[1.5, 2.0], [3.5, 4.0]]));
        let note = "the line that begins with # is taken for the names of the columns";
        assert!(notes.iter().any(|found| found == note), "{notes:?}");
    }
    // A comment above a header, one of other length, and one of numbers.
    assert_eq!(look("# made, by\na,b\n1,2\n3,1\n").0, ["a", "b"]);
    assert_eq!(look("# made by a tool\n1,2\n3,1\n").0, ["column 1", "column 2"]);
    assert_eq!(look("# 2024, 1\n1,2\n3,1\n").0, ["column 1", "column 2"]);
    // The line numbers of errors count all lines.
    let error = refused("# a,b\n1,2\n3,inf\n", &TableOptions::default());
    assert!(error.contains("line 3, column \"b\""), "{error}");
}

#[test]
fn titles_above_the_header_are_left_out() {
    let rows = numbers(&[[1.5, 2.0, 5.0], [3.5, 4.0, 1.0]]);
    for (above, count) in [
        ("Sales 2024\n", "1 line"),
        ("Sales 2024\n\n", "1 line"),
        ("Sales 2024\nof all, together\n", "2 lines"),
        ("Sales\nby region\n\nin thousands\n", "3 lines"),
        ("Sales 2024,,\n,,\n", "2 lines"),
        ("\"Sales, all\"\r\n", "1 line"),
    ] {
        let text = format!("{above}a,b,c\n1.5,2,5\n3.5,4,1\n");
        let (names, found, notes) = look(&text);
        assert_eq!((names, &found), (list(&["a", "b", "c"]), &rows), "{text:?}");
        assert!(notes[0].starts_with(&format!("{count} above the header")), "{notes:?}");
    }
    // Data without a header may have a title, too.
    let (names, found, notes) = look("|1x3 Cross validator\n1.5,2,5\n3.5,4,1\n\n");
    assert_eq!((names.len(), &found, notes.len()), (3, &rows, 1), "{notes:?}");
    let error = refused("Sales\n\na,b,c\n1,2,3\n4,5\n", &TableOptions::default());
    assert!(error.contains("line 5 has 2 values, where the header has 3"), "{error}");
    // Four lines are too many, and texts alone do not tell a header.
    for text in ["A\nB\nC\nD\na,b\n1,2\n3,4\n", "text\nSmith, John\nLovelace, Ada\n"] {
        let error = refused(text, &TableOptions::default());
        assert!(error.contains("values, where the"), "{error}");
    }
}

#[test]
fn a_header_that_comes_again_is_left_out_and_units_below_it_are_named() {
    let (names, rows, notes) = look("a,kind\n1,x\n2,y\na,kind\n3,x\na,kind\n");
    assert_eq!(names, ["a", "kind"]);
    assert_eq!(rows, numbers(&[[1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]));
    assert_eq!(notes, ["2 lines repeat the header, and are left out: the first is 4"]);
    let (names, rows, notes) = look("kind,a,2019\nx,1,1.5\nkind,a,2019\ny,2,2.5\n");
    assert_eq!((names, rows.len()), (list(&["kind", "a", "2019"]), 2));
    assert_eq!(notes, ["line 3 repeats the header, and is left out"]);
    // A quoted line break has the rows read in another way.
    let (_, rows, notes) = look("a,kind\n1,\"x\n\"\n2,y\na,kind\n");
    assert_eq!((rows.len(), notes.len()), (2, 1));
    let problem = "line 2 holds texts where the lines below hold numbers, as a row of units does: \
                   leave the line out, or name its texts as missing";
    for text in ["a,b\ncm,kg\n1.5,2\n3,4\n", "name,a\n,cm\nx,1\ny,2\n", "a;b\n[s];[m]\n1;2\n2;3\n"]
    {
        let error = refused(text, &TableOptions::default());
        assert_eq!(error, format!("{PATH}: {problem}"), "{text:?}");
    }
    let missing = TableOptions { missing: list(&["cm", "kg"]), ..TableOptions::default() };
    assert_eq!(read("a,b\ncm,2\n1.5,kg\n3,4\n", &missing).0, [number("a"), number("b")]);
}

#[test]
fn separators_names_and_lines_of_other_kinds() {
    let text = "a,note,b\n1,x; y,2\n3,z; w,4\n5,x; y,6\n";
    assert_eq!(look(text).0, ["a", "note", "b"]);
    let text = "1,x; y,2.5\n3,z; w,4.5\n5,x; y,6.5\n1,z; w,7\n";
    assert_eq!(look(text).0.len(), 3);
    let text = "name; first,b,c\nx; y,red,blue\nz; w,blue,red\n";
    assert_eq!(look(text).0, ["name; first", "b", "c"]);
    let note =
        "the numbers in the first row, which count on, are taken for the names of the columns";
    for text in ["0,1,2\n5,5,1\n7,5,2\n", "\"0\",\"1\",\"2\"\n5.5,5,1\n7,5,2\n"] {
        let (names, rows, notes) = look(text);
        assert_eq!((names, rows.len()), (list(&["0", "1", "2"]), 2));
        assert_eq!(notes, [note]);
    }
    let (_, rows, notes) = look("a\n1.5\n\n\n2.5\n\"\"\n3.5\n\n");
    assert_eq!(rows, [vec![Some(1.5)], vec![Some(2.5)], vec![None], vec![Some(3.5)]]);
    let note = "2 empty lines are left out, the first is line 3: write NA for a missing value";
    assert_eq!(notes, [note]);
    assert!(look("a,b\n1,2\n\n3,1\n").2.is_empty());
}

#[test]
fn a_coordinate_is_no_label() {
    let layout = |text: &str| infer(text, &TableOptions::default()).unwrap();
    for text in ["x,y\n0.5,1.5\n1,2.5\n2,0.25\n", "X,Y,Z\n1,2,3\n2,3,4\n3,5,1\n"] {
        let layout = layout(text);
        assert_eq!(
            (layout.label, layout.columns.len()),
            (None, text.lines().next().unwrap().len() / 2 + 1)
        );
        assert!(layout.notes[0].contains("is taken for a coordinate"), "{:?}", layout.notes);
    }
    for text in ["x,y\n0.5,1\n1,0\n2,1\n", "x,y\n0.5,a\n1,b\n", "x,y,w\n1,2,3\n2,3,4\n"] {
        assert!(layout(text).label.is_some(), "{text:?}");
    }
    assert_eq!(infer("x,y\n1,2\n2,3\n", &named("y")).unwrap().label.as_deref(), Some("y"));
}

#[test]
fn rules_below_the_header_are_no_rows() {
    for (text, line) in [
        ("| a | b |\n|---|:-:|\n| 1.5 | 2 |\n| 3.5 | 4 |\n", 2),
        (" a | b\n---+---\n 1.5 | 2\n 3.5 | 4\n(2 rows)\n", 2),
    ] {
        let (names, rows, notes) = look(text);
        assert_eq!(names, ["a", "b"], "{text:?}");
        assert_eq!(rows, numbers(&[[1.5, 2.0], [3.5, 4.0]]));
        let note = format!("line {line}, a rule of dashes, is left out");
        assert!(notes.contains(&note), "{notes:?}");
    }
    // Marks of missing values are a row.
    let (_, rows, _) = look("a,b\n,\n1,2\n");
    assert_eq!(rows.len(), 1);
    assert!(refused("a,b\n-,-\n1,2\n3,4\n", &TableOptions::default()).contains("\"-\" in line 2"));
}
