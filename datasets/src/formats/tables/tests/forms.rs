//! Numbers, dates and labels in the forms that spreadsheets and statistics offices write.

use super::kinds::{Read, column, firsts, read, refused, table};
use super::*;
use crate::error::Remedy;
use crate::sample::column::Dates;

/// A table of the column `a`, read by default.
fn one(cells: &[&str]) -> Read {
    read(&column(cells), &TableOptions::default())
}

/// The column `a` of a table.
fn first_column(cells: &[&str]) -> Column {
    one(cells).0[0].clone()
}

/// What becomes of the column `a` of a further table, which a model reads that learnt from the
/// first: its values, or the problem.
fn later(learnt: &[&str], cells: &[&str]) -> Result<(Vec<String>, Vec<Option<f32>>), Error> {
    let known = vec![first_column(learnt)];
    let options = TableOptions { known: Some(known), ..TableOptions::default() };
    let mut table = table(&column(cells), &options)?;
    let layout = Layout::infer(&mut table, Path::new(PATH), &options, &two_threads())?;
    let mut values = Vec::new();
    layout.pack(&mut table, &two_threads(), &mut |row, _| {
        values.push((!row[0].is_nan()).then_some(row[0]));
        Ok(())
    })?;
    Ok((layout.notes, values))
}

#[test]
fn dates_in_many_forms_are_seconds() {
    // The first date of each, by GNU `date -u -d TEXT +%s`.
    for (cells, expected, order, note) in [
        (["31/12/24", "01/02/24"], 1_735_603_200.0, Dates::DayFirst, "1969 to 2068"),
        (["12/31/24", "1/2/24"], 1_735_603_200.0, Dates::MonthFirst, "1969 to 2068"),
        (["2024Q1", "2024Q3"], 1_704_067_200.0, Dates::YearFirst, "since 1970"),
        (["Q1 2024", "Q3 2024"], 1_704_067_200.0, Dates::YearFirst, "since 1970"),
        (["2024-Q1", "2024-Q4"], 1_704_067_200.0, Dates::YearFirst, "since 1970"),
        (["2024-03", "2024-04"], 1_709_251_200.0, Dates::YearFirst, "since 1970"),
        (["Mar 2024", "April 2024"], 1_709_251_200.0, Dates::YearFirst, "since 1970"),
        (["Mon, 04 Mar 2024", "Tue, 05 Mar 2024"], 1_709_510_400.0, Dates::YearFirst, "since 1970"),
        (["2024-W12", "2024-W13"], 1_710_720_000.0, Dates::YearFirst, "since 1970"),
        (["14:30", "09:05"], 52_200.0, Dates::HoursFirst, "hours and minutes"),
        (["14:30:05", "09:05:00"], 52_205.0, Dates::HoursFirst, "hours and minutes"),
        (["2:30 PM", "11:00 AM"], 52_200.0, Dates::HoursFirst, "hours and minutes"),
        (["1:23:45.6", "0:00:01"], 5_025.6, Dates::HoursFirst, "hours and minutes"),
        (["59:30", "1:02:10"], 3_570.0, Dates::MinutesFirst, "minutes come before seconds"),
    ] {
        let (columns, notes, rows) = one(&cells);
        let ColumnKind::Number { origin, dates, .. } = columns[0].kind else {
            panic!("{columns:?}")
        };
        assert_eq!(dates, Some(order), "{cells:?}");
        let found = f64::from(rows[0][0].unwrap()) + origin as f64;
        assert!((found - expected).abs() < 1e-3, "{cells:?}: {found}");
        assert!(notes.len() == 1 && notes[0].contains(note), "{notes:?}");
    }
    for cells in [["1/2/24", "3/4/24"], ["2021-03-04", "14:30"]] {
        let error = refused(&column(&cells), &TableOptions::default());
        assert!(error.contains("write") && error.contains("as 2021-12-31"), "{error}");
    }
}

#[test]
fn dates_in_other_forms_are_said_to_be() {
    let note = "looks like dates in a form that is not read, as in";
    for cells in [["2021年3月4日", "2021年3月5日"], ["24-Mar", "25-Mär"], ["99-12-31", "98-01-02"]]
    {
        let (columns, notes, _) = one(&cells);
        assert!(matches!(columns[0].kind, ColumnKind::Category { .. }));
        assert!(notes[0].contains(note) && notes[0].contains(cells[0]), "{notes:?}");
    }
    let many: Vec<String> =
        (0..150).map(|at| format!("{}年5月{}日", 1900 + at, 1 + at % 31)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = refused(&column(&many), &TableOptions::default());
    assert!(error.contains(note) && error.ends_with("or ignore it"), "{error}");
    let note = "the column \"a\" looks like dates such as 20210304, and is read as plain numbers: \
                write them as 2021-03-04 if they are dates";
    assert_eq!(one(&["20240229", "19991231"]).1, [note]);
    assert!(one(&["20240229", "20240230"]).1.is_empty());
    let versions = one(&["1.10.12", "1.10.13"]);
    assert!(versions.1.is_empty(), "{versions:?}");
}

#[test]
fn numbers_with_a_unit_are_numbers() {
    for (cells, unit, values) in [
        (["8 kg", "12kg", "3.5 kg"], "kg", [8.0, 12.0, 3.5]),
        (["3.5 cm", "-2 cm", "1,000 cm"], "cm", [3.5, -2.0, 1000.0]),
        (["12 %", "5%", "0.5 %"], "%", [12.0, 5.0, 0.5]),
        (["$5", "7", "$1,000"], "$", [5.0, 7.0, 1000.0]),
        (["R$ 5.50", "R$ 1,000.00", "7"], "R$", [5.5, 1000.0, 7.0]),
        (["CHF 1'250.50", "CHF 5", "7"], "CHF", [1250.5, 5.0, 7.0]),
        (["1 250 kr", "5 kr", "7"], "kr", [1250.0, 5.0, 7.0]),
        (["10 widgets", "20 widgets", "30 widgets"], "widgets", [10.0, 20.0, 30.0]),
    ] {
        let (columns, notes, rows) = one(&cells);
        let expected =
            ColumnKind::Number { origin: 0, dates: None, comma: false, unit: unit.into() };
        assert_eq!(columns[0].kind, expected, "{cells:?}");
        assert_eq!(firsts(&rows), values.map(Some), "{cells:?}");
        let note = format!("the column \"a\" is read as numbers, as in {:?}", cells[0]);
        assert_eq!(notes, [note]);
    }
    for (cells, problem) in [
        (
            ["8 kg", "500 g", "9 kg"],
            "line 3, column \"a\": \"500 g\" has another unit than \"8 kg\"",
        ),
        (["8", "9 kg", "7 kg"], "line 3, column \"a\": \"9 kg\" has the unit \"kg\", and others"),
        (["5%", "5", "6"], "line 2, column \"a\": \"5%\" has the unit \"%\", and others"),
        (["$5", "€6", "7"], "line 3, column \"a\": \"€6\" has another unit than \"$5\""),
        (["8 kg", "9 kg", "unknown"], "holds 2 numbers, but also another text \"unknown\""),
    ] {
        let error = refused(&column(&cells), &TableOptions::default());
        assert!(error.contains(problem), "{error}");
    }
    // Codes, such as house numbers, stay what they are; a column of units may be categories.
    for cells in [["3B", "4A", "2C"], ["12a", "12b", "13a"], ["007B", "008B", "009B"]] {
        assert!(matches!(first_column(&cells).kind, ColumnKind::Category { .. }), "{cells:?}");
    }
    let options = TableOptions { categorical: list(&["a"]), ..TableOptions::default() };
    let columns = read(&column(&["8 kg", "500 g"]), &options).0;
    assert_eq!(columns[0], category("a", &["500 g", "8 kg"], Encoding::OneHot));
}

#[test]
fn a_model_keeps_the_unit_of_its_numbers() {
    let percent = ["12 %", "5 %", "0 %"];
    assert_eq!(later(&percent, &["7%", "8 %"]).unwrap(), (vec![], vec![Some(7.0), Some(8.0)]));
    let (notes, values) = later(&percent, &["7", "8 %"]).unwrap();
    assert_eq!(values, [Some(7.0), Some(8.0)]);
    let note = "the column \"a\" has numbers without the unit \"%\", which those that were learnt \
                from had: they are taken to be in it";
    assert_eq!(notes, [note]);
    let (notes, values) = later(&["8 kg", "9 kg"], &["7", "", "1,000 kg"]).unwrap();
    assert_eq!((notes.len(), values), (1, vec![Some(7.0), None, Some(1000.0)]));
    for (learnt, cell, had) in [
        (["12", "5"], "7 %", "none"),
        (["12", "5"], "$7", "none"),
        (["8 kg", "9 kg"], "7 g", "\"kg\""),
        (["$8", "$9"], "€7", "\"$\""),
    ] {
        let error = later(&learnt, &[cell]).unwrap_err().to_string();
        assert!(error.contains(&format!("column \"a\": {cell:?} has the unit")), "{error}");
        assert!(error.contains(&format!("learnt from has {had}")), "{error}");
    }
}

#[test]
fn numbers_as_accountants_and_nations_write_them() {
    for (cells, values) in [
        (["(1,234.50)", "950", "(2)"], [-1234.5, 950.0, -2.0]),
        (["1,23,456", "12,34,567.5", "999"], [123_456.0, 1_234_567.5, 999.0]),
        (["12-", "3.5", "1,000-"], [-12.0, 3.5, -1000.0]),
        (["+5", "+0.5", "-1"], [5.0, 0.5, -1.0]),
        (["\u{2212}5", "3", "\u{2212}0.5"], [-5.0, 3.0, -0.5]),
        (["1\u{a0}234", "1\u{202f}234", "1\u{2009}234"], [1234.0; 3]),
        (["1'234", "1’234.5", "7"], [1234.0, 1234.5, 7.0]),
    ] {
        let (columns, _, rows) = one(&cells);
        assert_eq!(columns[0], number("a"), "{cells:?}");
        assert_eq!(firsts(&rows), values.map(Some), "{cells:?}");
    }
}

/// The classes of a table whose label has these cells, the classes of the rows, and the notes.
fn labels(cells: &[&str]) -> (String, Vec<u16>, Vec<String>) {
    let rows: String =
        cells.iter().enumerate().map(|(at, cell)| format!("{at}.5,{cell}\n")).collect();
    let options = named("b");
    let mut table = table(&format!("a,b\n{rows}"), &options).unwrap();
    let layout = Layout::infer(&mut table, Path::new(PATH), &options, &two_threads()).unwrap();
    let mut labels = Vec::new();
    layout
        .pack(&mut table, &two_threads(), &mut |_, label| {
            labels.push(label);
            Ok(())
        })
        .unwrap();
    (layout.class_names.unwrap_or_default().join(" "), labels, layout.notes)
}

#[test]
fn labels_are_numbers_only_if_they_are_plainly_so() {
    const NONE: u16 = u16::MAX;
    for (cells, classes, expected) in [
        (["1", "1.0", "2", "10"], "1 2 10", [0, 0, 1, 2]),
        (["01", "1", "2", "10"], "01 1 2 10", [0, 1, 2, 3]),
        (["00", "0", "01", "1"], "0 00 01 1", [1, 0, 2, 3]),
        (["-1", "+1", "", "NA"], "-1 1", [0, 1, NONE, NONE]),
        (
            ["9007199254740992", "9007199254740993", "9007199254740992", "1"],
            "1 9007199254740992 9007199254740993",
            [1, 2, 1, 0],
        ),
        (["b", "01", "1", "?"], "01 1 b", [2, 0, 1, NONE]),
    ] {
        let (found, labels, notes) = labels(&cells);
        assert_eq!((found.as_str(), &labels[..]), (classes, &expected[..]), "{cells:?}");
        assert_eq!(notes.len(), usize::from(cells.contains(&"?")), "{notes:?}");
    }
    let (classes, found, notes) = labels(&["None", "mild", "severe", "None"]);
    assert_eq!((classes.as_str(), &found[..]), ("mild severe", &[NONE, 0, 1, NONE][..]));
    let note = "2 labels of the column \"b\", such as \"None\", are taken as missing: give such a \
                class another name if it is one";
    assert_eq!(notes, [note]);
}

#[test]
fn what_is_no_number_of_a_known_column_has_a_remedy() {
    for (learnt, cell, remedy) in [
        (["1.5", "2"], "old", Some(Remedy::Missing)),
        (["1.5", "2"], "1,5", Some(Remedy::DecimalMark)),
        (["2021-03-04", "2021-03-05"], "yesterday", Some(Remedy::Missing)),
        (["2021-03-04", "2021-03-05"], "13/04/2021", Some(Remedy::Missing)),
        (["1.5", "2"], "1e300", None),
    ] {
        let error = later(&learnt, &[cell]).unwrap_err();
        assert_eq!(error.remedy(), remedy, "{error}");
        assert!(error.to_string().contains("line 2, column \"a\": "), "{error}");
    }
}

#[test]
fn numbers_with_zeros_before_them_are_told() {
    let note = |line: u64| {
        format!(
            "the column \"plz\" is read as numbers, and that in line {line} has a zero before it, \
             as codes have: have it categorical to keep the zeros, or ignore it"
        )
    };
    for (cells, line) in [
        (["01067", "80331", "10115"], 2),
        (["80331", "10115", "01067"], 4),
        (["80331", "\"01067\"", "04109"], 3),
        (["80331", " 01067 ", "04109"], 3),
    ] {
        let rows = cells.iter().enumerate().map(|(at, cell)| format!("{cell},{}.5\n", at * at));
        let text = format!("plz,b\n{}", rows.collect::<String>());
        let (columns, notes, _) = read(&text, &TableOptions::default());
        assert_eq!((&columns[0], notes), (&number("plz"), vec![note(line)]), "{text:?}");
        let options = TableOptions { categorical: list(&["plz"]), ..TableOptions::default() };
        assert_eq!(read(&text, &options).1, Vec::<String>::new());
        // Nobody is told again by a model.
        let options = TableOptions { known: Some(columns), ..TableOptions::default() };
        assert_eq!(read(&text, &options).1, Vec::<String>::new());
    }
    let (_, notes, _) = read("a,b\n0.5,0\n0,10\n-0,00.5\n", &TableOptions::default());
    assert_eq!(notes.len(), 1, "{notes:?}");
    let (_, notes, _) = read("a,b\n0.5,0\n0,10\n-0,0e1\n", &TableOptions::default());
    assert!(notes.is_empty(), "{notes:?}");
}
